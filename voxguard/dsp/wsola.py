"""Changes how long something takes and not how high it sounds: waveform similarity overlap-add."""

from __future__ import annotations

import numpy as np

from voxguard.arrays import Samples

_FRAME_MS = 32
_REACH_MS = 10


def stretch(samples: Samples, length: int, sample_rate: int) -> Samples:
    """Make a signal longer or shorter without moving its pitch or formants.

    Frames of 32 ms are taken from the signal at the new pace and overlapped by half. Each is moved
    by up to 10 ms to where it best continues the frame before it.

    Args:
        samples: ``(n,)``, n at least 1.
        length: Samples wanted. Meant for half to twice as many as there are.
        sample_rate: Hz.

    Returns:
        ``(length,)``. A signal shorter than two frames is cut or followed by silence instead.

    References:
        W. Verhelst and M. Roelands, "An overlap-add technique based on waveform similarity (WSOLA)
        for high quality time-scale modification of speech", ICASSP 1993.

    Example:
        >>> import numpy as np
        >>> from voxguard.dsp.wsola import stretch
        >>> tone = np.sin(2 * np.pi * 200 * np.arange(16_000) / 16_000).astype(np.float32)
        >>> longer = stretch(tone, 24_000, 16_000)
        >>> longer.size, int(np.abs(np.fft.rfft(longer)).argmax() * 16_000 / 24_000)
        (24000, 200)
    """
    half = sample_rate * _FRAME_MS // 2000
    frame, reach = 2 * half, sample_rate * _REACH_MS // 1000
    if samples.size == length:
        return samples.copy()
    if min(samples.size, length) < 2 * frame:
        return np.pad(samples, (0, max(0, length - samples.size)))[:length]
    count = -(-length // half) + 1
    pace = (samples.size - frame) / max(1, count - 2) / half
    padded = np.pad(samples, (half, 2 * frame + reach))
    window = np.hanning(frame + 1)[:-1].astype(np.float32)  # periodic: halves add up to one
    out = np.zeros((count + 1) * half, np.float32)
    at = 0
    for k in range(count):
        nominal = min(round(k * half * pace), samples.size)
        if k:
            low = max(0, nominal - reach)
            at = low + _best(padded[low : nominal + reach + frame], padded[at + half :][:frame])
        out[k * half : k * half + frame] += window * padded[at : at + frame]
    return out[half : half + length]


def _best(region: Samples, wanted: Samples) -> int:
    """Where in ``region`` lies what is most like ``wanted``."""
    likeness = np.correlate(region, wanted, "valid")
    energy = np.cumsum(np.pad(np.square(region, dtype=np.float64), (1, 0)))
    norms = np.sqrt(np.maximum(energy[wanted.size :] - energy[: -wanted.size], 1e-12))
    return int(np.argmax(likeness / norms))
