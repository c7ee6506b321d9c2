"""The clips that a probe asks about, as the model is to hear them."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from voxguard.anonymizers.base import Anonymizer
from voxguard.arrays import Samples
from voxguard.audio import read
from voxguard.audiollm import name_of
from voxguard.audiollm.question import Audio
from voxguard.errors import ConfigurationError
from voxguard.evaluation.manifest import Manifest, Utterance
from voxguard.files.record import describe
from voxguard.probes.figures import NO_AUDIO, PROTECTED, RAW, SILENCE, TRANSCRIPT

Anonymize = Callable[..., Any]

_OWN = (RAW, TRANSCRIPT, SILENCE, NO_AUDIO)


@dataclass(frozen=True)
class Heard:
    """One way in which a model may hear a clip.

    Attributes:
        name: ``"raw"``, ``"silence"``, ``"no-audio"``, ``"transcript"`` or an anonymizer's.
        anonymizer: None for all but the last.
    """

    name: str
    anonymizer: Anonymize | None = None

    def audio(self, utterance: Utterance) -> Audio | None:
        """What the model hears of a clip; None: no audio part, as with a transcript."""
        if self.name in (NO_AUDIO, TRANSCRIPT):
            return None
        return partial(self._samples, utterance)

    def _samples(self, utterance: Utterance) -> tuple[Samples, int]:
        samples, rate = mono(utterance)
        if self.name == SILENCE:
            return np.zeros_like(samples), rate
        if self.anonymizer is None:
            return samples, rate
        return np.asarray(self.anonymizer(samples, rate), dtype=np.float32), rate

    def about(self) -> dict[str, Any]:
        """For the document: what an anonymizer is, nothing of its key or draw."""
        if isinstance(self.anonymizer, Anonymizer):
            return describe(self.anonymizer)
        return {} if self.anonymizer is None else {"method": name_of(self.anonymizer)}

    @property
    def key(self) -> str:
        """The name, with what tells anonymizers of one name apart, their weights among it.

        So a record of answers never gives those of another.

        Example:
            >>> import voxguard
            >>> from voxguard.probes.data import Heard
            >>> Heard("raw").key
            'raw'
            >>> weak, strong = (voxguard.McAdams(coefficient=(c, c)) for c in (0.9, 0.6))
            >>> Heard("mine", weak).key == Heard("mine", strong).key
            False
        """
        about = self.about()
        if not about:
            return self.name
        return f"{self.name}/{hashlib.sha256(json.dumps(about).encode()).hexdigest()[:8]}"


def heard(
    anonymizers: Mapping[str, Anonymize] | Anonymize | None, controls: Sequence[str] = (RAW,)
) -> list[Heard]:
    """The ways in which a model is to hear each clip.

    Args:
        anonymizers: By the names that the report has; one alone is called ``"protected"``.
        controls: Of ``"raw"``, ``"transcript"``, ``"silence"``, ``"no-audio"``.

    Raises:
        ConfigurationError: A control that does not exist, or an anonymizer with a control's name.

    Example:
        >>> import voxguard
        >>> from voxguard.probes.data import heard
        >>> [way.name for way in heard({"mcadams": voxguard.McAdams()}, ("raw", "silence"))]
        ['raw', 'silence', 'mcadams']
    """
    if unknown := [name for name in controls if name not in _OWN]:
        raise ConfigurationError(f"unknown condition {unknown[0]!r}; there are {', '.join(_OWN)}")
    if anonymizers is None:
        named: Mapping[str, Anonymize] = {}
    elif isinstance(anonymizers, Mapping):
        named = anonymizers
    else:
        named = {PROTECTED: anonymizers}
    if taken := sorted(set(named) & set(_OWN)):
        raise ConfigurationError(f"an anonymizer cannot be called {taken[0]!r}")
    return [*map(Heard, controls), *(Heard(name, how) for name, how in named.items())]


def mono(utterance: Utterance) -> tuple[Samples, int]:
    """A clip as ``(n,)`` samples and its rate.

    Raises:
        AudioError: It cannot be read.
    """
    samples, rate = read(utterance.path)
    return np.ascontiguousarray(samples.mean(axis=0, dtype=np.float32)), rate


def choose(manifest: Manifest, limit: int | None, seed: int) -> tuple[Utterance, ...]:
    """At most so many clips, drawn evenly over the speakers, in the manifest's order.

    Args:
        manifest: The recordings.
        limit: How many; None: all.
        seed: Of the draw.

    Raises:
        ConfigurationError: A limit below 1.
    """
    if limit is None:
        return manifest.utterances
    if limit < 1:
        raise ConfigurationError(f"limit= takes 1 or more, got {limit!r}")
    rng = random.Random(seed)  # noqa: S311
    own: dict[str, list[Utterance]] = {speaker: [] for speaker in manifest.speakers}
    for utterance in rng.sample(manifest.utterances, len(manifest.utterances)):
        own[utterance.speaker].append(utterance)
    rounds = max(map(len, own.values()))
    turns = [turn[i] for i in range(rounds) for turn in own.values() if i < len(turn)]
    chosen = {utterance.id for utterance in turns[:limit]}
    return tuple(utterance for utterance in manifest.utterances if utterance.id in chosen)
