"""Shapes of a spectrum, frame by frame, as librosa measures them, on numpy.

The same numbers without librosa: that compiles itself the first time that it is asked, for
some twenty seconds, and keeps the outcome in a folder that must be there.

References:
    B. McFee et al., "librosa: audio and music signal analysis in Python", SciPy 2015.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from voxguard.models.mel import mel_filterbank

Floats = npt.NDArray[np.float64]

_LEAST = 1e-10  # power below which nothing is told apart
_RANGE_DB = 80.0
_ROLLOFF = 0.85
_CONTRAST_HZ = 200.0  # below it is the first band; each of the others is an octave
_CONTRAST_SHARE = 0.02


def magnitudes(signal: Floats, *, n_fft: int, window: int, hop: int) -> Floats:
    """Short-time spectrum with Hann windows that are centred on multiples of the hop.

    Args:
        signal: ``(n,)``, taken as surrounded by silence.
        n_fft: Length of the transform in samples, even.
        window: Length of the window, at most that of the transform.
        hop: Distance between frames in samples.

    Returns:
        ``(n_fft // 2 + 1, 1 + n // hop)``.

    Example:
        >>> import numpy as np
        >>> from voxguard.attacks.spectral import magnitudes
        >>> magnitudes(np.ones(1600), n_fft=512, window=400, hop=160).shape
        (257, 11)
    """
    before = (n_fft - window) // 2
    taper = np.pad(np.hanning(window + 1)[:-1], (before, n_fft - window - before))
    padded = np.pad(signal, n_fft // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::hop]
    found: Floats = np.abs(np.fft.rfft(frames * taper, axis=1)).T
    return found


def decibels(power: Floats) -> Floats:
    """Power in dB, at most 80 dB below the greatest.

    Example:
        >>> import numpy as np
        >>> from voxguard.attacks.spectral import decibels
        >>> decibels(np.array([100.0, 1.0, 0.0]))
        array([ 20.,   0., -60.])
    """
    level = 10.0 * np.log10(np.maximum(power, _LEAST))
    found: Floats = np.maximum(level, level.max() - _RANGE_DB)
    return found


def mfcc(magnitude: Floats, count: int, *, bands: int, sample_rate: int) -> Floats:
    """Mel-frequency cepstral coefficients, by an orthonormal DCT-II.

    Args:
        magnitude: ``(bins, frames)``.
        count: How many coefficients.
        bands: Of the mel scale, Slaney's.
        sample_rate: Hz.

    Returns:
        ``(count, frames)``.

    References:
        S. Davis, P. Mermelstein, "Comparison of parametric representations for monosyllabic word
        recognition in continuously spoken sentences", IEEE Trans. ASSP 28, 1980.

    Example:
        >>> import numpy as np
        >>> from voxguard.attacks.spectral import mfcc
        >>> mfcc(np.ones((257, 3)), 20, bands=40, sample_rate=16_000).shape
        (20, 3)
    """
    filters = mel_filterbank(bands, 2 * (len(magnitude) - 1), sample_rate)
    order, band = np.arange(count)[:, None], np.arange(bands)
    basis = np.sqrt(2.0 / bands) * np.cos(np.pi * order * (2 * band + 1) / (2 * bands))
    basis[0] /= np.sqrt(2.0)
    found: Floats = basis @ decibels(filters @ magnitude**2)
    return found


def rolloff(magnitude: Floats, hertz: Floats) -> Floats:
    """Frequency below which 85 % of a frame is.

    Args:
        magnitude: ``(bins, frames)``.
        hertz: ``(bins,)`` of the bins.

    Returns:
        ``(frames,)`` Hz.

    Example:
        >>> import numpy as np
        >>> from voxguard.attacks.spectral import rolloff
        >>> rolloff(np.ones((100, 1)), np.arange(100.0))
        array([84.])
    """
    sums = np.cumsum(magnitude, axis=0)
    found: Floats = hertz[np.argmax(sums >= _ROLLOFF * sums[-1], axis=0)]
    return found


def flatness(magnitude: Floats) -> Floats:
    """Geometric over arithmetic mean of a frame's power: 1 for white noise, near 0 for a tone.

    Args:
        magnitude: ``(bins, frames)``.

    Returns:
        ``(frames,)``, above 0.

    Example:
        >>> import numpy as np
        >>> from voxguard.attacks.spectral import flatness
        >>> flatness(np.ones((100, 1)))
        array([1.])
    """
    power = np.maximum(magnitude**2, _LEAST)
    found: Floats = np.exp(np.log(power).mean(axis=0)) / power.mean(axis=0)
    return found


def contrast(magnitude: Floats, hertz: Floats, octaves: int) -> Floats:
    """How far the peaks of a band are above its valleys: the means of the 2 % at either end.

    Args:
        magnitude: ``(bins, frames)``.
        hertz: ``(bins,)`` of the bins.
        octaves: Bands from 200 Hz on, which is the top of the first; the last has all above it.

    Returns:
        ``(octaves + 1, frames)`` dB.

    References:
        D.-N. Jiang et al., "Music type classification by spectral contrast feature", ICME 2002.

    Example:
        >>> import numpy as np
        >>> from voxguard.attacks.spectral import contrast
        >>> hertz = np.fft.rfftfreq(512, 1 / 16_000)
        >>> float(contrast(np.ones((257, 2)), hertz, 5).max())
        0.0
    """
    edges = [0.0, *(_CONTRAST_HZ * 2.0 ** np.arange(octaves)), np.inf]
    peaks, valleys = [], []
    for low, high in pairwise(edges):
        first, last = np.searchsorted(hertz, low), np.searchsorted(hertz, high, side="right")
        first -= first > 0  # bands share the bin below, and leave out their last
        ranked = np.sort(magnitude[first : last - (last < len(hertz))], axis=0)
        share = max(1, round(_CONTRAST_SHARE * (last - first)))
        valleys.append(ranked[:share].mean(axis=0))
        peaks.append(ranked[-share:].mean(axis=0))
    return decibels(np.stack(peaks)) - decibels(np.stack(valleys))
