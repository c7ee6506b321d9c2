"""Clips: parts of utterances that begin and end between words."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from recipes.train_audio_llm.alignment import Aligned
from recipes.train_audio_llm.corpus import Utterance
from recipes.train_audio_llm.features import Mel, window

_SHORTEST_S = 1.2
_AT_THESE = 0.7  # share of the clips that begin with a word that is wanted


class Sound(Protocol):
    """What a model can hear."""

    @property
    def words(self) -> tuple[str, ...]:
        """What is said in it, where that is asked."""

    @property
    def length(self) -> int:
        """In frames of 10 ms."""

    def heard(self, frames: int) -> npt.NDArray[np.float32]:
        """As the model hears it, ``(mels, frames)``."""


@dataclass(frozen=True)
class Recorded:
    """An utterance with all that is known about it."""

    utterance: Utterance
    mel: Mel
    aligned: Aligned


@dataclass(frozen=True)
class Clip:
    """A part of an utterance.

    Attributes:
        source: Whose part it is.
        start: First frame of 10 ms.
        end: Behind its last frame.
        words: What is said in it, in capitals.
        first: Place of its first word in the utterance.
    """

    source: Recorded
    start: int
    end: int
    words: tuple[str, ...]
    first: int = 0

    @property
    def length(self) -> int:
        """In frames."""
        return self.end - self.start

    def heard(self, frames: int) -> npt.NDArray[np.float32]:
        """As the model hears it, ``(mels, frames)``."""
        return window(self.source.mel, self.start, self.end, frames)


def draw(
    source: Recorded,
    frames: int,
    short: float,
    rng: np.random.Generator,
    *,
    beginning: Collection[str] = (),
) -> Clip:
    """A part of random length at a random place: words where they are known, else just time.

    Args:
        source: Whose part.
        frames: Of the longest.
        short: Share of parts of 3 s at most; words are easier to find in them.
        rng: Of the draw.
        beginning: Words that most clips are to begin with, where they are said.
    """
    longest = min(3 * 100, frames) if rng.random() < short else frames
    length = int(rng.integers(min(int(100 * _SHORTEST_S), longest - 1), longest))
    times = source.aligned.times
    total = len(source.mel)
    if len(times):
        places = [k for k, word in enumerate(source.aligned.words) if word in beginning]
        if places and rng.random() < _AT_THESE:
            first = places[int(rng.integers(len(places)))]
        else:
            first = int(rng.integers(len(times)))
        return _from(source, first, length)
    start = int(rng.integers(max(total - length, 0) + 1))
    return Clip(source, start, min(start + length, total), ())


def divide(source: Recorded, longest: int) -> list[Clip]:
    """All of an utterance in clips of at most so many frames, one after another.

    What is left over at the end is left out if it is but a moment.
    """
    if not len(source.aligned.times):
        edges = range(0, len(source.mel), longest)
        parts = [Clip(source, k, min(k + longest, len(source.mel)), ()) for k in edges]
        return _lasting(parts)
    found, first = [], 0
    while first < len(source.aligned.times):
        clip = _from(source, first, longest)
        found.append(clip)
        first += len(clip.words)
    return _lasting(found)


def beginning_with(source: Recorded, words: Collection[str], longest: int) -> list[Clip]:
    """Clips that begin with one of the words, none of which reaches into another.

    Args:
        source: Whose parts.
        words: In capitals.
        longest: Frames.
    """
    found: list[Clip] = []
    for first, word in enumerate(source.aligned.words):
        free = not found or source.aligned.times[first, 0] >= found[-1].end
        if word in words and free:
            found.append(_from(source, first, longest))
    return _lasting(found)


def _lasting(found: list[Clip]) -> list[Clip]:
    return [clip for clip in found if clip.end - clip.start >= 100 * _SHORTEST_S] or found[:1]


def _from(source: Recorded, first: int, length: int) -> Clip:
    """From a word on, as many as fit; at least one, if need be cut."""
    times, total = source.aligned.times, len(source.mel)
    start = int(times[first, 0]) if first else 0
    fitting = int((times[first:, 1] <= start + length).sum())
    last = first + max(fitting, 1) - 1
    behind = int(times[last + 1, 0]) if last + 1 < len(times) else total
    end = min(behind, start + max(length, 1), total)
    return Clip(source, start, max(end, start + 1), source.aligned.words[first : last + 1], first)
