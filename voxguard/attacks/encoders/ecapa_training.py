"""The training loop of ECAPA-TDNN."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from voxguard.attacks.encoders.base import Progress
from voxguard.attacks.encoders.sampling import FeatureCache, Labelled, crop
from voxguard.errors import ConfigurationError
from voxguard.models.ecapa import EcapaModel
from voxguard.models.margin import margin_loss
from voxguard.models.optional import optional
from voxguard.models.precision import autocast
from voxguard.models.schedule import triangular

if TYPE_CHECKING:
    from voxguard.attacks.encoders.ecapa import Ecapa

VPC_HALF_CYCLE = 65_000
LEAST_RATE = 1e-8


class Training:
    """One training run; the rates, segments and order of a seed are always the same."""

    def __init__(self, options: Ecapa, model: EcapaModel, data: Labelled) -> None:
        self.torch = optional("torch", "train", "ECAPA-TDNN")
        self.options, self.model = options, model
        self.rng = np.random.default_rng(options.seed)
        self.features = FeatureCache(lambda recording: model.features(recording.samples()))
        held = held_out_utterances(data.labels, options.held_out, self.rng)
        self.data = data
        self.known, self.unseen = np.flatnonzero(~held), np.flatnonzero(held)
        self.frames = max(2, round(100 * options.segment_s))
        self.directions = self.torch.nn.Parameter(
            self.torch.randn(len(data.speakers), options.embedding, device=options.device)
        )
        self.weights = [*model.network.parameters(), self.directions]
        self.optimizer = self.torch.optim.Adam(self.weights, weight_decay=options.weight_decay)

    def run(self, progress: Progress | None) -> list[dict[str, Any]]:
        """Train, keep the best epoch, and give an account of all.

        Raises:
            ConfigurationError: The training diverged.
        """
        options, network = self.options, self.model.network
        batches = max(1, round(len(self.known) / options.batch_size))
        history: list[dict[str, Any]] = []
        best, state = np.inf, network.state_dict()
        for epoch in range(options.epochs):
            network.train()
            order = np.array_split(self.rng.permutation(self.known), batches)
            losses = []
            for number, batch in enumerate(order):
                step = epoch * batches + number
                losses.append(self._step(batch, self.rate(step, options.epochs * batches)))
                if progress is not None:
                    progress((step + 1) / (options.epochs * batches))
            error = self._error()
            history.append({"loss": float(np.mean(losses)), "error": error, "kept": False})
            if error is None or error <= best:
                best = best if error is None else error
                state, kept = copy.deepcopy(network.state_dict()), epoch
        history[kept]["kept"] = True
        network.load_state_dict(state)
        network.eval()
        if not all(bool(value.isfinite().all()) for value in state.values()):
            raise ConfigurationError(
                "the training of ecapa diverged: its weights are not finite; take a smaller "
                f"learning_rate than {options.learning_rate:g}"
            )
        return history

    def rate(self, step: int, steps: int) -> float:
        """Learning rate at a step."""
        half = VPC_HALF_CYCLE if self.options.schedule == "vpc2024" else max(1, steps // 2)
        return triangular(step, half, low=LEAST_RATE, high=self.options.learning_rate)

    def _step(self, batch: npt.NDArray[np.intp], rate: float) -> float:
        options = self.options
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        with autocast(options.device, options.precision):
            vectors = self.model(self._segments(batch, self.rng))
        loss: Any
        loss, _ = margin_loss(
            vectors.float(),
            self.directions,
            self._labels(batch),
            margin=options.margin,
            scale=options.scale,
            angular=True,
        )
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return float(loss.detach())

    def _error(self) -> float | None:
        """Fraction of the held-out utterances that are given to somebody else."""
        if not self.unseen.size:
            return None
        self.model.network.eval()
        wrong = 0
        rng = np.random.default_rng(self.options.seed)  # the same segments in every epoch
        with self.torch.inference_mode():
            for at in range(0, self.unseen.size, self.options.batch_size):
                batch = self.unseen[at : at + self.options.batch_size]
                labels = self._labels(batch)
                vectors = self.model(self._segments(batch, rng))
                _, cosines = margin_loss(vectors, self.directions, labels)
                wrong += int((cosines.argmax(dim=1) != labels).sum())
        return wrong / int(self.unseen.size)

    def _segments(self, batch: npt.NDArray[np.intp], rng: np.random.Generator) -> Any:
        heard = [self.features(self.data.recordings[one]) for one in batch]
        cut = np.stack([crop(frames, self.frames, rng) for frames in heard])
        return self.torch.from_numpy(cut).to(self.options.device)

    def _labels(self, batch: npt.NDArray[np.intp]) -> Any:
        return self.torch.from_numpy(self.data.labels[batch]).to(self.options.device)


def held_out_utterances(
    labels: npt.NDArray[np.intp], fraction: float, rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Which utterances are held out: of each speaker at least one is not."""
    held = np.zeros(labels.size, dtype=bool)
    left = np.bincount(labels)
    for one in rng.permutation(labels.size):
        if held.sum() >= round(fraction * labels.size):
            break
        if left[labels[one]] > 1:
            held[one] = True
            left[labels[one]] -= 1
    return held
