"""A mel axis at any sample rate, the way to it and back, and frequencies moved along it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

TOP_HZ = 8_000.0  # curves of a population and drawn ones are given up to here, and held above
DB = float(10.0 / np.log(10.0))  # of the natural logarithm of power
FLOOR = 1e-16  # of power: less than 24 bits can hold

_BAND_MEL = 45.0
_KNEE = 0.85  # of the axis; above it the scale changes, so that the axis' end stays where it is


def mel(hz: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Mel scale of D. O'Shaughnessy (1987).

    Example:
        >>> from voxguard.dsp.bands import mel
        >>> round(float(mel(1000.0)))
        1000
    """
    return np.asarray(1127.0 * np.log1p(np.asarray(hz, np.float64) / 700.0))


def hertz(mels: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Inverse of :func:`mel`.

    Example:
        >>> from voxguard.dsp.bands import hertz
        >>> round(float(hertz(1000.0)))
        1000
    """
    return np.asarray(700.0 * np.expm1(np.asarray(mels, np.float64) / 1127.0))


def smooth(place: npt.NDArray[np.float64], knots: tuple[float, ...]) -> npt.NDArray[np.float64]:
    """A smooth curve through knots at even steps from 0 to 1.

    Example:
        >>> import numpy as np
        >>> from voxguard.dsp.bands import smooth
        >>> smooth(np.array([0.0, 0.25, 0.5, 1.0]), (0.0, 2.0, 0.0))
        array([0., 1., 2., 0.])
    """
    at = place * (len(knots) - 1)
    left = np.minimum(at.astype(np.intp), len(knots) - 2)
    share = 0.5 - 0.5 * np.cos(np.pi * (at - left))
    values = np.asarray(knots)
    return np.asarray(values[left] * (1.0 - share) + values[left + 1] * share)


def warp(
    hz: npt.NDArray[np.float64], top_hz: float, scale: float, bends: tuple[float, ...] = ()
) -> npt.NDArray[np.float64]:
    """Where in the original a frequency of the result comes from.

    Args:
        hz: Of the result, 0 to ``top_hz``.
        top_hz: Half the sample rate; it stays where it is, and so does 0 Hz.
        scale: Of all frequencies.
        bends: Further shifts, in ln of frequency, at even steps in mel within 0 to 8 kHz; six of up
            to 0.1 keep the order of frequencies.

    Example:
        >>> import numpy as np
        >>> from voxguard.dsp.bands import warp
        >>> warp(np.array([0.0, 1100.0, 8000.0]), 8000.0, 1.1).round()
        array([   0., 1000., 8000.])
    """
    knee = _KNEE * top_hz * min(1.0, scale)
    source = np.interp(hz, [0.0, knee, top_hz], [0.0, knee / scale, top_hz])
    shift = smooth(np.minimum(mel(source) / mel(TOP_HZ), 1.0), (0.0, *bends, 0.0))
    return np.asarray(np.minimum(source * np.exp(shift), top_hz))


class Bands:
    """Bands evenly spaced in mel from 0 Hz to half the sample rate; 65 at 16 kHz.

    Args:
        sample_rate: Hz.
        bins: Of the spectra that the bands are of, from 0 Hz to half the sample rate.
        width_hz: Least width that a band takes its mean over, to each side.

    Example:
        >>> import numpy as np
        >>> from voxguard.dsp.bands import Bands
        >>> bands = Bands(16_000, 513)
        >>> slope = np.linspace(0.0, 8.0, 513, dtype=np.float32)[None]
        >>> back = (slope @ bands.down) @ bands.at(bands.bin_hz)
        >>> bool(np.abs(back - slope).max() < 0.2)
        True
    """

    def __init__(self, sample_rate: int, bins: int, *, width_hz: float = 0.0) -> None:
        self.top_hz = sample_rate / 2
        self.count = int(np.ceil(mel(self.top_hz) / _BAND_MEL)) + 1
        self.mels = np.linspace(0.0, float(mel(self.top_hz)), self.count)
        self.hz = hertz(self.mels)
        self.bin_hz = np.linspace(0.0, self.top_hz, bins)
        reach = np.maximum(np.gradient(self.hz), max(width_hz, self.bin_hz[1]))
        weights = np.maximum(0.0, 1.0 - np.abs(self.bin_hz[:, None] - self.hz) / reach)
        self.down: Floats = (weights / weights.sum(axis=0)).astype(np.float32)

    def at(self, hz: npt.NDArray[np.float64]) -> Floats:
        """``(bands, len(hz))``: from bands to frequencies, by linear interpolation in mel."""
        place = mel(hz) / self.mels[1]
        weights = np.maximum(0.0, 1.0 - np.abs(place - np.arange(self.count)[:, None]))
        return np.asarray(weights / weights.sum(axis=0), np.float32)

    def moves(self, scale: float, bends: tuple[float, ...] = ()) -> Floats:
        """``(bands, bands)``: to bands with their frequencies moved; see :func:`warp`."""
        return self.at(warp(self.hz, self.top_hz, scale, bends))

    def points(self, count: int) -> Floats:
        """``(bands, count)``: to even steps in mel from 0 to 8 kHz."""
        return self.at(hertz(np.linspace(0.0, float(mel(min(TOP_HZ, self.top_hz))), count)))

    def from_points(self, curves: npt.ArrayLike) -> Floats:
        """``(..., bands)`` of curves given at even steps in mel from 0 to 8 kHz; held above."""
        given = np.asarray(curves, np.float64)
        place = np.minimum(self.mels / mel(TOP_HZ), 1.0) * (given.shape[-1] - 1)
        left = np.minimum(place.astype(np.intp), given.shape[-1] - 2)
        share = place - left
        between = given[..., left] * (1.0 - share) + given[..., left + 1] * share
        return np.asarray(between, np.float32)

    def drawn(self, knots: tuple[float, ...]) -> Floats:
        """``(bands,)`` of a smooth curve through knots from 0 to 8 kHz; held above."""
        return np.asarray(smooth(np.minimum(self.mels / mel(TOP_HZ), 1.0), knots), np.float32)

    def power(self, spectra: npt.NDArray[Any]) -> Floats:
        """``(frames, 1)`` power of power spectra, on a scale that is the same at every rate."""
        mean = spectra.mean(axis=1, keepdims=True) * (self.top_hz / TOP_HZ)
        return np.asarray(mean + FLOOR, np.float32)
