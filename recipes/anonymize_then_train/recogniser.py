"""The downstream model: one hidden layer on cepstra, trained without any privacy of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

Labels = npt.NDArray[np.int64]

_BATCH, _LEARNING_RATE = 64, 1e-3


class Recogniser(nn.Module):
    """Words from features.

    Args:
        dimensions: Of the features.
        hidden: Units.
        classes: Words.
    """

    def __init__(self, dimensions: int, hidden: int, classes: int) -> None:
        super().__init__()
        self.enter = nn.Linear(dimensions, hidden)
        self.leave = nn.Linear(hidden, classes)

    def hidden(self, x: Tensor) -> Tensor:
        """What it has learnt to see, ``(n, hidden)``."""
        return torch.relu(self.enter(x))

    def forward(self, x: Tensor) -> Tensor:
        """Scores ``(n, classes)``."""
        scores: Tensor = self.leave(self.hidden(x))
        return scores


@dataclass(frozen=True)
class Recipe:
    """How every recogniser is trained.

    Attributes:
        classes: Words.
        hidden: Units.
        epochs: Passes over the clips.
        device: In torch's words.
    """

    classes: int
    hidden: int
    epochs: int
    device: str = "cpu"

    def train(self, features: Tensor, labels: Labels, seed: int) -> Recogniser:
        """Train on ``(n, dimensions)`` features."""
        torch.manual_seed(seed)
        model = Recogniser(features.shape[1], self.hidden, self.classes).to(self.device)
        x, y = features.to(self.device), torch.from_numpy(labels).to(self.device)
        optimizer = torch.optim.Adam(model.parameters(), lr=_LEARNING_RATE)
        for _ in range(self.epochs):
            for some in torch.randperm(len(x)).split(_BATCH):
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(x[some]), y[some]).backward()
                optimizer.step()
        return model.cpu().eval()


def losses(model: Recogniser, features: Tensor, labels: Labels) -> npt.NDArray[np.float64]:
    """Cross-entropy of each clip, ``(n,)``."""
    with torch.no_grad():
        scores = model(features).double()
    each: npt.NDArray[np.float64] = nn.functional.cross_entropy(
        scores, torch.from_numpy(labels), reduction="none"
    ).numpy()
    return each


def accuracy(model: Recogniser, features: Tensor, labels: Labels) -> float:
    """Share of the clips whose word is found."""
    with torch.no_grad():
        return float((model(features).argmax(dim=1).numpy() == labels).mean())
