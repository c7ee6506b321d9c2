"""SpeechBrain's ECAPA-TDNN, made fit for the gradients of single examples and speakers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from recipes.dp_speaker_verification.settings import Settings
from voxguard.models.ecapa import EcapaModel

_SCALE_DB = 20.0


class Encoder(nn.Module):
    """ECAPA-TDNN from log filterbank energies ``(batch, frames, 80)`` to ``(batch, embedding)``.

    SpeechBrain's layers with its weights' names, in two parts: `body` up to the pooling over time,
    and `last` behind it, which can be trained by itself. Each BatchNorm is a GroupNorm: the
    statistics of a batch belong to other people in example-level DP, and in speaker-level DP, where
    they may be taken over one speaker, they would take out what tells him from others.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        ecapa = EcapaModel(
            channels=settings.channels,
            embedding=settings.embedding,
            attention=settings.attention,
        ).network
        _make_private(ecapa, settings.groups)
        self.body = _Body(ecapa)
        self.last = _Last(ecapa)

    def forward(self, frames: Tensor) -> Tensor:
        """Vectors, of any length."""
        vectors: Tensor = self.last(self.body(frames))
        return vectors


class Classifier(nn.Module):
    """An encoder, and a direction for each of a number of classes that was settled beforehand."""

    def __init__(self, encoder: nn.Module, embedding: int, classes: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.directions = nn.Parameter(torch.randn(classes, embedding))

    def forward(self, inputs: Tensor) -> Tensor:
        """Cosines ``(batch, classes)``."""
        unit = nn.functional.normalize
        return unit(self.encoder(inputs), dim=1) @ unit(self.directions, dim=1).T


class _Body(nn.Module):
    def __init__(self, ecapa: Any) -> None:
        super().__init__()
        self.blocks, self.mfa, self.asp = ecapa.blocks, ecapa.mfa, ecapa.asp

    def forward(self, frames: Tensor) -> Tensor:
        x = frames.transpose(1, 2) / _SCALE_DB
        passed = []
        for block in self.blocks:
            x = block(x)
            passed.append(x)
        pooled: Tensor = self.asp(self.mfa(torch.cat(passed[1:], dim=1)))
        return pooled.squeeze(2)


class _Last(nn.Module):
    def __init__(self, ecapa: Any) -> None:
        super().__init__()
        self.asp_bn, self.fc = ecapa.asp_bn, ecapa.fc

    def forward(self, pooled: Tensor) -> Tensor:
        vectors: Tensor = self.fc(self.asp_bn(pooled.unsqueeze(2)))
        return vectors.squeeze(2)


def _make_private(ecapa: nn.Module, groups: int) -> None:
    for name, layer in list(ecapa.named_modules()):
        if isinstance(layer, nn.ReLU):
            layer.inplace = False  # it would overwrite what per-sample gradients are made from
        if isinstance(layer, nn.BatchNorm1d):
            parent, _, child = name.rpartition(".")
            count = layer.num_features
            kept = next(g for g in range(min(groups, count), 0, -1) if count % g == 0)
            setattr(ecapa.get_submodule(parent), child, nn.GroupNorm(kept, count))
