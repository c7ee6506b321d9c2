"""What the network is to get right, and how far it has."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from recipes.train_voice_conversion.data import Batch
from recipes.train_voice_conversion.labels import UNKNOWN
from voxguard.models.network_numpy import STRIDE

SMOOTHING = 0.05


def reconstruction(decoded: Tensor, batch: Batch) -> dict[str, Tensor]:
    """L1 of the envelope and of its differences in time and frequency, and of the aperiodicity.

    Args:
        decoded: ``(views batch, bands + 1, frames)``, of one view or of both.
        batch: What was to come out of either.
    """
    mel, noise = decoded[:, :-1], decoded[:, -1:]
    views = len(decoded) // len(batch.mel)
    voiced = batch.pitch[:, :1].repeat(views, 1, 1)
    error = mel - batch.mel.repeat(views, 1, 1)
    breath = (noise - batch.aperiodicity.repeat(views, 1, 1)) * voiced
    return {
        "mel": error.abs().mean(),
        "in_time": error.diff(dim=2).abs().mean(),
        "in_frequency": error.diff(dim=1).abs().mean(),
        "aperiodicity": breath.abs().mean(),
    }


def phone_loss(scores: Tensor, phones: Tensor) -> tuple[Tensor, Tensor]:
    """Cross entropy where the phone is known, and the share that is right.

    Args:
        scores: ``(batch, phones, k)``.
        phones: ``(batch, 2 k)`` indices.

    Returns:
        0 and NaN where none is known.
    """
    wanted = phones[:, ::STRIDE]
    known = wanted != UNKNOWN
    total = functional.cross_entropy(
        scores, wanted, ignore_index=UNKNOWN, label_smoothing=SMOOTHING, reduction="sum"
    )
    right = (scores.argmax(1) == wanted) & known
    return total / known.sum().clamp(min=1), right.sum() / known.sum()


def confusion(scores: Tensor) -> Tensor:
    """How far the recognised speaker is from an even guess; bounded below, unlike a reversal.

    Args:
        scores: ``(batch, speakers)``.
    """
    return -functional.log_softmax(scores, 1).mean() - math.log(scores.shape[1])


def advantage(scores: Tensor, speaker: Tensor) -> Tensor:
    """How much more than an even guess is known of the speaker, in nats; never less than nothing.

    What is held for certain and wrong costs nothing: it is not the speaker that it was read from.

    Args:
        scores: ``(batch, speakers)``.
        speaker: ``(batch,)`` indices.
    """
    known = functional.log_softmax(scores, 1).gather(1, speaker[:, None])
    return (known + math.log(scores.shape[1])).clamp(min=0.0).mean()


def consistency(content: Tensor) -> Tensor:
    """How far the content of the two views is apart, in its own variance; ``(2 batch, c, k)``."""
    one, two = content.chunk(2)
    distance = (one - two).square().mean()
    return torch.as_tensor(distance / content.detach().var().clamp(min=0.1))


def means(figures: list[dict[str, Tensor]]) -> dict[str, float | None]:
    """Of each figure, over the steps in which it was; None where it never was a number."""
    names = {name: None for step in figures for name in step}
    columns = {
        name: torch.stack([step[name] for step in figures if name in step]) for name in names
    }
    found = {name: float(column.nanmean()) for name, column in columns.items()}
    return {name: None if value != value else round(value, 4) for name, value in found.items()}
