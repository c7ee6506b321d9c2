"""What is trained on the features."""

from __future__ import annotations

import torch
from torch import Tensor, nn

CHANNELS = 64


def make(shape: tuple[int, ...], classes: int) -> nn.Module:
    """A linear model for vectors, a convolutional network for bands over time.

    Args:
        shape: Of one clip's features, ``(dimensions,)`` or ``(bands, segments)``.
        classes: Words.
    """
    return Linear(shape[0], classes) if len(shape) == 1 else Convolutional(*shape, classes)


class Linear(nn.Linear):
    """From nothing: without noise the loss has one minimum, so it need not begin at random."""

    def __init__(self, dimensions: int, classes: int) -> None:
        super().__init__(dimensions, classes, bias=False)
        nn.init.zeros_(self.weight)


class Convolutional(nn.Module):
    """Three convolutions over time with group normalisation, which DP can train."""

    def __init__(self, bands: int, segments: int, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for width, stride in ((bands, 1), (CHANNELS, 2), (CHANNELS, 2)):
            layers += [
                nn.Conv1d(width, CHANNELS, 3, stride=stride, padding=1),
                nn.GroupNorm(8, CHANNELS),
                nn.ReLU(),
            ]
        self.layers = nn.Sequential(*layers, nn.Flatten())
        self.head = nn.Linear(CHANNELS * (segments // 4), classes)

    def forward(self, x: Tensor) -> Tensor:
        """Scores ``(n, classes)`` of ``(n, bands, segments)``."""
        scores: Tensor = self.head(self.layers(x))
        return scores


class TailAverage:
    """The mean of the weights from some step on, which costs no privacy and takes noise off.

    It goes where a scheduler goes, so the trainer keeps it in its checkpoints.

    Args:
        model: Whose weights.
        first: Steps that are left out of the mean.
    """

    def __init__(self, model: nn.Module, first: int) -> None:
        self._model = model
        self._first = first
        self._steps = 0
        self._mean = {name: p.detach().clone() for name, p in model.named_parameters()}

    def step(self) -> None:
        """After each step of the optimizer."""
        self._steps += 1
        count = max(1, self._steps - self._first)
        with torch.no_grad():
            for name, parameter in self._model.named_parameters():
                self._mean[name].lerp_(parameter, 1.0 / count)

    def apply(self) -> None:
        """Give the model the mean."""
        with torch.no_grad():
            for name, parameter in self._model.named_parameters():
                parameter.copy_(self._mean[name])

    def state_dict(self) -> dict[str, Tensor]:
        """For a checkpoint."""
        return {"steps": torch.tensor(self._steps), **self._mean}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """From a checkpoint."""
        self._steps = int(state["steps"])
        for name, mean in self._mean.items():
            mean.copy_(state[name])
