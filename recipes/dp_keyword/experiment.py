"""One line of the results: a training, its accuracy, and what attacks still find."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

from recipes.common import say, write
from recipes.dp_keyword import attacks
from recipes.dp_keyword.corpus import Clip, words
from recipes.dp_keyword.envelopes import Floats
from recipes.dp_keyword.features import FRONT_ENDS
from recipes.dp_keyword.models import make
from recipes.dp_keyword.settings import Config, Run
from recipes.dp_keyword.training import Clips, train, units_of
from voxguard.privacy.canaries import GradientCanaries

Report = dict[str, Any]


class Experiments:
    """All trainings of a configuration on one corpus.

    Args:
        config: What is run.
        corpus: The clips.
        mels: Their envelopes.
        work: Where runs are kept.
        device: In torch's words.
    """

    def __init__(
        self, config: Config, corpus: list[Clip], mels: list[Floats], work: Path, device: str
    ) -> None:
        self._config, self._corpus, self._mels = config, corpus, mels
        self._work, self._device = work, device
        self._features: dict[str, torch.Tensor] = {}

    def run(self, run: Run) -> dict[str, Any]:
        """Train and attack, or read what came out of it before."""
        target = self._work / "runs" / f"{run.name}.json"
        if target.exists():
            found: dict[str, Any] = json.loads(target.read_text())
            return found
        clips = self._clips(run)
        began = time.process_time()
        result = self._trained(run, clips)
        result["seconds"] = round(time.process_time() - began, 1)
        write(result, target)
        say(
            f"{run.name}: accuracy {result['accuracy']:.1%}, "
            f"epsilon {result['privacy']['epsilon_pld']}, {result['seconds']:.0f} s"
        )
        return result

    def _trained(self, run: Run, clips: Clips) -> dict[str, Any]:
        units = units_of(clips, run)
        trained_on, wrong, gradients = units, None, None
        if run.canaries and run.canary == "label":
            rest, wrong = attacks.mislabelled(units, run.canaries, clips.classes, run.seed)
            trained_on = dict(wrong.speakers(rest))
        elif run.canaries:
            gradients = self._gradient_canaries(run, clips)
        folder = self._work / "trainings" / run.name
        with _Progress(run, folder, log=self._config.tensorboard) as progress:
            done = train(
                clips, trained_on, run, folder, batch=self._config.batch, device=self._device,
                canaries=gradients, progress=progress,
            )  # fmt: skip
        result: dict[str, Any] = {
            "run": _finite(asdict(run)),
            "privacy": _finite(done.privacy),
            "parameters": sum(p.numel() for p in done.model.parameters()),
            "accuracy": attacks.accuracy(done.model, clips, clips.tested),
            "train_accuracy": attacks.accuracy(done.model, clips, clips.trained),
            "tested": len(clips.tested),
        }
        delta = done.privacy["delta"]
        if wrong is not None:
            result["audit"] = attacks.find_mislabelled(done.model, clips, units, wrong, delta)
        elif gradients is not None:
            result["audit"] = attacks.audited(gradients.log_ratios, gradients.included, delta)
        else:
            result["membership"] = attacks.membership(done.model, clips, units)
        return result

    def _clips(self, run: Run) -> Clips:
        if run.front_end not in self._features:
            say(f"features: {run.front_end}")
            made = FRONT_ENDS[run.front_end](self._mels)
            self._features[run.front_end] = torch.from_numpy(made)
        tested = "dev" if run.dev else "test"
        trained = ("train",) if run.dev else ("train", "dev")
        known = words(self._corpus)
        if not any(clip.split == tested for clip in self._corpus):
            raise SystemExit(f"there are no clips of the split {tested} to test on")
        return Clips(
            self._features[run.front_end],
            np.array([known.index(clip.word) for clip in self._corpus]),
            [clip.speaker for clip in self._corpus],
            [k for k, clip in enumerate(self._corpus) if clip.split in trained],
            [k for k, clip in enumerate(self._corpus) if clip.split == tested],
            len(known),
        )

    def _gradient_canaries(self, run: Run, clips: Clips) -> GradientCanaries:
        model = make(tuple(clips.features.shape[1:]), clips.classes)
        return GradientCanaries(model, run.canaries, clipping_norm=run.clipping_norm, seed=run.seed)


class _Progress:
    """A line every ten seconds, and a log for TensorBoard. Reports are not private: keep them."""

    def __init__(self, run: Run, folder: Path, *, log: bool) -> None:
        self._run, self._last, self._writer = run, time.monotonic(), None
        if log and find_spec("tensorboard"):
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(folder / "tensorboard"))

    def __enter__(self) -> Callable[[int, Report], None]:
        return self._step

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()

    def _step(self, done: int, report: Report) -> None:
        if time.monotonic() - self._last > 10.0:
            self._last = time.monotonic()
            say(f"{self._run.name}: {done} of {self._run.steps} steps")
        if self._writer is not None:
            for name in ("loss", "clipped", "norm"):
                if report[name] is not None:
                    self._writer.add_scalar(name, report[name], done)


def _finite(found: dict[str, Any]) -> dict[str, Any]:
    """For JSON, which has no infinity: None stands for it."""
    return {k: None if isinstance(v, float) and math.isinf(v) else v for k, v in found.items()}
