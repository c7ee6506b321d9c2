"""What is taken out of an envelope before a network hears it: level, noise floor, channel."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from voxguard.dsp.envelope import BANDS

Floats = npt.NDArray[np.float32]

ACTIVE_NEPERS = 7.0  # a frame is speech if its power is within 30 dB of the loud ones
LOUD_PERCENTILE = 95.0
# Under this, relative to the mean power of speech, lie the room and the microphone, not the voice.
FLOOR: Floats = np.linspace(-8.0, -12.0, BANDS, dtype=np.float32)
LEAST_SPREAD = 0.3
QUIET_NEPERS = 12.0  # so far under speech, 52 dB, no room is heard any more
LOUDER_NEPERS = 4.0  # no frame is said so much, 17 dB, louder than it was heard


class Statistics(NamedTuple):
    """Of the frames with speech.

    Attributes:
        level: Log of the mean power.
        mean: ``(80,)`` of the floored envelope at that level.
        spread: ``(80,)`` standard deviation of it.
    """

    level: float
    mean: Floats
    spread: Floats


def measure(mel: Floats) -> Statistics:
    """Level, channel and dynamics of a recording's log mel envelope, ``(m, 80)``."""
    power = frame_level(mel)
    active = mel[power > np.percentile(power, LOUD_PERCENTILE) - ACTIVE_NEPERS]
    level = float(np.log(np.exp(active, dtype=np.float64).mean()))
    clean = floored(active - np.float32(level))
    spread = np.maximum(clean.std(axis=0), LEAST_SPREAD)
    return Statistics(level, clean.mean(axis=0), spread)


def frame_level(mel: Floats) -> Floats:
    """Log mean power of each frame, ``(m,)``."""
    power: Floats = np.log(np.exp(mel).mean(axis=1))
    return power


def floored(mel: Floats) -> Floats:
    """Everything raised softly to the floor."""
    raised: Floats = np.logaddexp(mel, FLOOR)
    return raised


def without_floor(mel: Floats) -> Floats:
    """The floor taken out again: what was at the floor becomes silence."""
    rest = np.maximum(1.0 - np.exp(np.minimum(FLOOR - mel, 0.0)), 1e-3)
    lowered: Floats = mel + np.log(rest)
    return lowered


def faded(mel: Floats, heard: Floats) -> Floats:
    """Lowered where next to nothing was heard: what is silent stays so, whatever the network says.

    Args:
        mel: ``(m, 80)``, what is to be said, at the level of speech.
        heard: ``(m, 80)``, what was heard, at the same level.
    """
    level = frame_level(heard)
    depth = np.minimum(level + QUIET_NEPERS, 0.0)
    over = np.maximum(frame_level(mel) + depth - level - LOUDER_NEPERS, 0.0)
    lowered: Floats = mel + (depth - over)[:, None]
    return lowered


def sharpened(mel: Floats, factor: float = 1.2) -> Floats:
    """Formants brought out again that a network trained on mean errors has flattened.

    Cepstral coefficients from the third on are multiplied, each frame keeps its power.

    Args:
        mel: ``(m, 80)`` log envelope.
        factor: 1 changes nothing.
    """
    sharp = mel @ _sharpening(factor)
    louder: Floats = sharp + (frame_level(mel) - frame_level(sharp))[:, None]
    return louder


@lru_cache(maxsize=4)
def _sharpening(factor: float) -> Floats:
    k = np.arange(BANDS)
    cosines = np.cos(np.pi * np.outer(k, k + 0.5) / BANDS) * np.sqrt(2.0 / BANDS)
    cosines[0] /= np.sqrt(2.0)
    gains = np.where(k < 3, 1.0, factor)
    sharpening: Floats = ((cosines.T * gains) @ cosines).astype(np.float32)
    return sharpening
