"""A recording filtered by target over source envelope: pitch and voicing stay as they are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from voxguard.arrays import Samples
from voxguard.dsp.bands import FLOOR, Bands
from voxguard.dsp.timbre import Replacement, Timbre

FRAME_MS, HOPS = 32.0, 4
SMOOTHING_HZ = 200.0  # wider than the distance of most voices' harmonics
LIMIT_DB = 24.0


class DifferentialRenderer:
    """Renders one channel, block after block.

    K. Kobayashi, T. Toda, S. Nakamura, "F0 transformation techniques for statistical voice
    conversion with direct waveform modification with spectral differential", SLT 2016, with
    statistics replaced instead of a trained conversion, and with a zero-phase filter.

    Args:
        sample_rate: Hz.
        timbre: What was drawn.
    """

    def __init__(self, sample_rate: int, timbre: Timbre) -> None:
        self._hop = 8 * round(FRAME_MS * 0.001 * sample_rate / HOPS / 8)  # no large primes
        self._frame = HOPS * self._hop
        self._bands = Bands(sample_rate, self._frame // 2 + 1, width_hz=SMOOTHING_HZ)
        self._up = self._bands.at(self._bands.bin_hz)
        self._replace = Replacement(self._bands, timbre, FRAME_MS / HOPS)
        window = np.sqrt(np.hanning(self._frame + 1)[:-1])
        self._window = (window * np.sqrt(2.0 / HOPS)).astype(np.float32)

    def __call__(self, samples: Samples) -> Samples:
        """Render a block, ``(n,)`` to ``(n,)``."""
        lead = self._frame - self._hop
        count = -(-(len(samples) + lead) // self._hop)
        padded = np.pad(samples, (lead, count * self._hop - len(samples)))
        frames = np.lib.stride_tricks.sliding_window_view(padded, self._frame)[:: self._hop]
        spectra = np.fft.rfft(frames * self._window)
        made = np.fft.irfft(spectra * self._gain(np.abs(spectra) ** 2), self._frame)
        out = np.zeros((count + HOPS - 1, self._hop), np.float32)
        for part in range(HOPS):
            out[part : part + count] += (made * self._window).reshape(count, HOPS, -1)[:, part]
        return out.reshape(-1)[lead : lead + len(samples)]

    def _gain(self, power: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        whole = self._bands.power(power)
        levels = np.log((power / whole) @ self._bands.down + FLOOR)
        change = self._replace(levels, np.log(whole[:, 0])) - levels
        change -= change.max(axis=1, keepdims=True)
        gain = np.exp(0.5 * change @ self._up)
        kept = self._bands.power(power * gain**2)
        gain *= np.sqrt(whole / kept)
        return np.clip(gain, 0.0, 10 ** (LIMIT_DB / 20)).astype(np.float32)
