"""All runs of a configuration, each of which leaves a file when it is done."""

from __future__ import annotations

import importlib.metadata
import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch

from recipes.common import say, write
from recipes.dp_speaker_verification import attacks, corpus, private, verify
from recipes.dp_speaker_verification.pretrain import start
from recipes.dp_speaker_verification.settings import Config, Method
from recipes.dp_speaker_verification.speech import Speech
from voxguard.errors import VoxguardError
from voxguard.models.optional import optional
from voxguard.privacy import audit_speaker_dp, default_delta, noise_multiplier_for, population_for

PACKAGES = ("torch", "speechbrain", "opacus", "dp-accounting")
_SAY_EVERY_S = 10.0


class Runs:
    """What is to be done, in the folder where it is done.

    Args:
        config: The runs.
        speech: Of everybody.
        work: A folder of the configuration's own in it takes the runs.
        device: In torch's words.

    Raises:
        SystemExit: The folder holds runs of another configuration.
    """

    def __init__(self, config: Config, speech: Speech, work: Path, device: str) -> None:
        self.config = config
        self.speech = speech
        self.folder = work / config.name
        self.device = device
        self.finished = self.folder / "runs"

    def check(self, whole: Config) -> None:
        """Refuse to mix runs of different settings."""
        now = json.loads(json.dumps({"config": whole.as_dict(), "corpus": self._corpus()}))
        kept = self.folder / "configuration.json"
        if kept.exists() and json.loads(kept.read_text()) != now:
            raise SystemExit(
                f"{self.folder} holds runs of another configuration or corpus; take another work "
                "folder, or another name for the configuration"
            )
        write(now, kept)

    def all(self) -> None:
        """Those that are not there yet."""
        planned = list(self._planned())
        for number, (name, run) in enumerate(planned, start=1):
            target = self.finished / f"{name}.json"
            if not target.exists():
                began = time.process_time()
                found = run()
                spent = time.process_time() - began
                write({**found, "cpu_seconds": round(spent, 1)}, target)
                say(f"{number} of {len(planned)}: {name}, {spent:.0f} CPU s")
            # Holds the key that takes the noise off. Not earlier: a run that is repeated needs it.
            (self._under_way(name) / "checkpoint.pt").unlink(missing_ok=True)

    def _planned(self) -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
        settings = self.config.settings
        for seed in settings.seeds:
            for method in self.config.methods:
                for epsilon in method.epsilons or settings.epsilons:
                    yield _name(method, epsilon, seed), partial(self._one, method, epsilon, seed)
                if method.loss == "strangers" and settings.canaries:
                    yield f"audit-{method.name}-seed{seed}", partial(self._audit, method, seed)

    def _under_way(self, name: str) -> Path:
        return self.folder / "under way" / name

    def _one(self, method: Method, epsilon: float, seed: int) -> dict[str, Any]:
        settings, device = self.config.settings, self.device
        drawn = corpus.draw(self.speech.corpus.private, settings, seed)
        began = start(
            method.start, self.speech, settings, seed, self.folder / f"public-seed{seed}.pt", device
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            task = private.prepare(method, began, self.speech, drawn, settings, device)
        looks: list[dict[str, Any]] = []
        losses: list[dict[str, Any]] = []
        name = _name(method, epsilon, seed)
        folder = self._under_way(name)
        self._look(task, drawn, looks, losses)
        with _board(self.folder / "tensorboard" / name) as told:
            summary = private.train(task, epsilon, folder, settings, seed, device, told)
        self._look(task, drawn, looks, losses)
        delta = default_delta(len(task.units))
        noise = private.noise_for(method, epsilon, len(task.units))
        expected = method.sampling_rate * len(task.units)
        torch.save(task.encoder.state_dict(), self.folder / f"{name}.pt")
        return {
            "method": asdict(method),
            "epsilon": _shown(epsilon),
            "seed": seed,
            "noise_multiplier": noise,
            "units": len(task.units),
            "speakers": len(drawn.members),
            "cohort": expected,
            "trainable": sum(p.numel() for p in task.model.parameters()),
            "privacy": {name: _shown(value) for name, value in summary.items()},
            "before": looks[0],
            "after": looks[1],
            "membership": {
                what: attacks.attack(losses[1][what], losses[0][what], drawn, delta)
                for what in losses[0]
            },
            "population_for": None
            if noise == 0.0
            else population_for(
                settings.practical_epsilon,
                noise_multiplier=noise,
                cohort=expected,
                steps=method.steps,
            ),
            "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
        }

    def _look(self, task: Any, drawn: Any, looks: list[Any], losses: list[Any]) -> None:
        task.encoder.eval()
        looks.append(
            {
                "eer": verify.test_speakers(task.encoder, self.speech, self.device),
                "strangers": verify.strangers(
                    task.encoder, self.speech, drawn.outsiders, self.device
                ),
            }
        )
        task.encoder.train()
        found = {"encoder": attacks.speaker_losses(task, drawn, self.device)}
        if task.method.loss == "classes":
            found["classifier"] = attacks.classifier_losses(task, drawn, self.device)
        losses.append(found)

    def _audit(self, method: Method, seed: int) -> dict[str, Any]:
        """White-box canaries against a claim small enough to be contradicted."""
        settings = self.config.settings
        drawn = corpus.draw(self.speech.corpus.private, settings, seed)
        delta = default_delta(len(drawn.members))
        began = start("random", self.speech, settings, seed, Path(), "cpu")
        model = began if method.trained == "all" else began.last
        mechanism = {"sampling_rate": method.sampling_rate, "steps": method.steps}
        noise = noise_multiplier_for(settings.audit_epsilon, delta, **mechanism)
        bound = audit_speaker_dp(
            model,
            noise_multiplier=noise,
            delta=delta,
            canaries=settings.canaries,
            clipping_norm=method.clipping_norm,
            engine="vectorised",
            seed=seed,
            **mechanism,
        )
        return {
            "method": asdict(method),
            "seed": seed,
            "claim": settings.audit_epsilon,
            "delta": delta,
            "noise_multiplier": noise,
            "bound": bound.lower,
            "confidence": bound.confidence,
            "how": bound.method,
            "canaries": bound.n,
            "contradicts": bound.contradicts(settings.audit_epsilon),
        }

    def _corpus(self) -> dict[str, int]:
        who = self.speech.corpus
        return {
            "public": len(who.public),
            "private": len(who.private),
            "test": len({u.speaker for u in who.test}),
            "recordings": len(who.utterances),
        }


def _name(method: Method, epsilon: float, seed: int) -> str:
    return f"{method.name}-eps{epsilon:g}-seed{seed}"


def _shown(value: Any) -> Any:
    """JSON has no infinity."""
    return "inf" if isinstance(value, float) and math.isinf(value) else value


@contextmanager
def _board(folder: Path) -> Iterator[Callable[[int, dict[str, Any]], None]]:
    """What follows a training: a line now and then, and TensorBoard where it is installed.

    The reports are not private. They stay in the work folder.
    """
    try:
        board = optional("torch.utils.tensorboard", "train", "logging").SummaryWriter(folder)
    except VoxguardError:
        board = None
    last = time.monotonic()

    def told(steps: int, report: dict[str, Any]) -> None:
        nonlocal last
        if time.monotonic() - last >= _SAY_EVERY_S:
            last = time.monotonic()
            say(f"{folder.name}: step {steps}, loss {report['loss'] or 0.0:.3f}")
        for name in ("loss", "norm", "clipped", "cohort"):
            if board is not None and report[name] is not None:
                board.add_scalar(name, report[name], steps)

    yield told
    if board is not None:
        board.close()
