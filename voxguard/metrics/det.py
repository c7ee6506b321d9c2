"""What a report draws of an attacker's scores: the DET curve and the two histograms."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from voxguard.errors import ConfigurationError
from voxguard.metrics.counts import count
from voxguard.metrics.scores import Array, IntArray, check_scores


class Det(NamedTuple):
    """A detection error trade-off curve, from "all are accepted" to "none is".

    Attributes:
        false_match: ``(k,)`` falling from 1 to 0.
        false_non_match: ``(k,)`` rising from 0 to 1.
    """

    false_match: Array
    false_non_match: Array


class Histogram(NamedTuple):
    """Scores of both kinds in the same bins.

    Attributes:
        edges: ``(bins + 1,)`` ascending.
        mated: ``(bins,)`` how many mated pairs.
        non_mated: ``(bins,)`` how many non-mated pairs.
    """

    edges: Array
    mated: IntArray
    non_mated: IntArray


def det_curve(mated: npt.ArrayLike, non_mated: npt.ArrayLike, *, points: int | None = None) -> Det:
    """The corners of the DET curve.

    Args:
        mated: ``(n,)`` scores of mated pairs.
        non_mated: ``(m,)`` scores of non-mated pairs.
        points: Give at most so many, at least 2: the ends, and corners of the curve spaced evenly
            along it on the normal-deviate axes on which it is drawn. By default all corners.

    Raises:
        ConfigurationError: See :func:`~voxguard.metrics.scores.check_scores`; or fewer than two
            points.

    References:
        A. Martin et al., "The DET curve in assessment of detection task performance", Eurospeech
        1997.

    Example:
        >>> from voxguard.metrics import det_curve
        >>> det_curve([2.0, 3.0], [0.0, 1.0, 2.5, 2.6]).false_match
        array([1. , 0.5, 0.5, 0. , 0. ])
    """
    if points is not None and points < 2:
        raise ConfigurationError(f"a curve has at least 2 points, got {points}")
    counts = count(mated, non_mated)
    curve = Det(*counts.merged(counts.run_starts()).operating_points())
    if points is None or len(curve.false_match) <= points:
        return curve
    along = _length(curve, counts.n_mated, counts.n_non_mated)
    kept = np.unique(np.searchsorted(along, np.linspace(0.0, along[-1], points)))
    return Det(curve.false_match[kept], curve.false_non_match[kept])


def score_histogram(mated: npt.ArrayLike, non_mated: npt.ArrayLike, *, bins: int = 40) -> Histogram:
    """How many pairs of each kind score how much, in bins of one width over the common range.

    Args:
        mated: ``(n,)`` scores of mated pairs.
        non_mated: ``(m,)`` scores of non-mated pairs.
        bins: How many, at least 1.

    Raises:
        ConfigurationError: See :func:`~voxguard.metrics.scores.check_scores`; or no bins.

    Example:
        >>> from voxguard.metrics import score_histogram
        >>> score_histogram([0.9, 1.0], [0.0, 0.1, 0.6], bins=2).non_mated
        array([2, 1])
    """
    if bins < 1:
        raise ConfigurationError(f"a histogram has at least 1 bin, got {bins}")
    same, different = check_scores(mated, non_mated)
    low, high = min(same.min(), different.min()), max(same.max(), different.max())
    edges = np.linspace(low, high, bins + 1)
    if not (np.diff(edges) > 0).all():  # all scores are equal, or as good as
        half = 0.5 * max(1.0, abs(float(low)))
        edges = np.linspace(low - half, low + half, bins + 1)
    in_bins = [np.histogram(scores, edges)[0].astype(np.int64) for scores in (same, different)]
    return Histogram(edges, in_bins[0], in_bins[1])


def _length(curve: Det, n_mated: int, n_non_mated: int) -> Array:
    """Way from the start to each corner on normal-deviate axes; 0 and 1 are half a pair away."""
    from scipy.special import ndtri

    steps = np.zeros(len(curve.false_match) - 1)
    for rates, n in ((curve.false_match, n_non_mated), (curve.false_non_match, n_mated)):
        steps += np.abs(np.diff(ndtri(np.clip(rates, 0.5 / n, 1.0 - 0.5 / n))))
    return np.concatenate(([0.0], np.cumsum(steps)))
