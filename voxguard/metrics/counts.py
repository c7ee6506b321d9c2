"""Scores as counts: each distinct score once, with how many pairs of either kind have it.

A metric that is written on counts is right with ties, costs one sort, and can be had for thousands
of weighted resamples without sorting again (see :mod:`voxguard.metrics.bootstrap`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from voxguard.metrics.scores import Array, IntArray, check_scores


@dataclass(frozen=True)
class Counts:
    """How many pairs have each score.

    Attributes:
        levels: ``(n,)`` the distinct scores, ascending.
        mated: ``(n,)`` how many mated pairs have it.
        non_mated: ``(n,)`` how many non-mated pairs have it.

    Example:
        >>> from voxguard.metrics import count
        >>> counts = count([2.0, 1.0], [1.0, 1.0, 0.0])
        >>> counts.levels, counts.mated, counts.non_mated
        (array([0., 1., 2.]), array([0, 1, 1]), array([1, 2, 0]))
    """

    levels: Array
    mated: IntArray
    non_mated: IntArray

    @property
    def n_mated(self) -> int:
        """Mated pairs in all."""
        return int(self.mated.sum())

    @property
    def n_non_mated(self) -> int:
        """Non-mated pairs in all."""
        return int(self.non_mated.sum())

    def occupied(self) -> Counts:
        """Without the levels that no pair has (there are some when pairs are weighted)."""
        some = (self.mated + self.non_mated) > 0
        if some.all():
            return self
        return Counts(self.levels[some], self.mated[some], self.non_mated[some])

    def run_starts(self) -> npt.NDArray[np.intp]:
        """Where the runs of levels begin that hold pairs of one and the same kind.

        A metric of the order alone gives the same when each run is taken for one level.
        """
        both = (self.mated > 0) & (self.non_mated > 0)
        kind = self.mated > 0
        new = np.ones(len(self.levels), dtype=np.bool_)
        new[1:] = both[1:] | both[:-1] | (kind[1:] != kind[:-1])
        return np.flatnonzero(new)

    def merged(self, starts: npt.NDArray[np.intp]) -> Counts:
        """Neighbouring levels taken together; each bears the lowest score in it."""
        return Counts(
            self.levels[starts],
            np.add.reduceat(self.mated, starts),
            np.add.reduceat(self.non_mated, starts),
        )

    def operating_points(self) -> tuple[Array, Array]:
        """False-match and false-non-match rate at every threshold, ``(n + 1,)`` each.

        From "all are accepted" (1, 0) to "none is" (0, 1).
        """
        below = np.concatenate(([0], np.cumsum(self.mated))) / self.n_mated
        above = 1.0 - np.concatenate(([0], np.cumsum(self.non_mated))) / self.n_non_mated
        return above, below


def count(mated: npt.ArrayLike, non_mated: npt.ArrayLike) -> Counts:
    """Count the pairs that have each score; O(n log n).

    Args:
        mated: ``(n,)`` scores of mated pairs.
        non_mated: ``(m,)`` scores of non-mated pairs.

    Raises:
        ConfigurationError: See :func:`~voxguard.metrics.scores.check_scores`.
    """
    same, different = check_scores(mated, non_mated)
    pooled = np.concatenate([same, different])
    pooled.sort()
    starts = level_starts(pooled)
    levels = pooled[starts]
    of_mated = np.bincount(np.searchsorted(levels, np.sort(same)), minlength=len(levels))
    total = np.diff(starts, append=len(pooled))
    return Counts(levels, of_mated.astype(np.int64), (total - of_mated).astype(np.int64))


def level_starts(ascending: Array) -> npt.NDArray[np.intp]:
    """Where each distinct value begins in a sorted array."""
    new = np.ones(len(ascending), dtype=np.bool_)
    new[1:] = ascending[1:] != ascending[:-1]
    return np.flatnonzero(new)


Metric = TypeVar("Metric", bound=Callable[..., float])


@dataclass(frozen=True)
class OnCounts:
    """How a metric is had from :class:`Counts`, and what a bootstrap has to know of it.

    Attributes:
        rule: Takes counts, and the metric's own keywords, and gives what the metric gives.
        order_only: Whether the metric depends on the order of the scores alone, and stays the same
            when neighbouring levels of one kind are taken for one.
        fitted: For a metric that fits something to the scores and so is off on small samples, the
            range of its values.
    """

    rule: Callable[..., float]
    order_only: bool
    fitted: tuple[float, float] | None = None


def counted(how: OnCounts) -> Callable[[Metric], Metric]:
    """Mark a metric as one that can be had from counts too."""

    def mark(metric: Metric) -> Metric:
        setattr(metric, _MARK, how)
        return metric

    return mark


def how_counted(metric: Callable[..., Any]) -> OnCounts | None:
    """The mark of a metric, seen through :func:`functools.partial`; None if there is none."""
    if isinstance(metric, partial) and not metric.args:
        inner = how_counted(metric.func)
        return inner and replace(inner, rule=partial(inner.rule, **metric.keywords))
    found: OnCounts | None = getattr(metric, _MARK, None)
    return found


_MARK = "_voxguard_on_counts"
