"""Brings what a network has spoken anew to the loudness of what it was given, or to another."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from voxguard.arrays import Samples

HEADROOM = 2.0  # how far above the original's peak a rendering may go
FAINTEST = 1e-8  # less than 24 bits can hold: as good as silence

_HOP_MS = 10
_SMOOTH = np.hanning(9)[1:-1]  # 7 frames: 30 ms to either side
_LIFT = 10.0  # 20 dB: noise where the original is loud is not brought all the way up
_PERCENTILE = 90.0
_QUIET_DB = 25.0
_MOST_GAIN_DB, _SILENCE_DB, _PEAK = 30.0, -75.0, 0.99


def speech_level(samples: Samples, sample_rate: int) -> float:
    """Root mean square of the loud frames: the 90th percentile of 20 ms frames.

    Pauses do not lower it and single clicks hardly raise it. Where there is little but pauses, it
    is 25 dB below the loudest frame.

    Args:
        samples: ``(n,)``, n at least 1.
        sample_rate: Hz.

    Returns:
        0 (digital silence) to full scale.

    Example:
        >>> import numpy as np
        >>> from voxguard.dsp.loudness import speech_level
        >>> round(speech_level(np.full(16_000, 0.25, np.float32), 16_000), 3)
        0.25
    """
    power = _power(samples, 2 * _hop(sample_rate))
    quiet = power.max() * 10 ** (-_QUIET_DB / 10)
    return float(np.sqrt(max(np.percentile(power, _PERCENTILE), quiet)))


def follow_level(
    original: Samples, rendered: Samples, sample_rate: int, *, headroom: float = HEADROOM
) -> Samples:
    """Give a rendering in the original's timing the original's level, moment by moment.

    The gain is that of the energies within 30 ms, and at most 20 dB more than it is on the whole.
    Where the original is silent the rendering becomes so.

    Args:
        original: ``(n,)``, n at least 1.
        rendered: ``(n,)``.
        sample_rate: Hz.
        headroom: Peaks so many times those of the original nearby are clipped.

    Returns:
        ``(n,)``.

    Example:
        >>> import numpy as np
        >>> from voxguard.dsp.loudness import follow_level
        >>> tone = np.sin(np.arange(8_000, dtype=np.float32))
        >>> steps = np.repeat(np.float32([0.1, 0.4, 0.0, 0.2]), 2_000)
        >>> level = np.abs(follow_level(steps * tone, 0.5 * tone, 16_000)).reshape(4, -1)
        >>> level[:, 800:1200].max(axis=1).round(2)
        array([0.1, 0.4, 0. , 0.2], dtype=float32)
    """
    hop = _hop(sample_rate)
    heard, given = _power(original, hop), _power(rendered, hop)
    if not (heard.any() and given.any()):
        return np.zeros_like(rendered)
    gains = np.minimum(
        np.sqrt(_ratio(_smooth(heard), _smooth(given))), _LIFT * np.sqrt(heard.sum() / given.sum())
    )
    centres = (np.arange(gains.size) + 0.5) * hop
    scaled = rendered * np.interp(np.arange(rendered.size), centres, gains).astype(np.float32)
    padded = np.pad(np.abs(original), (0, -original.size % hop)).reshape(-1, hop).max(axis=1)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(padded, 2), 5).max(axis=1)
    ceiling = np.repeat(headroom * around, hop)[: original.size]
    return np.asarray(np.clip(scaled, -ceiling, ceiling))


def match_level(original: Samples, rendered: Samples, sample_rate: int) -> Samples:
    """Give a rendering in a timing of its own the original's level, with one gain for all of it.

    The energies compared are those of the 20 ms frames in which the original is within 25 dB of
    its loud ones and not 10 dB above them, so that a click in it leaves speech as loud as it was.
    Peaks more than 6 dB above the original's are clipped.

    Args:
        original: ``(n,)``, n at least 1.
        rendered: ``(n,)``.
        sample_rate: Hz.

    Returns:
        ``(n,)``.

    Example:
        >>> import numpy as np
        >>> from voxguard.dsp.loudness import match_level
        >>> tone = np.sin(np.arange(8_000, dtype=np.float32))
        >>> np.abs(match_level(0.1 * tone, 0.5 * tone, 16_000)).max().round(3)
        np.float32(0.1)
    """
    hop = 2 * _hop(sample_rate)
    heard, given = _power(original, hop), _power(rendered, hop)
    loud = np.percentile(heard, _PERCENTILE)
    speech = (heard > loud * 10 ** (-_QUIET_DB / 10)) & (heard < 10.0 * loud)
    if not heard[speech].any() or not given[speech].any():
        speech[:] = True
    gain = np.sqrt(_ratio(heard[speech].sum(), given[speech].sum()))
    ceiling = HEADROOM * float(np.abs(original).max())
    return np.asarray(np.clip(rendered * np.float32(gain), -ceiling, ceiling))


def at_level(samples: Samples, sample_rate: int, level_db: float) -> Samples:
    """Bring the speech in a recording to a level; one gain for all, no clipping.

    The gain is at most 30 dB, less from -60 dB downwards, and from -75 dB on there is none: that is
    no speech, and would become loud noise. The channels keep their balance: one in which others are
    faintly heard stays faint.

    Args:
        samples: ``(channels, n)``.
        sample_rate: Hz.
        level_db: Of :func:`speech_level` of the loudest channel, in dB of full scale.

    Returns:
        ``(channels, n)``, with peaks of at most 0.99.

    Example:
        >>> import voxguard
        >>> from voxguard.dsp.loudness import at_level, speech_level
        >>> voice = voxguard.synthetic_voice(seconds=1.0)
        >>> round(speech_level(at_level(voice[None], 16_000, -20.0)[0], 16_000), 3)
        0.1
    """
    level = max(
        (speech_level(channel, sample_rate) for channel in samples if channel.any()), default=0.0
    )
    if level <= 10.0 ** (_SILENCE_DB / 20.0):
        return samples
    heard_db = 20.0 * np.log10(level)
    most_db = np.clip(2.0 * (heard_db - _SILENCE_DB), 0.0, _MOST_GAIN_DB)
    gain = min(10.0 ** (min(level_db - heard_db, most_db) / 20.0), _PEAK / np.abs(samples).max())
    return np.asarray(samples * np.float32(gain))


def _hop(sample_rate: int) -> int:
    return sample_rate * _HOP_MS // 1000


def _power(samples: Samples, hop: int) -> npt.NDArray[np.float64]:
    """Mean power of each frame; the last one is filled up with zeros."""
    padded = np.pad(samples, (0, -samples.size % hop)).reshape(-1, hop)
    return np.asarray(np.square(padded, dtype=np.float64).mean(axis=1))


def _smooth(power: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.convolve(power, _SMOOTH)[3:-3]


def _ratio(heard: npt.ArrayLike, given: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """``heard / given``, and 0 where there is nothing to scale."""
    above, below = np.asarray(heard, np.float64), np.asarray(given, np.float64)
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0.0)
