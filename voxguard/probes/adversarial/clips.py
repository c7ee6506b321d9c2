"""Clips as they are, with noise and attacked, made when they are asked about."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from voxguard.arrays import Samples
from voxguard.audio import resample
from voxguard.audiollm import Question, TransformersModel
from voxguard.evaluation.manifest import Utterance
from voxguard.metrics import bootstrap_groups
from voxguard.probes.adversarial.clip import AdversarialClip
from voxguard.probes.adversarial.goal import Case
from voxguard.probes.adversarial.outcomes import ADAPTIVE, NOISE, NONE, PGD, shown
from voxguard.probes.adversarial.pgd import attack
from voxguard.probes.adversarial.store import Perturbations
from voxguard.probes.data import Heard, mono
from voxguard.probes.figures import RAW, ProbeFigure


@dataclass(frozen=True)
class Strength:
    """How hard the attacker tries: options of :func:`~voxguard.probes.adversarial.attack`."""

    epsilon: float
    steps: int
    restarts: int
    adaptive_steps: int
    draws: int
    seed: int

    def as_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return asdict(self)


class Clips:
    """Makes the clips of a probe, and the questions about them.

    Args:
        model: That is attacked.
        prompt: The question.
        most: Samples that clips are cut to, at the model's rate.
        strength: Of the attacks.
        store: Keeps perturbations.
    """

    def __init__(
        self,
        model: TransformersModel,
        prompt: str,
        most: int,
        strength: Strength,
        store: Perturbations,
    ) -> None:
        self._model, self._prompt, self._most = model, prompt, most
        self._strength, self._store = strength, store
        self._snr_db: dict[str, float] = {}

    def question(self, utterance: Utterance, kind: str, way: Heard, target: str = "") -> Question:
        """A question whose clip is made when it is asked."""
        name = self._name(utterance, kind, way, target)

        def audio() -> tuple[Samples, int]:
            rate = self._model.sample_rate
            samples = self._clip(utterance, kind, way, target).samples
            if way.anonymizer is not None:
                samples = np.asarray(way.anonymizer(samples, rate), dtype=np.float32)
            return samples, rate

        key = f"adversarial/{utterance.id}/{kind}/{way.key}/{name}"
        return Question(key, self._prompt, audio)

    def levels(
        self, cases: Sequence[Case], ways: Sequence[Heard], *, seed: int, resamples: int
    ) -> list[ProbeFigure]:
        """Mean signal-to-noise ratio in dB of each attack, clips of digital silence left out."""
        found = []
        for way in ways:
            # What noise and an attack that knows nothing add is the same for every system.
            for kind in (NOISE, PGD) if way.name == RAW else (ADAPTIVE,):
                ratios = [self._ratio(case, kind, way) for case in cases]
                usable = [i for i, ratio in enumerate(ratios) if np.isfinite(ratio)]
                if usable:
                    interval = bootstrap_groups(
                        np.mean,
                        [ratios[i] for i in usable],
                        [cases[i].utterance.speaker for i in usable],
                        seed=seed,
                        resamples=resamples,
                    )
                    found.append(shown("snr_db", way.name, interval, attack=kind))
        return found

    def _ratio(self, case: Case, kind: str, way: Heard) -> float:
        name = self._name(case.utterance, kind, way, case.text)
        if name not in self._snr_db:  # answered in an earlier run
            self._clip(case.utterance, kind, way, case.text)
        return self._snr_db[name]

    def _clip(self, utterance: Utterance, kind: str, way: Heard, target: str) -> AdversarialClip:
        samples, rate = mono(utterance)
        if rate != self._model.sample_rate:
            samples = resample(samples[None], rate, self._model.sample_rate)[0]
        clean = samples[: self._most]
        delta = np.zeros_like(clean)
        name = self._name(utterance, kind, way, target)
        if kind != NONE:
            seed = _number(f"{self._strength.seed} {utterance.id}")
            delta = self._store.get(
                name, len(clean), lambda: self._made(clean, kind, way, target, seed)
            )
        epsilon = self._strength.epsilon
        clip = AdversarialClip(clean, delta, self._model.sample_rate, epsilon, target, np.nan)
        self._snr_db[name] = clip.snr_db
        return clip

    def _made(self, clean: Samples, kind: str, way: Heard, target: str, seed: int) -> Samples:
        how = self._strength
        if kind == NOISE:  # every sample at the bound: no perturbation within it has more power
            signs = np.random.default_rng(seed).integers(0, 2, len(clean)) * 2 - 1
            moved = np.clip(clean + how.epsilon * signs, -1.0, 1.0)
            return np.asarray(moved - clean, dtype=np.float32)
        adaptive = kind == ADAPTIVE
        return attack(
            self._model,
            clean,
            self._model.sample_rate,
            self._prompt,
            target,
            epsilon=how.epsilon,
            steps=how.adaptive_steps if adaptive else how.steps,
            restarts=how.restarts,
            anonymizer=way.anonymizer if adaptive else None,
            draws=how.draws,
            seed=seed,
        ).perturbation

    def _name(self, utterance: Utterance, kind: str, way: Heard, target: str) -> str:
        """Of all that decides a clip: nothing that was made otherwise is taken for it."""
        told = {
            "utterance": utterance.id,
            "kind": kind,
            "target": target if kind in (PGD, ADAPTIVE) else "",
            "prompt": self._prompt,
            "model": self._model.name,
            "most": self._most,
            "system": way.about() if kind == ADAPTIVE else {},
            **(self._strength.as_dict() if kind != NONE else {}),
        }
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
