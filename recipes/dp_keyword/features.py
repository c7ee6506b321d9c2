"""What the models see of an envelope. Nothing here is learnt from the recordings that are private.

A clip is cut to its speech and divided into a fixed number of segments, which is all the alignment
that a single word needs. Means and spreads are those of LibriSpeech (``statistics.json``), the
random projections come from a seed of their own, and the encoder, where it is used, is the one that
voxguard ships, trained on LibriSpeech.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from voxguard.models.converter import Converter
from voxguard.models.network_numpy import unit_power
from voxguard.models.normalization import floored, frame_level, measure

Floats = npt.NDArray[np.float32]

STATISTICS = Path(__file__).parent / "statistics.json"
USED_BANDS = 64  # of 80: up to 4.6 kHz, what recordings at 8 kHz have
COEFFICIENTS = 14
SEGMENTS, ENCODER_SEGMENTS, LEARNT_SEGMENTS = 8, 4, 32
WIDTH = 1000  # of the random features of each kernel
# How the cut is moved, in frames at either end: what is true of a clip is true of its neighbours.
SHIFTS = ((0, 0), (-2, 2), (2, -2), (2, 2), (-2, -2))

_SPEECH_NEPERS = 5.0  # within 22 dB of the loudest frame
_USUAL_FRAMES, _DURATION_WEIGHT = 40.0, 0.5
_LEAST_FRAMES = 4


def kernel(mels: Sequence[Floats]) -> Floats:
    """Random Fourier features of the cepstra of each clip, ``(clips, WIDTH)``, of norm 1.

    A linear model on these is a kernel machine with a Gaussian kernel (A. Rahimi, B. Recht, "Random
    features for large-scale kernel machines", NIPS 2007). They are averaged over the shifts.
    """
    return _kernel(mels, _shifted_cepstra, gamma=1.0, seed=1)


def encoded(mels: Sequence[Floats]) -> Floats:
    """The same, of what the shipped converter's encoder makes of each clip."""
    return _kernel(mels, _encoder(), gamma=2.0, seed=2)


def both(mels: Sequence[Floats]) -> Floats:
    """Both side by side, ``(clips, 2 WIDTH)``, of norm 1: the sum of the two kernels."""
    together: Floats = np.concatenate([kernel(mels), encoded(mels)], axis=1) / np.float32(2**0.5)
    return together


def plain(mels: Sequence[Floats]) -> Floats:
    """The cepstra as they are, ``(clips, SEGMENTS * COEFFICIENTS + 1)``, of mean square 1."""
    found: Floats = np.stack([cepstra(mel, (0, 0)) for mel in mels])
    return found * np.float32(found.shape[1] ** 0.5)


def bands(mels: Sequence[Floats]) -> Floats:
    """Standardised bands for a network that learns its own features, ``(clips, 64, 32)``."""
    mean, spread = _statistics("bands")
    found = []
    for mel in mels:
        first, last = speech(mel)
        part = floored(mel)[first:last, :USED_BANDS]
        found.append(pooled((part - mean) / spread, LEARNT_SEGMENTS).T)
    return np.stack(found)


FRONT_ENDS: dict[str, Callable[[Sequence[Floats]], Floats]] = {
    "kernel": kernel,
    "encoded": encoded,
    "both": both,
    "plain": plain,
    "bands": bands,
}


def speech(mel: Floats, shift: tuple[int, int] = (0, 0)) -> tuple[int, int]:
    """First frame of speech, and the one after the last."""
    level = frame_level(floored(mel))
    loud = np.flatnonzero(level > level.max() - _SPEECH_NEPERS)
    first = max(0, int(loud[0]) + shift[0])
    last = min(len(mel), int(loud[-1]) + 1 + shift[1])
    if last - first < _LEAST_FRAMES:
        first, last = max(0, first - 2), min(len(mel), last + 2)
    return first, last


def cepstra(mel: Floats, shift: tuple[int, int]) -> Floats:
    """Standardised cepstra in segments and the log of the duration, scaled to a norm of about 1."""
    mean, spread = _statistics("cepstra")
    first, last = speech(mel, shift)
    part = cepstrum(floored(mel)[first:last])
    flat = pooled((part - mean) / spread, SEGMENTS).ravel() / np.sqrt(SEGMENTS * COEFFICIENTS)
    duration = _DURATION_WEIGHT * np.log((last - first) / _USUAL_FRAMES)
    return np.append(flat, duration).astype(np.float32)


def cepstrum(mel: Floats) -> Floats:
    """Cosine transform of the bands that are used, ``(frames, COEFFICIENTS)``."""
    found: Floats = mel[:, :USED_BANDS] @ _cosines()
    return found


def pooled(frames: Floats, count: int) -> Floats:
    """Means over segments of equal length, whose ends may fall within a frame.

    Example:
        >>> import numpy as np
        >>> pooled(np.float32([[0.0], [1.0], [2.0]]), 2).ravel()
        array([0.33333334, 1.6666666 ], dtype=float32)
    """
    n = len(frames)
    ends = np.linspace(0.0, n, count + 1)
    whole = np.minimum(ends.astype(int), n - 1)
    sums = np.concatenate([np.zeros((1, frames.shape[1])), np.cumsum(frames, axis=0)])
    until = sums[whole] + (ends - whole)[:, None] * frames[whole]
    means: Floats = (np.diff(until, axis=0) * (count / n)).astype(np.float32)
    return means


def _encoder() -> Callable[[Floats], Floats]:
    """Gives hidden units of the converter's encoder over a clip, in segments."""
    network = Converter.shipped().network

    def hidden(mel: Floats) -> Floats:
        codes = unit_power(network.hidden(_heard(mel)[: len(mel) // 2 * 2]))
        found = []
        for first, last in (speech(mel, shift) for shift in SHIFTS):
            part = codes[first // 2 : max(first // 2 + 2, (last + 1) // 2)]
            found.append(pooled(part, ENCODER_SEGMENTS).ravel())
        together: Floats = np.stack(found)
        return together / np.float32(together.shape[1] ** 0.5)

    return hidden


def _shifted_cepstra(mel: Floats) -> Floats:
    return np.stack([cepstra(mel, shift) for shift in SHIFTS])


def _heard(mel: Floats) -> Floats:
    """Normalised as the encoder was trained."""
    found = measure(mel)
    heard: Floats = (floored(mel - np.float32(found.level)) - found.mean) / found.spread
    return heard


def _kernel(
    mels: Sequence[Floats],
    features: Callable[[Floats], Floats],
    *,
    gamma: float,
    seed: int,
) -> Floats:
    found = np.stack([features(mel) for mel in mels])  # (clips, shifts, dimensions)
    rng = np.random.default_rng(seed)
    directions = rng.standard_normal((found.shape[-1], WIDTH // 2)) * np.sqrt(2.0 * gamma)
    angles = found @ directions.astype(np.float32)
    mapped = np.concatenate([np.cos(angles), np.sin(angles)], axis=-1).mean(axis=1)
    unit: Floats = mapped / np.linalg.norm(mapped, axis=1, keepdims=True)
    return unit


@lru_cache
def _cosines() -> Floats:
    k = np.arange(USED_BANDS)
    cosines: Floats = np.cos(
        np.pi * np.outer(k + 0.5, np.arange(COEFFICIENTS)) / USED_BANDS
    ).astype(np.float32)
    return cosines


@lru_cache
def _statistics(what: str) -> tuple[Floats, Floats]:
    found = json.loads(STATISTICS.read_text())[what]
    return np.float32(found["mean"]), np.float32(found["spread"])
