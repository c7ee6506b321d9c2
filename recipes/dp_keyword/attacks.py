"""What can still be found in the trained model, or in its updates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from recipes.dp_keyword.training import Clips, Item, Units, collator, loss
from voxguard.attacks.membership import membership_inference
from voxguard.privacy import one_run
from voxguard.privacy.canaries import InputCanaries

Floats = npt.NDArray[np.float64]

_RESAMPLES = 300


def scores_of(model: nn.Module, clips: Clips, items: Sequence[Item]) -> Floats:
    """Log-probabilities of all words, ``(items, words)``."""
    with torch.no_grad():
        found = model(clips.features[[index for index, _ in items]]).double()
    values: Floats = torch.log_softmax(found, dim=1).numpy()
    return values


def accuracy(model: nn.Module, clips: Clips, indices: Sequence[int]) -> float:
    """Share of the clips whose word is found."""
    items = [(index, int(clips.labels[index])) for index in indices]
    found = scores_of(model, clips, items).argmax(axis=1)
    return float((found == clips.labels[list(indices)]).mean())


def membership(model: nn.Module, clips: Clips, units: Units) -> dict[str, Any]:
    """Whether members can be told from test clips by their loss, for what it is worth."""
    members = [item for said in units.values() for item in said]
    others = [(index, int(clips.labels[index])) for index in clips.tested]
    seen, unseen = (-_own(scores_of(model, clips, x), x) for x in (members, others))
    return membership_inference(seen, unseen, resamples=_RESAMPLES).figure()


def mislabelled(units: Units, count: int, classes: int, seed: int) -> tuple[Units, InputCanaries]:
    """Make canaries of some units: all their clips get a wrong word.

    Returns:
        The other units, and the canaries.
    """
    rng = np.random.default_rng([seed, 1])
    names = sorted(units)
    chosen = {names[k] for k in rng.permutation(len(names))[:count]}

    def spoil(item: Item, rng: np.random.Generator) -> Item:
        return item[0], int((item[1] + rng.integers(1, classes)) % classes)

    candidates = {name: units[name] for name in sorted(chosen)}
    rest = {name: units[name] for name in names if name not in chosen}
    return rest, InputCanaries(candidates, spoil, seed=seed)


def find_mislabelled(
    model: nn.Module, clips: Clips, units: Units, canaries: InputCanaries, delta: float
) -> dict[str, Any]:
    """Audit by how much rather the model says the wrong word than the right one.

    Args:
        model: Trained.
        clips: The features.
        units: As they are in truth.
        canaries: Made of some of them.
        delta: Of the claim.
    """
    wrong = canaries.losses(model, collator(clips), loss)
    true = [-_own(scores_of(model, clips, units[n]), units[n]).mean() for n in canaries.names]
    scores = np.array(true) - wrong
    return audited(scores, canaries.included, delta)


def audited(scores: Floats, included: npt.NDArray[np.bool_], delta: float) -> dict[str, Any]:
    """The lower bound on epsilon, and the AUC beside it."""
    bound = one_run(scores, included, delta)
    found = membership_inference(
        -scores[included], -scores[~included], attack="loss", resamples=_RESAMPLES
    )
    return {
        "lower": bound.lower,
        "confidence": bound.confidence,
        "guesses": bound.guesses,
        "correct": bound.correct,
        "n": bound.n,
        "auc": found.auc.figure(),
        "tpr": found.tpr.figure(),
    }


def _own(log_probabilities: Floats, items: Sequence[Item]) -> Floats:
    """Of the word that each is said to be, ``(items,)``."""
    own: Floats = log_probabilities[np.arange(len(items)), [label for _, label in items]]
    return own
