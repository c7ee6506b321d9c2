"""Small people and small networks to train on them with speaker-level DP."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from voxguard.privacy.speaker_level import SpeakerDP

Utterance = tuple[Tensor, Tensor]


def people(count: int, utterances: int = 6) -> dict[str, list[Utterance]]:
    """Utterances of 3 features and 10 frames with one of 5 labels."""
    generator = torch.Generator().manual_seed(1)
    return {
        f"s{i:02}": [
            (torch.randn(3, 10, generator=generator), torch.tensor((i + u) % 5))
            for u in range(utterances)
        ]
        for i in range(count)
    }


def collate(said: list[Utterance]) -> tuple[Tensor, Tensor]:
    """A batch of one speaker."""
    return torch.stack([x for x, _ in said]), torch.stack([y for _, y in said])


def cropped(said: list[Utterance]) -> tuple[Tensor, Tensor]:
    """As :func:`collate`, shifted by chance."""
    features, labels = collate(said)
    return features.roll(int(torch.randint(10, ())), dims=2), labels


def loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Mean cross entropy."""
    return nn.functional.cross_entropy(model(batch[0]), batch[1])


def network(*middle: nn.Module, seed: int = 0) -> nn.Sequential:
    """A convolution, whatever goes behind it, a linear layer."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv1d(3, 8, 3), *middle, nn.ReLU(), nn.Flatten(), nn.Linear(64, 5))


def trainer(
    speakers: dict[str, list[Utterance]],
    model: nn.Module | None = None,
    cls: type[SpeakerDP] = SpeakerDP,
    **options: Any,
) -> SpeakerDP:
    """Speaker-level DP with plain steps of rate 1: the model moves by the update."""
    model = network() if model is None else model
    options = {
        "noise_multiplier": 1.0,
        "sampling_rate": 0.5,
        "clipping_norm": 0.5,
        "seed": 3,
        "collate": collate,
        "loss": loss,
    } | options
    optimizer = options.pop("optimizer", None) or torch.optim.SGD(model.parameters(), lr=1.0)
    return cls(model, optimizer, speakers, options.pop("collate"), options.pop("loss"), **options)


def flat(tensors: Any) -> Tensor:
    """All in one vector of float64."""
    return torch.cat([t.detach().double().reshape(-1) for t in tensors])
