"""Mel spectrograms: the front end of speaker encoders, on numpy."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from voxguard.arrays import Samples

Frames = npt.NDArray[np.float32]

_BREAK_HZ = 1000.0  # Slaney's scale is linear below and logarithmic above
_HZ_PER_MEL = 200.0 / 3.0
_LOG_STEP = np.log(6.4) / 27.0


def hz_to_mel(hz: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Slaney's mel scale (M. Slaney, "Auditory Toolbox", 1998), in which librosa counts.

    Example:
        >>> from voxguard.models.mel import hz_to_mel
        >>> hz_to_mel([0.0, 1000.0, 6400.0])
        array([ 0., 15., 42.])
    """
    hertz = np.asarray(hz, dtype=np.float64)
    above = np.log(np.maximum(hertz, _BREAK_HZ) / _BREAK_HZ) / _LOG_STEP
    return np.where(hertz < _BREAK_HZ, hertz / _HZ_PER_MEL, _BREAK_HZ / _HZ_PER_MEL + above)


def mel_to_hz(mel: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Inverse of :func:`hz_to_mel`.

    Example:
        >>> from voxguard.models.mel import mel_to_hz
        >>> mel_to_hz([15.0, 42.0]).round(6)
        array([1000., 6400.])
    """
    steps = np.asarray(mel, dtype=np.float64)
    above = _BREAK_HZ * np.exp(_LOG_STEP * (steps - _BREAK_HZ / _HZ_PER_MEL))
    return np.where(steps < _BREAK_HZ / _HZ_PER_MEL, steps * _HZ_PER_MEL, above)


@lru_cache(maxsize=8)
def mel_filterbank(bands: int, n_fft: int, sample_rate: int) -> npt.NDArray[np.float64]:
    """Triangular filters, evenly spaced on Slaney's scale from 0 Hz to half the rate, of unit area.

    Args:
        bands: How many.
        n_fft: Length of the Fourier transform.
        sample_rate: Hz.

    Returns:
        ``(bands, n_fft // 2 + 1)``, read-only.

    Example:
        >>> from voxguard.models.mel import mel_filterbank
        >>> mel_filterbank(40, 400, 16_000).shape
        (40, 201)
    """
    corners = mel_to_hz(np.linspace(0.0, hz_to_mel(sample_rate / 2)[()], bands + 2))
    bins = np.fft.rfftfreq(n_fft, 1.0 / sample_rate)
    low, centre, high = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    triangles = np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre))
    filters = np.maximum(triangles, 0.0) * (2.0 / (high - low))
    filters.flags.writeable = False
    return filters


def mel_power(
    samples: Samples, *, bands: int, n_fft: int = 400, hop: int = 160, sample_rate: int = 16_000
) -> Frames:
    """Power mel spectrogram with Hann windows that are centred on multiples of the hop.

    Args:
        samples: ``(n,)``, full scale 1.0; taken as surrounded by silence.
        bands: Number of mel bands.
        n_fft: Length of window and transform in samples.
        hop: Distance between frames in samples.
        sample_rate: Hz.

    Returns:
        ``(1 + n // hop, bands)`` float32 power, not logarithmic.

    Example:
        >>> import voxguard
        >>> from voxguard.models.mel import mel_power
        >>> mel_power(voxguard.synthetic_voice(seconds=1.0), bands=40).shape
        (101, 40)
    """
    padded = np.pad(samples.astype(np.float32, copy=False), n_fft // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::hop]
    window = np.hanning(n_fft + 1)[:-1].astype(np.float32)
    filters = mel_filterbank(bands, n_fft, sample_rate).T
    blocks = [
        _power(frames[at : at + 2048], window) @ filters for at in range(0, len(frames), 2048)
    ]
    return np.concatenate(blocks).astype(np.float32)


def _power(frames: Frames, window: Frames) -> npt.NDArray[np.float64]:
    spectra = np.fft.rfft(frames * window, axis=1)
    power: npt.NDArray[np.float64] = spectra.real**2 + spectra.imag**2
    return power
