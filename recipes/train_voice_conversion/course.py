"""A training that goes on where it was interrupted."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from recipes.common import duration, say
from recipes.train_voice_conversion import checkpoint
from recipes.train_voice_conversion.data import Batch, Batches, Recorded
from recipes.train_voice_conversion.losses import means
from recipes.train_voice_conversion.settings import Settings
from voxguard.models.network import Network
from voxguard.models.schedule import warmup_cosine

AVERAGING = 0.998
HELD_OUT = 48


class Course(ABC):
    """Steps, a log of them, checkpoints, and a moving average of the weights.

    Args:
        settings: What is done.
        training: Utterances to train on.
        development: Utterances of other speakers, to look at.
        folder: For the checkpoint and the log.
        device: Where it runs, in torch's words.

    Attributes:
        network: Learns.
        optimiser: Of it, and of what learns with it.
        batches: What it learns from.
        held_out: Of speakers it does not learn from, to look at.
        average: Of the network's weights over the steps; what is exported.
        step: How many are done.
    """

    network: Network
    optimiser: torch.optim.Optimizer
    batches: Batches
    held_out: Batch | None

    def __init__(
        self,
        settings: Settings,
        training: list[Recorded],
        development: list[Recorded],
        folder: Path,
        device: str = "cpu",
    ) -> None:
        torch.manual_seed(settings.seed)
        self.settings, self.folder, self.device = settings, folder, device
        folder.mkdir(parents=True, exist_ok=True)
        self.average: dict[str, Tensor] = {}
        self.step, self._began = 0, time.monotonic()
        self.log = checkpoint.Log(folder)
        self.training = training
        self.begin(development)

    @abstractmethod
    def begin(self, development: list[Recorded]) -> None:
        """Set the attributes, and :meth:`take_up` last."""

    @abstractmethod
    def drawn(self, seed: int | Sequence[int]) -> Batches:
        """Batches from such a seed."""

    @abstractmethod
    def parts(self) -> dict[str, Any]:
        """All that learns, as it goes into a checkpoint."""

    @abstractmethod
    def one_step(self, batch: Batch) -> dict[str, Tensor]:
        """Learn from a batch; figures for the log."""

    @abstractmethod
    def looked_at(self, batch: Batch, levels: int | None) -> tuple[Tensor, Tensor]:
        """What is decoded of speech in its own voice, and how much of what is read is right."""

    def done(self) -> dict[str, int]:
        """How far it is, by the names in the log."""
        return {"step": self.step}

    def run(self) -> None:
        """Train to the end."""
        started, first = time.monotonic(), self.step
        figures: list[dict[str, Tensor]] = []
        while self.step < self.settings.steps:
            figures.append(self.one_step(next(self.batches).to(self.device)))
            self.step += 1
            if self.step % self.settings.log_every == 0:
                line = {"step": self.step, "seconds": self.seconds(), **means(figures)}
                self.log.write(line)
                a_step = (time.monotonic() - started) / (self.step - first)
                left = duration(a_step * (self.settings.steps - self.step))
                done = f"{self.step} of {self.settings.steps}"
                say(f"training: {done}, {self.told(line)}, {left} left")
                figures = []
            if self.step % self.settings.save_every == 0 or self.step == self.settings.steps:
                self.log.write({"step": self.step, **self.measure()})
                self.save()

    @abstractmethod
    def told(self, line: Mapping[str, float | None]) -> str:
        """The figure of a line of the log that says most, in words."""

    def seconds(self) -> float:
        """That were spent on the run, those before an interruption included."""
        return round(time.monotonic() - self._began, 1)

    def save(self) -> None:
        """Write the checkpoint."""
        values = {"step": self.step, "average": self.average, "settings": asdict(self.settings)}
        checkpoint.save(self.folder, self.parts(), **values)

    def take_up(self) -> bool:
        """Go on with this run; whether there was anything to go on with."""
        self.average = self.copy()
        state = checkpoint.load(self.folder)
        if state is not None:
            checkpoint.check_settings(state["settings"], self.settings, self.folder)
            checkpoint.restore(self.parts(), state, self.folder)
            self.step = state["step"]
            self.batches = self.drawn([self.settings.seed, self.step])
            torch.manual_seed(self.settings.seed + self.step)
            self.average = {k: v.to(self.device) for k, v in state["average"].items()}
            say(f"training: goes on after step {self.step}")
        self._began -= self.log.cut(self.done())
        return state is not None

    def improve(self, loss: Tensor) -> None:
        """A step of the network down the gradient, and of its average."""
        rate = self.settings.learning_rate * warmup_cosine(
            self.step, self.settings.steps, warmup=0.02
        )
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        try:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0, error_if_nonfinite=True)
        except RuntimeError:
            raise SystemExit(
                f"training: the gradient of step {self.step + 1} is no number; the last checkpoint "
                "is of before, and a lower learning_rate may get past this"
            ) from None
        self.optimiser.step()
        self._average()

    def copy(self) -> dict[str, Tensor]:
        """The weights as they are."""
        return {name: value.clone() for name, value in self.network.state_dict().items()}

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(AVERAGING, self.step / (self.step + 50))
        for name, value in self.network.state_dict().items():
            # entries of a codebook change places: they have no mean
            self.average[name].lerp_(value, 1.0 if "codebook" in name else 1 - decay)

    @torch.no_grad()
    def measure(self, kept: Iterable[int | None] = (1, 3)) -> dict[str, float | None]:
        """How far the averaged weights are off on speakers that are not trained on.

        Args:
            kept: Levels of the quantiser, None for none of it.
        """
        batch, out = self.held_out, {}
        if batch is None:
            return {}
        trained = self.copy()
        self.network.load_state_dict(self.average)
        self.network.eval()
        for levels in kept:
            decoded, right = self.looked_at(batch, levels)
            name = "none" if levels is None else levels
            out[f"dev_mel_{name}"] = (decoded[:, :-1].float() - batch.mel).abs().mean()
            out[f"dev_right_{name}"] = right
        self.network.load_state_dict(trained)
        self.network.train()
        return means([out])
