"""McAdams on a live signal: the same frames as on a whole recording, whatever the chunks."""

from __future__ import annotations

import numpy as np

from voxguard.arrays import Samples
from voxguard.dsp import kernel
from voxguard.dsp.level import LevelLoop
from voxguard.dsp.mcadams import Plan


class FrameStream:
    """Overlap-add with a memory.

    Args:
        plan: The frames and what is done to them.
        channels: Rendered one by one.
    """

    def __init__(self, plan: Plan, channels: int) -> None:
        self._plan = plan
        self._samples = np.zeros((channels, plan.lead), np.float32)
        self._sums = np.zeros((channels, plan.lead))
        # Frames reach back to `behind` before the samples that they add to. What lies there, and in
        # the lead, has gone out already or never was.
        self._behind = plan.frame - plan.latency
        self._skip = plan.lead - self._behind
        self._pending = 0
        self._levels = [LevelLoop(plan.hop, plan.sample_rate) for _ in range(channels)]

    @property
    def latency_samples(self) -> int:
        """As the plan has it."""
        return self._plan.latency

    def push(self, samples: Samples) -> Samples:
        """Take ``(channels, n)``, give what no frame that is still to come adds to."""
        self._pending += samples.shape[1]
        self._samples = np.concatenate([self._samples, samples], axis=1)
        self._sums = np.concatenate([self._sums, np.zeros(samples.shape)], axis=1)
        ready = self._plan.count(self._samples.shape[1]) * self._plan.hop
        if ready == 0:
            return self._samples[:, :0].copy()
        done = np.empty((len(self._samples), ready), np.float32)
        out = slice(self._behind, self._behind + ready)
        for signal, sums, level, rendered in zip(
            self._samples, self._sums, self._levels, done, strict=True
        ):
            kernel.overlap_add(signal, self._plan, sums)
            keep = self._plan.keep_level
            rendered[:] = level.correct(signal[out], sums[out]) if keep else sums[out]
        self._samples, self._sums = self._samples[:, ready:].copy(), self._sums[:, ready:].copy()
        skipped = min(self._skip, ready)
        self._skip -= skipped
        self._pending -= ready - skipped
        return done[:, skipped:]

    def flush(self) -> Samples:
        """Give the rest, as if silence followed."""
        left = self._pending
        padding = np.zeros((len(self._samples), left + self._skip + self._plan.frame), np.float32)
        return self.push(padding)[:, :left]
