"""Who speaks, by what a recogniser makes of his speech."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from recipes.anonymize_then_train.recogniser import Recogniser
from voxguard.models.optional import optional

Names = npt.NDArray[np.str_]


def speakers_found(
    model: Recogniser,
    known: tuple[Tensor, Names],
    asked: tuple[Tensor, Names],
) -> dict[str, float]:
    """How often a linear attacker names the speaker, who is one of those he has heard before.

    Args:
        model: The recogniser.
        known: Features and speakers of clips that the attacker learns from.
        asked: Of those that he is asked about.

    Returns:
        Shares of ``asked``: from the recogniser's ``input``, from its ``hidden`` units, from its
        ``output``; and the share of the speaker who is heard most, ``chance``.
    """
    linear = optional("sklearn.linear_model", "eval", "the attacker")
    scale = optional("sklearn.preprocessing", "eval", "the attacker")
    pipeline = optional("sklearn.pipeline", "eval", "the attacker")
    views = [[f(x).numpy() for x, _ in (known, asked)] for f in _views(model)]
    found = {}
    for name, (seen, unseen) in zip(("input", "hidden", "output"), views, strict=True):
        attacker = pipeline.make_pipeline(
            scale.StandardScaler(), linear.LogisticRegression(C=0.1, max_iter=2000)
        )
        found[name] = float(attacker.fit(seen, known[1]).score(unseen, asked[1]))
    _, counts = np.unique(asked[1], return_counts=True)
    return {**found, "chance": float(counts.max() / counts.sum())}


def _views(model: Recogniser) -> list[torch.nn.Module]:
    class Hidden(torch.nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            with torch.no_grad():
                return model.hidden(x)

    class Output(torch.nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            with torch.no_grad():
                return model(x).log_softmax(dim=1)

    return [torch.nn.Identity(), Hidden(), Output()]
