"""Speech from pitch, envelope and aperiodicity: pulses and noise through minimum-phase filters."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from voxguard.arrays import Samples
from voxguard.dsp.envelope import BINS, FFT, from_log_mel
from voxguard.dsp.pitch import HOP, SAMPLE_RATE

Floats = npt.NDArray[np.float32]

BLOCK = HOP // 2  # samples through one filter
REACH = 8  # samples on each side of a band-limited pulse
_KNEE_HZ = 3000.0
_FULLY_PERIODIC_DB = -60.0
_PHASES = 64
_TAIL = -(-FFT // BLOCK)
_PIECE = 64  # frames worked on at once: what becomes of them stays in the processor's cache


def synthesize(
    f0_hz: Floats, bands: Floats, aperiodicity_db: Floats, rng: np.random.Generator
) -> Samples:
    """Synthesize speech.

    A train of band-limited pulses and white noise, each through the minimum-phase filter of its
    share of the envelope, which changes every 5 ms (after M. Morise et al., "WORLD: a
    vocoder-based high-quality speech synthesis system for real-time applications", 2016).

    Args:
        f0_hz: ``(m,)`` Hz every 10 ms, 0 where unvoiced.
        bands: ``(m, 80)`` log envelope, see :func:`~voxguard.dsp.envelope.log_mel`.
        aperiodicity_db: ``(m,)`` power of noise in the whole at 3 kHz in dB, -60 to 0.
        rng: Makes the noise.

    Returns:
        ``(160 m,)`` float32; frame k is centred on sample 160 k.

    Example:
        >>> import numpy as np
        >>> from voxguard.dsp.vocoder import synthesize
        >>> flat, breath = np.zeros((50, 80), np.float32), np.full(50, -20.0, np.float32)
        >>> tone = synthesize(np.full(50, 120.0, np.float32), flat, breath, np.random.default_rng())
        >>> tone.shape
        (8000,)
    """
    vocoder = Vocoder(rng)
    frames = (f0_hz, bands, aperiodicity_db)
    parts = [
        vocoder.push(*(part[k : k + _PIECE] for part in frames))
        for k in range(0, len(f0_hz), _PIECE)
    ]
    return np.concatenate([*parts, vocoder.flush()])


class Vocoder:
    """The same frame by frame; between two frames all is interpolated.

    Attributes:
        rng: Makes the noise; another one may take over.

    Example:
        >>> import numpy as np
        >>> from voxguard.dsp.vocoder import Vocoder
        >>> vocoder = Vocoder(np.random.default_rng())
        >>> f0, flat, breath = np.full(3, 99.0), np.zeros((3, 80)), np.full(3, -9.0)
        >>> len(vocoder.push(f0, flat, breath)), len(vocoder.flush())
        (320, 160)
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self._last: tuple[Floats, Floats, Floats] | None = None
        self._phase = 0.0
        self._pulses = np.zeros(2 * REACH, np.float32)  # tails of pulses, for what comes next
        self._ringing = np.zeros((_TAIL, BLOCK), np.float32)

    def push(self, f0_hz: Floats, bands: Floats, aperiodicity_db: Floats) -> Samples:
        """Take frames, give all samples up to the last of them; ``(160 k,)``."""
        frames = [np.asarray(part, np.float32) for part in (f0_hz, bands, aperiodicity_db)]
        if self._last is not None:
            frames = [np.concatenate([a, b]) for a, b in zip(self._last, frames, strict=True)]
        f0, mel, noise = frames
        if not len(f0):
            return np.zeros(0, np.float32)
        self._last = (f0[-1:], mel[-1:], noise[-1:])
        if len(f0) == 1:
            return np.zeros(0, np.float32)
        return self._render(f0, mel, noise)

    def flush(self) -> Samples:
        """Hold the last frame for its 10 ms."""
        if self._last is None:
            return np.zeros(0, np.float32)
        f0, mel, noise = (np.concatenate([part, part]) for part in self._last)
        return self._render(f0, mel, noise)

    def _render(self, f0: Floats, mel: Floats, noise: Floats) -> Samples:
        blocks = 2 * (len(f0) - 1)
        at = np.arange(blocks) / 2.0 + 0.25  # the middle of each block, in frames
        left = at.astype(np.intp)
        share = (at - left).astype(np.float32)[:, None]
        envelope = from_log_mel(mel[left] * (1 - share) + mel[left + 1] * share)
        voiced = np.where(share[:, 0] < 0.5, f0[left], f0[left + 1]) > 0
        level = noise[left] * (1 - share[:, 0]) + noise[left + 1] * share[:, 0]
        aperiodic = _noise_share(np.where(voiced, level, 0.0))
        aperiodic[~voiced] = 1.0
        hiss = self.rng.standard_normal((blocks, BLOCK), np.float32)
        pulses = self._pulse_train(f0, blocks * BLOCK).reshape(blocks, BLOCK)
        periodic = np.maximum(1.0 - aperiodic, 1e-6)
        shares = np.log(np.concatenate([aperiodic, periodic]))
        filtered = _filtered(np.concatenate([hiss, pulses]), np.tile(envelope, (2, 1)) + shares)
        spectra = filtered[:blocks] + filtered[blocks:]
        return self._overlap_add(np.fft.irfft(spectra, FFT).astype(np.float32))

    def _pulse_train(self, f0: Floats, length: int) -> Floats:
        """Pulses whose power is that of unit noise, where voiced."""
        place = np.arange(length) / HOP
        left = place.astype(np.intp)
        share = place - left
        a, b = f0[left], f0[left + 1]
        track = np.where(a <= 0, b, np.where(b <= 0, a, a * (1 - share) + b * share))
        voiced = np.where(share < 0.5, a, b) > 0
        step = np.where(voiced, track, 0.0) / SAMPLE_RATE
        phases = self._phases(step.reshape(-1, HOP))
        at = np.flatnonzero(np.diff(np.floor(phases), prepend=0.0) > 0)
        out = np.zeros(length + 2 * REACH, np.float32)
        late = (phases.reshape(-1)[at] % 1.0) / step[at]  # how long before the sample the pulse was
        height = np.sqrt(SAMPLE_RATE / track[at])
        kernel = _pulse_kernels()[(late * _PHASES).astype(np.intp) % _PHASES]
        np.add.at(out, at[:, None] + np.arange(2 * REACH), height[:, None] * kernel)
        out[: 2 * REACH] += self._pulses
        self._pulses = out[length:].copy()
        return out[:length]

    def _phases(self, steps: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Turns since a start in ``[0, 1)`` of each frame, ``(m, 160)``; no matter how many."""
        phases = np.cumsum(steps, axis=1)
        for frame in phases:
            frame += self._phase
            self._phase = float(frame[-1] % 1.0)
        return phases

    def _overlap_add(self, responses: Floats) -> Samples:
        blocks = len(responses)
        rows = np.zeros((blocks, _TAIL * BLOCK), np.float32)
        rows[:, :FFT] = responses
        out = np.zeros((blocks + _TAIL, BLOCK), np.float32)
        out[:_TAIL] = self._ringing
        for k in range(_TAIL):
            out[k : k + blocks] += rows[:, k * BLOCK : (k + 1) * BLOCK]
        self._ringing = out[blocks:].copy()
        return out[:blocks].reshape(-1)


def _noise_share(level_db: Floats) -> Floats:
    """Share of noise in the power at each bin, ``(m, 513)``: little below, all at the top."""
    low, high = _slopes()
    level = level_db[:, None]
    db = _FULLY_PERIODIC_DB + low * (level - _FULLY_PERIODIC_DB) - high * level
    share: Floats = np.exp(np.float32(np.log(10.0) / 10.0) * np.minimum(db, np.float32(-0.01)))
    return share


@lru_cache(maxsize=1)
def _slopes() -> tuple[Floats, Floats]:
    hz = np.arange(BINS) * SAMPLE_RATE / FFT
    low = np.minimum(hz / _KNEE_HZ, 1.0)
    high = np.clip((hz - _KNEE_HZ) / (SAMPLE_RATE / 2 - _KNEE_HZ), 0.0, 1.0)
    return low.astype(np.float32), high.astype(np.float32)


def _filtered(blocks: Floats, log_power: Floats) -> npt.NDArray[np.complex64]:
    """Spectra of excitation blocks after their minimum-phase filters."""
    cepstrum = np.fft.irfft(0.5 * log_power, FFT).astype(np.float32)
    cepstrum[:, 1 : FFT // 2] *= 2.0
    cepstrum[:, FFT // 2 + 1 :] = 0.0
    phase = np.fft.rfft(cepstrum, FFT).imag
    size = np.exp(0.5 * log_power)
    size[:, :2] *= np.array([0.0, 0.5], np.float32)  # pulses are all of one sign: no direct current
    response = np.empty(phase.shape, np.complex64)
    response.real, response.imag = size * np.cos(phase), size * np.sin(phase)
    response *= np.fft.rfft(blocks, FFT)
    return response


@lru_cache(maxsize=1)
def _pulse_kernels() -> Floats:
    """Windowed-sinc pulses that lie 0 to 1 sample before the middle, ``(64, 16)``."""
    late = np.arange(_PHASES)[:, None] / _PHASES
    place = np.arange(2 * REACH) - REACH + late
    taper = np.cos(np.clip(place / (REACH + 1), -1, 1) * np.pi / 2) ** 2
    kernels: Floats = (np.sinc(place) * taper).astype(np.float32)
    return kernels
