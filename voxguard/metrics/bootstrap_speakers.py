"""Confidence intervals of score metrics, with the speakers of both sides drawn again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from voxguard.errors import ConfigurationError
from voxguard.metrics.bootstrap import Interval, bootstrap
from voxguard.metrics.counts import Counts, OnCounts, how_counted, level_starts
from voxguard.metrics.scores import Array, IntArray, check_score_matrix

Statistic = Callable[[IntArray], "float | None"]


def bootstrap_speakers(
    metric: Callable[[Array, Array], float],
    scores: npt.ArrayLike,
    enrolled: Sequence[str],
    trial_speakers: Sequence[str],
    *,
    allowed: npt.ArrayLike | None = None,
    seed: int,
    resamples: int = 1000,
    level: float = 0.95,
) -> Interval:
    """Interval of a metric of mated and non-mated scores.

    All speakers, enrolled or of trials, are drawn with replacement; one who is drawn m times brings
    m copies of its rows and columns. The pairs of a copy with itself are mated. The pairs of two
    copies of one speaker are left out: they are neither of one recording session nor of two people,
    and as non-mated trials they would be the hardest there are.

    Metrics of this package run on the scores sorted once; any other function is given the scores
    themselves, each as often as it occurs.

    Args:
        metric: ``f(mated, non_mated)``; bind further arguments with :func:`functools.partial`, by
            name. Undefined as for :func:`~voxguard.metrics.bootstrap.bootstrap`.
        scores: ``(n_enrolled, n_trials)``, higher for more alike.
        enrolled: Speaker of each row.
        trial_speakers: Speaker of each column.
        allowed: ``(n_enrolled, n_trials)`` which pairs are trials; all by default.
        seed: Same seed, same interval.
        resamples: How many, at least 1.
        level: Confidence, between 0 and 1.

    Returns:
        The interval; its ``n`` is the number of pairs.

    Raises:
        ConfigurationError: See :func:`~voxguard.metrics.scores.check_score_matrix`; labels or
            ``allowed`` that do not fit the matrix.

    Example:
        >>> import numpy as np
        >>> from voxguard.metrics import bootstrap_speakers, eer
        >>> rng = np.random.default_rng(0)
        >>> enrolled = [f"s{i}" for i in range(12)]
        >>> trials = enrolled * 5
        >>> scores = rng.normal(size=(12, 60)) + 2.0 * np.equal.outer(enrolled, trials)
        >>> interval = bootstrap_speakers(eer, scores, enrolled, trials, seed=0)
        >>> interval.low < interval.value < interval.high
        True
    """
    pairs = _Pairs.take(scores, enrolled, trial_speakers, allowed)
    how = how_counted(metric)
    statistic = pairs.gathered(metric) if how is None else pairs.counted(how)
    return bootstrap(
        statistic,
        pairs.speakers,
        n=len(pairs.scores),
        seed=seed,
        resamples=resamples,
        level=level,
        fitted=None if how is None else how.fitted,
    )


class _Pairs:
    """The pairs of a matrix in ascending order, with the two speakers that each depends on."""

    def __init__(self, scores: Array, row: IntArray, column: IntArray, speakers: int) -> None:
        self.scores, self.row, self.speakers = scores, row, speakers
        self.mated = row == column
        # A mated pair occurs once for each copy of its speaker, and not once for each two copies;
        # its second factor is the 1 behind the multiplicities.
        self.column = np.where(self.mated, speakers, column)

    @classmethod
    def take(
        cls,
        scores: npt.ArrayLike,
        enrolled: Sequence[str],
        trial_speakers: Sequence[str],
        allowed: npt.ArrayLike | None,
    ) -> _Pairs:
        matrix = check_score_matrix(scores)
        chosen = np.ones(matrix.shape, np.bool_) if allowed is None else np.asarray(allowed)
        if matrix.shape != (len(enrolled), len(trial_speakers)) or chosen.shape != matrix.shape:
            raise ConfigurationError(
                f"scores of shape {matrix.shape} for {len(enrolled)} enrolled speakers, "
                f"{len(trial_speakers)} trials and allowed pairs of shape {chosen.shape}"
            )
        if chosen.dtype != np.bool_:
            raise ConfigurationError(f"allowed pairs are true or false, got {chosen.dtype.name}")
        names, of_label = np.unique([*enrolled, *trial_speakers], return_inverse=True)
        row, column = np.nonzero(chosen)
        values = matrix[chosen]
        order = np.argsort(values, kind="stable")
        of_row, of_column = of_label[: len(enrolled)], of_label[len(enrolled) :]
        return cls(values[order], of_row[row[order]], of_column[column[order]], len(names))

    def weights(self, times: IntArray) -> IntArray:
        """How often each pair occurs."""
        with_one = np.append(times, 1)
        product: IntArray = with_one[self.row] * with_one[self.column]
        return product

    def gathered(self, metric: Callable[[Array, Array], float]) -> Statistic:
        """The metric on the scores themselves, each repeated."""

        def statistic(times: IntArray) -> float:
            weights = self.weights(times)
            kinds = (
                np.repeat(self.scores[kind], weights[kind]) for kind in (self.mated, ~self.mated)
            )
            return metric(*kinds)

        return statistic

    def counted(self, how: OnCounts) -> Statistic:
        """The metric on counts, by adding up the weights of each level."""
        starts = level_starts(self.scores)
        if how.order_only and len(self.scores):
            once = np.ones(self.speakers, dtype=np.int64)
            starts = starts[self._counts(once, starts, self.scores[starts]).run_starts()]
        levels = self.scores[starts]

        def statistic(times: IntArray) -> float | None:
            counts = self._counts(times, starts, levels)
            if not counts.mated.any() or not counts.non_mated.any():
                kind = "non-mated" if counts.mated.any() else "mated"
                raise ConfigurationError(f"no {kind} pairs")
            return how.rule(counts)

        return statistic

    def _counts(self, times: IntArray, starts: npt.NDArray[np.intp], levels: Array) -> Counts:
        weights = self.weights(times)
        total = np.add.reduceat(weights, starts)
        mated = np.add.reduceat(np.where(self.mated, weights, 0), starts)
        return Counts(levels, mated, total - mated)
