"""What a recording's level, length and peaks tell before anyone listens."""

from __future__ import annotations

import numpy as np

from voxguard.arrays import Samples
from voxguard.utility.checks import one_channel

BLOCK_MS, STEP_MS = 400.0, 100.0
ABSOLUTE_GATE_DB, RELATIVE_GATE_DB = -70.0, -10.0
FULL_SCALE = 32767 / 32768


def gated_level_db(samples: Samples, sample_rate: int) -> float:
    """How loud the speech is, pauses left out.

    The gates of ITU-R BS.1770 without its frequency weighting: blocks of 400 ms every 100 ms, those
    above -70 dBFS, and of these the ones no more than 10 dB below their mean.

    Args:
        samples: ``(n,)`` float, full scale 1.0.
        sample_rate: Hz.

    Returns:
        Level in dBFS (0 is a square wave at full scale); NaN where there is only silence.

    Raises:
        UnsupportedAudioError: Not ``(n,)`` floats.
        NonFiniteAudioError: NaN or infinity.

    Example:
        >>> import numpy as np
        >>> from voxguard.utility.signal import gated_level_db
        >>> tone = 0.1 * np.sin(np.arange(16_000))
        >>> gated_level_db(np.concatenate([tone, np.zeros(32_000)]), 16_000)
        -23.7...
    """
    signal = one_channel(samples).astype(np.float64)
    block, step = (max(round(ms * 0.001 * sample_rate), 1) for ms in (BLOCK_MS, STEP_MS))
    energy = np.concatenate([[0.0], np.cumsum(signal**2)])
    starts = np.arange(0, max(len(signal) - block, 0) + 1, step)
    ends = np.minimum(starts + block, len(signal))
    powers = (energy[ends] - energy[starts]) / np.maximum(ends - starts, 1)
    powers = powers[powers > 10.0 ** (ABSOLUTE_GATE_DB / 10.0)]
    if not len(powers):
        return float("nan")
    loud = powers >= powers.mean() * 10.0 ** (RELATIVE_GATE_DB / 10.0)
    return float(10.0 * np.log10(powers[loud].mean()))


def level_change_db(original: Samples, anonymized: Samples, sample_rate: int) -> float:
    """By how much the speech became louder, in dB; NaN if either is silent.

    Args:
        original: ``(n,)`` float.
        anonymized: ``(m,)`` float, at the same rate.
        sample_rate: Hz.
    """
    return gated_level_db(anonymized, sample_rate) - gated_level_db(original, sample_rate)


def duration_change(original: Samples, anonymized: Samples) -> float:
    """By what fraction the recording became longer; 0.0 if it is as long, to the sample.

    Args:
        original: ``(n,)``, n > 0.
        anonymized: ``(m,)``, at the same rate.

    Raises:
        UnsupportedAudioError: Not ``(n,)`` floats.
        NonFiniteAudioError: NaN or infinity.
    """
    before = len(one_channel(original))
    return (len(one_channel(anonymized)) - before) / before


def clipped_share(samples: Samples) -> float:
    """The share of samples that were cut off at full scale.

    One sample at full scale may be a peak; two or more in a row were cut.

    Args:
        samples: ``(n,)`` float, full scale 1.0.

    Returns:
        From 0.0 to 1.0.

    Raises:
        UnsupportedAudioError: Not ``(n,)`` floats.
        NonFiniteAudioError: NaN or infinity.

    Example:
        >>> import numpy as np
        >>> from voxguard.utility.signal import clipped_share
        >>> clipped_share(np.array([0.0, 1.0, 0.5, 1.0, 1.0, -1.0, 0.0, 0.0]))
        0.25
    """
    signal = one_channel(samples)
    side = np.where(np.abs(signal) >= FULL_SCALE, np.sign(signal), 0.0)
    same = (side[1:] == side[:-1]) & (side[1:] != 0.0)
    cut = np.zeros(len(signal), np.bool_)
    cut[1:] |= same
    cut[:-1] |= same
    return float(cut.mean())
