"""The spectral envelope of speech, freed of its pitch, and its mel form."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from voxguard.arrays import Samples
from voxguard.dsp.pitch import HOP, SAMPLE_RATE

Floats = npt.NDArray[np.float32]

FFT = 1024
BINS = FFT // 2 + 1
BANDS = 80
LOWEST_F0_HZ, HIGHEST_F0_HZ = 71.0, 600.0
UNVOICED_F0_HZ = 500.0
HALF_WINDOW = int(1.5 * SAMPLE_RATE / LOWEST_F0_HZ) + 1

_RECOVERY = -0.15  # q1 of the paper
_FLOOR = 1e-12
_BLOCK = 64  # frames worked on at once: what becomes of them stays in the processor's cache


def spectral_envelope(samples: Samples, f0_hz: Floats) -> Floats:
    """Log power spectral envelope every 10 ms, by CheapTrick.

    A window of three periods, smoothing over two thirds of F0 and a lifter that makes up for it
    (M. Morise, "CheapTrick, a spectral envelope estimator for high-quality speech synthesis",
    Speech Communication 67, 2015), on all frames at once.

    Args:
        samples: ``(n,)`` float32 at 16 kHz.
        f0_hz: ``(m,)`` Hz, 0 where unvoiced; frame k is centred on sample 160 k.

    Returns:
        ``(m, 513)`` natural log of power.

    Example:
        >>> import numpy as np
        >>> from voxguard.dsp.envelope import spectral_envelope
        >>> noise = np.random.default_rng(0).standard_normal(16_000).astype(np.float32)
        >>> envelope = spectral_envelope(noise, np.zeros(101, np.float32))
        >>> envelope.shape, bool(abs(envelope.mean()) < 0.5)
        ((101, 513), True)
    """
    parts = list(_blocks(samples, f0_hz))
    return np.concatenate(parts) if parts else np.zeros((0, BINS), np.float32)


def log_mel_envelope(samples: Samples, f0_hz: Floats) -> Floats:
    """``log_mel(spectral_envelope(samples, f0_hz))``, ``(m, 80)``, in a sixth of the memory.

    Example:
        >>> import numpy as np
        >>> from voxguard.dsp.envelope import log_mel_envelope
        >>> log_mel_envelope(np.ones(320, np.float32), np.zeros(3, np.float32)).shape
        (3, 80)
    """
    parts = [log_mel(part) for part in _blocks(samples, f0_hz)]
    return np.concatenate(parts) if parts else np.zeros((0, BANDS), np.float32)


def _blocks(samples: Samples, f0_hz: Floats) -> Iterator[Floats]:
    padded = np.pad(np.asarray(samples, np.float32), HALF_WINDOW)
    for k in range(0, len(f0_hz), _BLOCK):
        yield envelope_at(padded, k, f0_hz[k : k + _BLOCK])


def envelope_at(padded: Floats, first: int, f0_hz: Floats) -> Floats:
    """Envelopes of the frames from ``first`` on, of a signal padded by ``HALF_WINDOW``."""
    f0 = np.where(f0_hz > LOWEST_F0_HZ, f0_hz, np.where(f0_hz > 0, LOWEST_F0_HZ, UNVOICED_F0_HZ))
    f0 = np.minimum(f0, HIGHEST_F0_HZ).astype(np.float32)[:, None]
    centres = (first + np.arange(len(f0_hz))) * HOP
    offsets = np.arange(-HALF_WINDOW, HALF_WINDOW + 1)
    frames = padded[np.minimum(centres[:, None] + offsets + HALF_WINDOW, len(padded) - 1)]
    phase = offsets.astype(np.float32) * f0 / (1.5 * SAMPLE_RATE)
    window = np.where(np.abs(phase) < 1.0, 0.5 + 0.5 * np.cos(np.pi * phase), 0.0)
    window = (window / np.sqrt((window**2).sum(axis=1, keepdims=True))).astype(np.float32)
    frames = frames * window
    frames -= window * (frames.sum(axis=1, keepdims=True) / window.sum(axis=1, keepdims=True))
    spectrum = np.fft.rfft(frames, FFT)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    return _liftered(_smoothed(_without_dc(power, f0), f0), f0)


def _without_dc(power: Floats, f0: Floats) -> Floats:
    """Fill the hole below F0 with what lies mirrored at half of it."""
    bin_hz = SAMPLE_RATE / FFT
    low = np.arange(int(UNVOICED_F0_HZ / bin_hz) + 2)
    mirrored = f0 / bin_hz - low
    below = mirrored > 0
    at = np.maximum(mirrored, 0.0)
    left = at.astype(np.intp)
    share = at - left
    rows = np.arange(len(power))[:, None]
    replica = power[rows, left] * (1.0 - share) + power[rows, left + 1] * share
    power[:, : len(low)] += np.where(below, replica, 0.0)
    return power


def _smoothed(power: Floats, f0: Floats) -> Floats:
    """Mean over a rectangle two thirds of F0 wide, from the running integral."""
    margin = int(UNVOICED_F0_HZ / 3.0 / SAMPLE_RATE * FFT) + 3
    ends = power[:, margin:0:-1], power[:, -2 : -margin - 2 : -1]
    mirrored = np.concatenate([ends[0], power, ends[1]], axis=1, dtype=np.float64)
    integral = np.cumsum(mirrored, axis=1)
    half = f0.astype(np.float64) / 3.0 / SAMPLE_RATE * FFT
    rows = np.arange(len(power))[:, None]
    bins = np.arange(BINS) + margin

    def integral_at(place: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        left = place.astype(np.intp)
        share = place - left
        found = integral[rows, left]
        return found + share * mirrored[rows, left + 1]

    area = integral_at(bins + half - 0.5) - integral_at(bins - half - 0.5)
    return (area / (2.0 * half)).astype(np.float32)


def _liftered(power: Floats, f0: Floats) -> Floats:
    cepstrum = np.fft.irfft(np.log(power + _FLOOR), FFT)
    turns = np.arange(BINS, dtype=np.float32) / SAMPLE_RATE * f0
    half = np.sinc(turns) * (1.0 - 2.0 * _RECOVERY + 2.0 * _RECOVERY * np.cos(2 * np.pi * turns))
    lifter = np.concatenate([half, half[:, -2:0:-1]], axis=1)  # it is even
    return np.fft.rfft(cepstrum * lifter, FFT).real.astype(np.float32)


@lru_cache(maxsize=1)
def _mel_matrices() -> tuple[Floats, Floats]:
    """From bins to bands (mean over a triangle) and back (linear between the bands' centres)."""
    hz = np.arange(BINS) * SAMPLE_RATE / FFT
    mel = 2595.0 * np.log10(1.0 + hz / 700.0)
    centres = np.linspace(mel[1], mel[-1], BANDS)
    step = centres[1] - centres[0]
    reach = np.maximum(0.0, 1.0 - np.abs(mel - centres[:, None]) / step)
    down = reach / reach.sum(axis=1, keepdims=True)
    place = np.clip((mel - centres[0]) / step, 0.0, BANDS - 1.0)
    up = np.maximum(0.0, 1.0 - np.abs(place[:, None] - np.arange(BANDS)))
    return down.T.astype(np.float32), up.T.astype(np.float32)


def log_mel(envelope: Floats) -> Floats:
    """Log envelope on 80 mel bands, ``(m, 513)`` to ``(m, 80)``.

    Example:
        >>> import numpy as np
        >>> from voxguard.dsp.envelope import log_mel
        >>> log_mel(np.zeros((4, 513), np.float32)).shape
        (4, 80)
    """
    return envelope @ _mel_matrices()[0]


def from_log_mel(bands: Floats) -> Floats:
    """Log envelope from its mel form, ``(m, 80)`` to ``(m, 513)``."""
    return bands @ _mel_matrices()[1]
