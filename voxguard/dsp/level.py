"""Brings a rendered signal to the loudness of the original, and holds its bursts."""

from __future__ import annotations

from itertools import accumulate

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from voxguard.arrays import Samples

MEMORY_MS = 400.0
REACH = 2.0  # at most 6 dB up or down: it trims, it is no automatic gain control
RECENT_MS = 20.0
HEADROOM = 2.0  # how far above the original's recent peak a rendering may go


class LevelLoop:
    """Compares a rendering with the original over the recent past, block by block.

    The blocks have a fixed length, so that how a signal is cut into chunks makes no difference,
    and no sample beyond the block that is corrected is needed.

    Args:
        block: Samples a block.
        sample_rate: Hz.
    """

    def __init__(self, block: int, sample_rate: int) -> None:
        self._block = block
        self._keep = float(np.exp(-block / (MEMORY_MS * 0.001 * sample_rate)))
        self._ramp = (np.arange(1, block + 1) / block).astype(np.float32)
        self._heard, self._given, self._gain = 0.0, 0.0, 1.0
        self._peaks = np.zeros(int(RECENT_MS * 0.001 * sample_rate) // block, np.float32)

    def correct(self, original: Samples, rendered: Samples) -> Samples:
        """Scale whole blocks of a rendering, and clip what still towers above the original.

        Args:
            original: ``(n,)``, n a multiple of the block length.
            rendered: ``(n,)``.

        Returns:
            ``(n,)``: the rendering with a gain that goes straight from block to block.
        """
        originals, blocks = original.reshape(-1, self._block), rendered.reshape(-1, self._block)
        heard, given = self._recent(originals, self._heard), self._recent(blocks, self._given)
        self._heard, self._given = heard[-1], given[-1]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.sqrt(np.divide(heard[1:], given[1:]))
        ratio[np.equal(heard[1:], 0.0)] = 1.0  # nothing to compare with yet
        wanted = np.clip(ratio, 1.0 / REACH, REACH)
        gains = np.concatenate([[self._gain], wanted]).astype(np.float32)
        self._gain = float(gains[-1])
        corrected = np.multiply.outer(np.diff(gains), self._ramp)
        corrected += gains[:-1, None]
        corrected *= blocks
        ceiling = HEADROOM * self._recent_peaks(originals)
        towering = _peaks(corrected) > ceiling
        if towering.any():
            limit = ceiling[towering, None]
            corrected[towering] = np.clip(corrected[towering], -limit, limit)
        return corrected.reshape(-1)

    def _recent(self, blocks: Samples, before: float) -> list[float]:
        """Energies that fade with the memory: before the first block, and after each one."""
        energies = np.einsum("kn,kn->k", blocks, blocks).tolist()
        return list(accumulate(energies, lambda sum_, e: self._keep * sum_ + e, initial=before))

    def _recent_peaks(self, blocks: Samples) -> Samples:
        """``(k,)`` peaks over each block and those shortly before it."""
        before = len(self._peaks)
        peaks = np.concatenate([self._peaks, _peaks(blocks)])
        self._peaks = peaks[len(peaks) - before :]
        recent: Samples = sliding_window_view(peaks, before + 1).max(axis=1)
        return recent


def _peaks(blocks: Samples) -> Samples:
    peaks: Samples = np.maximum(blocks.max(axis=1), -blocks.min(axis=1))
    return peaks
