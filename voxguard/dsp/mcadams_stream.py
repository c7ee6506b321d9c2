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
        self._tail = np.zeros((channels, 0))  # what rendered frames have added beyond what went out
        # A frame starts up to `behind` samples before those that it adds to. Samples from there,
        # and from the zeros in the lead, do not go out.
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
        size = kernel.batch() * self._plan.hop
        starts = range(0, samples.shape[1], size) or [0]
        parts = [self._step(samples[:, start : start + size]) for start in starts]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def flush(self) -> Samples:
        """Give the rest, as if silence followed."""
        left = self._pending
        padding = np.zeros((len(self._samples), left + self._skip + self._plan.frame), np.float32)
        return self.push(padding)[:, :left]

    def _step(self, samples: Samples) -> Samples:
        self._pending += samples.shape[1]
        self._samples = np.concatenate([self._samples, samples], axis=1)
        ready = self._plan.count(self._samples.shape[1]) * self._plan.hop
        done = np.empty((len(self._samples), ready), np.float32)
        if ready == 0:
            return done
        sums = np.zeros(self._samples.shape)
        sums[:, : self._tail.shape[1]] = self._tail
        out = slice(self._behind, self._behind + ready)
        for channel, level in enumerate(self._levels):
            signal, sum_ = self._samples[channel], sums[channel]
            kernel.overlap_add(signal, self._plan, sum_)
            done[channel] = sum_[out]
            if self._plan.keep_level:
                done[channel] = level.correct(signal[out], done[channel])
        self._samples, self._tail = self._samples[:, ready:].copy(), sums[:, ready:].copy()
        skipped = min(self._skip, ready)
        self._skip -= skipped
        self._pending -= ready - skipped
        return done[:, skipped:]
