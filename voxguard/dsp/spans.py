"""Stretches of speech between pauses, and how renderings of them are joined again."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from voxguard.arrays import Samples

_HOP_MS = 10
_SMOOTH_FRAMES = 5
_BELOW_LOUD_DB = 40.0
_PAUSE_MS = 300  # shorter gaps belong to the speech around them
_MARGIN_MS = 100  # faint onsets and ends


class Span(NamedTuple):
    """Samples ``start`` to ``stop``, without the last."""

    start: int
    stop: int


def speech_spans(samples: Samples, sample_rate: int, longest: int) -> list[Span]:
    """Find the stretches of sound between pauses.

    A frame of 10 ms is sound where it is within 40 dB of the loud ones (95th percentile). Gaps of
    less than 300 ms are closed and 100 ms are added to either side. What is too long is cut at the
    quietest place of the last third of what may be one span. Steady noise is sound throughout;
    digital silence is none.

    Args:
        samples: ``(n,)``, n at least 1.
        sample_rate: Hz.
        longest: Samples in a span at most, at least 300 ms.

    Example:
        >>> import numpy as np
        >>> from voxguard.dsp.spans import speech_spans
        >>> tone = np.sin(np.arange(16_000, dtype=np.float32))
        >>> speech_spans(np.concatenate([0 * tone, tone, 0 * tone]), 16_000, 80_000)
        [Span(start=14400, stop=33600)]
    """
    hop = sample_rate * _HOP_MS // 1000
    power = _power(samples, sample_rate)
    sound = np.flatnonzero((power > 0.0) & (power >= _loud(power) * 10 ** (-_BELOW_LOUD_DB / 10)))
    if not sound.size:
        return []
    breaks = np.flatnonzero(np.diff(sound) > _PAUSE_MS // _HOP_MS)
    first, last = sound[np.r_[0, breaks + 1]], sound[np.r_[breaks, sound.size - 1]]
    margin = sample_rate * _MARGIN_MS // 1000
    stretches = [
        Span(max(0, int(a) * hop - margin), min(samples.size, (int(b) + 1) * hop + margin))
        for a, b in zip(first, last, strict=True)
    ]
    return [part for each in stretches for part in _cut(each, power, sample_rate, longest)]


def joint(span: Span, length: int, fade: int) -> tuple[Span, npt.NDArray[np.float32]]:
    """Weights that join renderings of spans.

    Args:
        span: One of the spans of a recording.
        length: Samples in the recording.
        fade: Samples over which one span gives way to the next, an even number.

    Returns:
        The span widened by half the fade, within the recording, and a weight a sample: ramps at its
        ends, but for those of the recording. Where two spans meet their weights add up to 1.

    Example:
        >>> from voxguard.dsp.spans import Span, joint
        >>> joint(Span(0, 3), 6, 2), joint(Span(3, 6), 6, 2)
        ((Span(start=0, stop=4), array([1.  , 1.  , 0.75, 0.25], dtype=float32)),
         (Span(start=2, stop=6), array([0.25, 0.75, 1.  , 1.  ], dtype=float32)))
    """
    half = fade // 2
    wide = Span(max(0, span.start - half), min(length, span.stop + half))
    at = np.arange(wide.start, wide.stop) + 0.5
    weights = np.ones(at.size)
    if span.start > 0:
        weights = np.clip((at - span.start) / fade + 0.5, 0.0, 1.0)
    if span.stop < length:
        weights *= np.clip((span.stop - at) / fade + 0.5, 0.0, 1.0)
    return wide, weights.astype(np.float32)


def _power(samples: Samples, sample_rate: int) -> npt.NDArray[np.float64]:
    """Mean power of each 10 ms; of the last frame, of what there is."""
    hop = sample_rate * _HOP_MS // 1000
    starts = np.arange(0, samples.size, hop)
    sums = np.add.reduceat(np.square(samples, dtype=np.float64), starts)
    power: npt.NDArray[np.float64] = sums / np.minimum(hop, samples.size - starts)
    return power


def _loud(power: npt.NDArray[np.float64]) -> float:
    """The 95th percentile, or the loudest frame of something that is hardly ever loud."""
    return float(np.percentile(power, 95)) or float(power.max())


def _cut(whole: Span, power: npt.NDArray[np.float64], sample_rate: int, longest: int) -> list[Span]:
    hop = sample_rate * _HOP_MS // 1000
    spans = []
    start = whole.start
    while whole.stop - start > longest:
        low, high = (start + longest * 2 // 3) // hop + 1, (start + longest) // hop
        around = power[low - _SMOOTH_FRAMES // 2 : high + _SMOOTH_FRAMES // 2 + 1]
        smooth = np.convolve(around, np.ones(_SMOOTH_FRAMES), "valid")
        stop = (low + int(smooth.argmin())) * hop + hop // 2
        stop = min(stop, start + longest, whole.stop)
        spans.append(Span(start, stop))
        start = stop
    return [*spans, Span(start, whole.stop)]
