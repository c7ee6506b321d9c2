"""Brings a rendered signal to the loudness of the original, and holds its bursts."""

from __future__ import annotations

from itertools import accumulate

import numpy as np

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
        self._heard, self._given = [0.0], [0.0]
        self._gain = np.float32(1.0)
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
        gains = self._gains(originals, blocks)
        corrected: Samples = np.multiply.outer(gains[1:] - gains[:-1], self._ramp)
        corrected += gains[:-1, None]
        corrected *= blocks
        ceiling = HEADROOM * self._recent_peaks(originals)
        towering = np.abs(corrected).max(axis=1) > ceiling
        if towering.any():
            limit = ceiling[towering, None]
            corrected[towering] = np.clip(corrected[towering], -limit, limit)
        return corrected.reshape(-1)

    def _gains(self, originals: Samples, blocks: Samples) -> Samples:
        """``(k + 1,)``: before the first block, and at the end of each one."""
        self._heard = self._recent(originals, self._heard[-1])
        self._given = self._recent(blocks, self._given[-1])
        heard, given = np.array(self._heard[1:]), np.array(self._given[1:])
        gains = np.ones(len(blocks) + 1, np.float32)
        gains[0] = self._gain
        both = (heard > 0.0) & (given > 0.0)
        np.sqrt(np.divide(heard, given, out=heard, where=both), out=heard, where=both)
        gains[1:][both] = np.minimum(np.maximum(heard[both], 1.0 / REACH), REACH)
        self._gain = gains[-1]
        return gains

    def _recent(self, blocks: Samples, before: float) -> list[float]:
        """Energies that fade with the memory: before the first block, and after each one."""
        energies = np.einsum("kn,kn->k", blocks, blocks).tolist()
        return list(accumulate(energies, lambda sum_, e: self._keep * sum_ + e, initial=before))

    def _recent_peaks(self, blocks: Samples) -> Samples:
        """``(k,)`` peaks over each block and those shortly before it."""
        before, count = len(self._peaks), len(blocks)
        peaks = np.concatenate([self._peaks, np.abs(blocks).max(axis=1)])
        self._peaks = peaks[count:]
        recent = peaks[:count].copy()
        for later in range(1, before + 1):
            np.maximum(recent, peaks[later : later + count], out=recent)
        return recent
