"""Who was in the training? Asked of the model that is released, and held against the claim."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from recipes.dp_speaker_verification.corpus import Draw
from recipes.dp_speaker_verification.losses import WithMargin
from recipes.dp_speaker_verification.private import Task
from voxguard.attacks.membership import membership_inference
from voxguard.privacy import one_run

Losses = npt.NDArray[np.float64]


def speaker_losses(task: Task, draw: Draw, device: str) -> Losses:
    """``(audited,)``: of the encoder, on everything that each audited speaker says."""
    return np.array(
        [float(_of_speaker(task, name, device)) for name in draw.audited], dtype=np.float64
    )


@torch.no_grad()
def _of_speaker(task: Task, name: str, device: str) -> torch.Tensor:
    segments = torch.stack(task.inputs[name]).to(device)
    if len(segments) == 1:  # against its own copy there would be nothing to tell
        segments = segments.repeat(2, *[1] * (segments.dim() - 1))
    return task.strangers(task.embedder, segments)


@torch.no_grad()
def classifier_losses(task: Task, draw: Draw, device: str) -> Losses:
    """``(audited,)``: of the classifier, which is not released, on the class of each speaker."""
    label = {name: number for number, name in enumerate(sorted(task.inputs))}
    loss = WithMargin(0.0, 1.0)
    found = []
    for name in draw.audited:
        segments = torch.stack(task.inputs[name]).to(device)
        labels = torch.full((len(segments),), label[name], device=device)
        found.append(float(loss(task.model, (segments, labels)).mean()))
    return np.array(found, dtype=np.float64)


def attack(after: Losses, before: Losses, draw: Draw, delta: float) -> dict[str, Any]:
    """Membership inference, and the bound on epsilon that the same scores give.

    Args:
        after: Losses of the trained model.
        before: Of the model before training: what it finds hard is hard, and not unknown.
        draw: How the coins fell.
        delta: Of the claim.
    """
    is_in = np.array(draw.included)
    result = membership_inference(
        after[is_in],
        after[~is_in],
        reference_members=before[None, is_in],
        reference_non_members=before[None, ~is_in],
    )
    bound = one_run(before - after, is_in, delta)
    return {**result.figure(), "bound": bound.lower, "audited": bound.n}
