"""Signals at another rate, and from files."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from voxguard.arrays import Samples
from voxguard.audio import read, resample
from voxguard.errors import UnsupportedAudioError


def converted(samples: Samples, source_rate: int, target_rate: int) -> Samples:
    """``(n,)`` at another sample rate."""
    single: Samples = resample(samples[None], source_rate, target_rate)[0]
    return single


@lru_cache(maxsize=16)
def from_file(path: str, sample_rate: int) -> Samples:
    """A recording's first channel, ``(n,)``, at a sample rate in Hz; kept, read-only."""
    samples, rate = read(path)
    first: Samples = resample(samples[:1], rate, sample_rate)[0]
    if not np.any(first):
        raise UnsupportedAudioError(f"{path} is silent or empty; it can be no noise or response")
    first.flags.writeable = False
    return first
