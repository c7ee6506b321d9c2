"""Fundamental frequency by autocorrelation and a path search, with numpy alone."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from voxguard.arrays import Samples

Floats = npt.NDArray[np.float32]

SAMPLE_RATE = 16_000
HOP = 160
F0_HZ = (70.0, 500.0)
HALF_WINDOW = 320

_FFT = 1024
_CANDIDATES = 5
_VOICING, _SILENCE = 0.45, 0.03
_OCTAVE_COST, _OCTAVE_JUMP_COST, _VOICING_COST = 0.01, 0.35, 0.14
_BLOCK = 128  # frames worked on at once: what becomes of them stays in the processor's cache
_FORGETTING = 0.995  # a frame, 4 dB a second: a live signal may become fainter

_WINDOW = np.hanning(2 * HALF_WINDOW + 1)[:-1].astype(np.float32)
_LAGS = np.arange(int(SAMPLE_RATE / F0_HZ[1]), int(SAMPLE_RATE / F0_HZ[0]) + 1)


class Candidates(NamedTuple):
    """Periods that each frame may have; the last candidate is "no pitch".

    Attributes:
        f0_hz: ``(frames, candidates)``; 0 for no pitch.
        strength: ``(frames, candidates)``; -inf for a candidate that is not there.
        peak: ``(frames,)`` largest magnitude of the frame.
    """

    f0_hz: Floats
    strength: Floats
    peak: Floats


def track_f0(samples: Samples) -> Floats:
    """Fundamental frequency every 10 ms.

    The autocorrelation of the windowed signal over that of the window gives each frame its
    candidates (P. Boersma, "Accurate short-term analysis of the fundamental frequency and the
    harmonics-to-noise ratio of a sampled sound", IFA Proceedings 17, 1993); the path through
    them that costs least is taken.

    Args:
        samples: ``(n,)`` float32 at 16 kHz.

    Returns:
        ``(n // 160 + 1,)`` Hz, 70 to 500; 0 where unvoiced; frame k is centred on k times 10 ms.

    Example:
        >>> import numpy as np
        >>> from voxguard.dsp.pitch import track_f0
        >>> pulses = np.zeros(16_000, np.float32)
        >>> pulses[::100] = 1.0
        >>> float(np.median(track_f0(pulses)).round())
        160.0
    """
    padded = np.pad(np.asarray(samples, np.float32), HALF_WINDOW)
    frames = len(samples) // HOP + 1
    parts = []
    for start in range(0, frames, _BLOCK):
        count = min(_BLOCK, frames - start)
        reach = (start + count - 1) * HOP + 2 * HALF_WINDOW
        parts.append(candidates(padded[start * HOP : reach]))
    found = Candidates(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    return PathSearch(found.peak.max(initial=0.0)).best(found)


def candidates(padded: Floats) -> Candidates:
    """Candidates of all frames of 40 ms that fit in ``padded``, every 10 ms."""
    frames = np.lib.stride_tricks.sliding_window_view(padded, 2 * HALF_WINDOW)[::HOP]
    frames = frames - frames.mean(axis=1, keepdims=True)
    peak = np.abs(frames).max(axis=1)
    spectrum = np.fft.rfft(frames * _WINDOW, _FFT)
    power = spectrum.real**2 + spectrum.imag**2
    correlation = np.fft.irfft(power, _FFT).astype(np.float32)[:, : _LAGS[-1] + 2]
    energy = correlation[:, :1]
    normal = correlation / np.where(energy > 0, energy, 1.0) / _window_correlation()
    return _peaks(normal.astype(np.float32), peak)


@lru_cache(maxsize=1)
def _window_correlation() -> Floats:
    power = np.abs(np.fft.rfft(_WINDOW, _FFT)) ** 2
    correlation = np.fft.irfft(power, _FFT)[: _LAGS[-1] + 2]
    normal: Floats = (correlation / correlation[0]).astype(np.float32)
    return normal


def _peaks(correlation: Floats, peak: Floats) -> Candidates:
    first, last = _LAGS[0], _LAGS[-1] + 1
    before, here, after = (correlation[:, first + k : last + k] for k in (-1, 0, 1))
    is_peak = (here > before) & (here >= after) & (here > 0.5 * _VOICING)
    curve = before - 2.0 * here + after
    shift = np.where(is_peak, 0.5 * (before - after) / np.where(curve < 0, curve, -1.0), 0.0)
    height = np.minimum(here - 0.25 * (before - after) * shift, 1.0)
    f0 = SAMPLE_RATE / (_LAGS + shift)
    cost = _OCTAVE_COST * np.log2(F0_HZ[0] / f0)  # of two periods the shorter
    strength = np.where(is_peak, height - cost, -np.inf)
    best = np.argpartition(-strength, _CANDIDATES, axis=1)[:, :_CANDIDATES]
    found = np.zeros((2, len(best), _CANDIDATES + 1), np.float32)
    found[0, :, :-1] = np.take_along_axis(f0, best, axis=1)
    found[1, :, :-1] = np.take_along_axis(strength, best, axis=1)
    return Candidates(found[0], found[1], peak)


class PathSearch:
    """The path through the candidates that costs least; remembers where it stands.

    Args:
        loudest: Largest magnitude of the recording so far; frames far below it are silence.
    """

    def __init__(self, loudest: float = 0.0) -> None:
        self.loudest = float(loudest)
        self._score: Floats | None = None
        self._octaves: Floats | None = None

    def best(self, found: Candidates) -> Floats:
        """F0 of all frames, chosen in view of all of them."""
        came_from = [self._step(*frame) for frame in zip(*found, strict=True)]
        if self._score is None:
            return np.zeros(0, np.float32)
        chosen = int(np.argmax(self._score))
        path = np.zeros(len(came_from), np.float32)
        for k in range(len(came_from) - 1, -1, -1):
            path[k] = found.f0_hz[k, chosen]
            chosen = int(came_from[k][chosen])
        return path

    def now(self, found: Candidates) -> Floats:
        """F0 of each frame, chosen in view of those before it; for live signals.

        What was loudest is forgotten slowly: one knock on the microphone must not make all of the
        speech after it silence.
        """
        path = np.zeros(len(found.peak), np.float32)
        for k, frame in enumerate(zip(*found, strict=True)):
            self.loudest *= _FORGETTING
            self._step(*frame)
            assert self._score is not None  # noqa: S101
            path[k] = frame[0][int(np.argmax(self._score))]
        return path

    def _step(self, f0_hz: Floats, strength: Floats, peak: np.float32) -> npt.NDArray[np.intp]:
        self.loudest = max(self.loudest, float(peak))
        level = float(peak) / self.loudest if self.loudest > 0 else 0.0
        strength = strength.copy()
        strength[-1] = _VOICING + max(0.0, 2.0 - level * (1.0 + _VOICING) / _SILENCE)
        octaves = np.log2(np.maximum(f0_hz, 1.0))
        if self._score is None or self._octaves is None:
            came_from = np.arange(len(strength))
            score = strength
        else:
            jump = _OCTAVE_JUMP_COST * np.abs(octaves[:, None] - self._octaves)
            jump[-1, :] = jump[:, -1] = _VOICING_COST
            jump[-1, -1] = 0.0
            through = self._score - jump
            came_from = through.argmax(axis=1)
            score = strength + through.max(axis=1)
        self._score, self._octaves = score - score.max(), octaves
        return came_from
