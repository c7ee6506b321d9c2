"""Pitch as a network hears it, and as a pseudo-voice speaks it."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from voxguard.models.normalization import ACTIVE_NEPERS, LOUD_PERCENTILE, frame_level

if TYPE_CHECKING:
    from voxguard.models.pool import Target

Floats = npt.NDArray[np.float32]

REFERENCE_HZ = 150.0
POPULATION = float(np.log(REFERENCE_HZ)), 0.2
_SCALE = 0.5, 0.2  # of log F0 from the reference, and from the speaker's mean
_LEAST_FRAMES = 10
_SPOKEN_HZ = (60.0, 480.0)
_EXTREME = 3.0  # standard deviations
_PACE = 40.0  # frames between two independent values of a random contour
_PAUSES = (0.4, 2.5)  # how far a pause may be shortened or stretched


class PitchStatistics(NamedTuple):
    """Mean and standard deviation of the natural logarithm of F0 in Hz over voiced frames."""

    mean: float
    spread: float


def recording_seeds(secret: int, samples: Floats) -> list[int]:
    """Of noise, melody and tempo of one recording in a voice that others have too.

    They depend on the recording: a speaker who keeps a voice under a key does not keep a melody,
    which could be averaged out of many recordings.

    Args:
        secret: Of the voice.
        samples: The recording, or how it begins.
    """
    recording = int.from_bytes(sha256(samples.tobytes()).digest()[:8], "big")
    drawn = np.random.default_rng([secret, recording]).integers(0, 2**63, 3)
    return [int(seed) for seed in drawn]


def measure_pitch(f0_hz: Floats) -> PitchStatistics:
    """Statistics of a recording; those of the population where next to nothing is voiced.

    The spread is that around the median without the outermost tenth: octave errors do not count.
    """
    octaves = np.log(f0_hz[f0_hz > 0])
    if len(octaves) < _LEAST_FRAMES:
        return PitchStatistics(*POPULATION)
    low, middle, high = np.percentile(octaves, [10.0, 50.0, 90.0])
    return PitchStatistics(float(middle), float(max((high - low) / 2.563, 0.03)))


def pitch_features(f0_hz: Floats, mean: float | None = None) -> Floats:
    """Voicing, log F0 from 150 Hz and from the speaker's mean, ``(3, m)``; 0 where unvoiced.

    Args:
        f0_hz: ``(m,)`` Hz.
        mean: Of the logarithm; measured by default.
    """
    voiced = f0_hz > 0
    log_f0 = np.log(np.where(voiced, f0_hz, 1.0))
    middle = measure_pitch(f0_hz).mean if mean is None else mean
    absolute = np.where(voiced, (log_f0 - POPULATION[0]) / _SCALE[0], 0.0)
    relative = np.where(voiced, (log_f0 - middle) / _SCALE[1], 0.0)
    return np.stack([voiced, absolute, relative]).astype(np.float32)


@dataclass(frozen=True, repr=False)
class Intonation:
    """How a pitch contour is changed.

    Attributes:
        kept: Correlation of the new contour with the old one: 1 keeps it, 0 draws it anew.
        seed: Of what is drawn.
    """

    kept: float
    seed: int

    def drawn(self) -> Contour:
        """What is mixed in."""
        return Contour(np.random.default_rng(self.seed))

    def mix(self, deviations: Floats, drawn: Floats) -> Floats:
        """New deviations from the mean, in standard deviations; ``(m,)``."""
        mixed = self.kept * deviations + np.sqrt(1.0 - self.kept**2) * drawn
        clipped: Floats = np.clip(mixed, -_EXTREME, _EXTREME).astype(np.float32)
        return clipped


@dataclass(frozen=True, repr=False)
class Tempo:
    """How durations are changed; the recording as a whole keeps its length.

    Attributes:
        rate: Speech is faster by this factor, and pauses make up for it as far as there are any.
        depth: Standard deviation of the logarithm of the local rate.
        seed: Of what is drawn.
    """

    rate: float
    depth: float
    seed: int

    def warp(self, f0_hz: Floats, mel: Floats) -> tuple[Floats, Floats]:
        """Frames of pitch ``(m,)`` and envelope ``(m, 80)`` at other times."""
        frames = len(f0_hz)
        if frames < 3:
            return f0_hz, mel
        drawn = self.depth * contour(frames, np.random.default_rng(self.seed))
        length = np.exp(drawn) / self.rate
        level = frame_level(mel)
        pause = level <= np.percentile(level, LOUD_PERCENTILE) - ACTIVE_NEPERS
        if pause.any():
            spare = frames - length[~pause].sum()
            length[pause] = np.clip(spare / pause.sum(), *_PAUSES)
        spoken_at = np.append(0.0, np.cumsum(length[:-1]))
        spoken_at *= (frames - 1) / spoken_at[-1]
        at = np.interp(np.arange(frames), spoken_at, np.arange(frames))
        left = np.minimum(at.astype(np.intp), frames - 2)
        share = (at - left).astype(np.float32)[:, None]
        moved = mel[left] * (1 - share) + mel[left + 1] * share
        return f0_hz[np.round(at).astype(np.intp)], moved


def revoiced(f0_hz: Floats, target: Target, intonation: Intonation | None = None) -> Floats:
    """The pitch of a recording in another voice: that voice's mean and spread.

    Args:
        f0_hz: ``(m,)`` Hz, 0 where unvoiced.
        target: The voice.
        intonation: How the contour is changed.
    """
    source = measure_pitch(f0_hz)
    drawn = intonation.drawn().take(len(f0_hz)) if intonation is not None else None
    return spoken(f0_hz, source, target, intonation, drawn)


def spoken(
    f0_hz: Floats,
    source: PitchStatistics,
    target: Target,
    intonation: Intonation | None = None,
    drawn: Floats | None = None,
) -> Floats:
    """Pitch of known statistics, at those of the target."""
    voiced = f0_hz > 0
    log_f0 = np.log(np.where(voiced, f0_hz, 1.0))
    deviations: Floats = np.clip((log_f0 - source.mean) / source.spread, -_EXTREME, _EXTREME)
    if intonation is not None and drawn is not None:
        deviations = intonation.mix(deviations, drawn)
    hertz = np.exp(target.log_f0_mean + target.log_f0_std * deviations)
    return np.where(voiced, np.clip(hertz, *_SPOKEN_HZ), 0.0).astype(np.float32)


def contour(frames: int, rng: np.random.Generator) -> Floats:
    """Smooth random contour of unit variance, ``(frames,)`` every 10 ms."""
    return Contour(rng).take(frames)


class Contour:
    """The same piece by piece, in memory that the length of the signal does not change."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._anchors = rng.standard_normal(2)
        self._first = 0  # which anchor that is
        self._frame = 0

    def take(self, frames: int) -> Floats:
        """The next ``(frames,)``."""
        place = (self._frame + np.arange(frames)) / _PACE
        self._frame += frames
        whole = place.astype(np.intp)
        turn = 0.5 * np.pi * (place - whole)
        before, after = np.cos(turn) ** 2, np.sin(turn) ** 2
        left = whole - self._first
        missing = int(left[-1]) + 2 - len(self._anchors) if frames else 0
        if missing > 0:
            self._anchors = np.append(self._anchors, self._rng.standard_normal(missing))
        smooth = before * self._anchors[left] + after * self._anchors[left + 1]
        passed = int(left[-1]) if frames else 0
        self._anchors, self._first = self._anchors[passed:], self._first + passed
        drawn: Floats = (smooth / np.sqrt(before**2 + after**2)).astype(np.float32)
        return drawn
