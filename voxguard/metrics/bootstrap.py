"""Confidence intervals: how far a figure would move with other speakers.

Utterances of one speaker resemble each other, and so do all pairs that one speaker is part of. So
speakers are drawn again, with replacement, and everything that belongs to a speaker goes along; an
interval from pairs drawn one by one would be several times too narrow.

References:
    B. Efron and R. Tibshirani, "An introduction to the bootstrap", 1993.
    R. M. Bolle et al., "Error analysis of pattern recognition systems: the subsets bootstrap",
    Computer Vision and Image Understanding, 2004.
    N. Poh and S. Bengio, "Estimating the confidence interval of expected performance curve in
    biometric authentication using joint bootstrap", ICASSP 2007.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from voxguard.errors import ConfigurationError
from voxguard.metrics.scores import IntArray

MOST_UNDEFINED = 0.1


@dataclass(frozen=True)
class Interval:
    """A figure with its confidence interval.

    Attributes:
        value: The figure on the data as they are; None where it is undefined.
        low: Lower end of the interval; None where there is no interval.
        high: Upper end.
        n: Pairs, trials or utterances that it comes from.
        groups: Speakers that it comes from.
        undefined: Resamples for which the metric was undefined and which were left out.
        why: Why there is no figure or no interval.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    groups: int
    undefined: int = 0
    why: str = ""

    def figure(self) -> dict[str, Any]:
        """As it goes into the results: ``value``, ``low``, ``high``, ``n``, and ``why`` if any."""
        shown = {"value": self.value, "low": self.low, "high": self.high, "n": self.n}
        return {**shown, "why": self.why} if self.why else shown


def bootstrap(
    statistic: Callable[[IntArray], float | None],
    groups: int,
    *,
    n: int,
    seed: int,
    resamples: int = 1000,
    level: float = 0.95,
    fitted: tuple[float, float] | None = None,
) -> Interval:
    """Interval of a statistic of multiplicities; what the other bootstraps are made of.

    The interval is the percentile interval. For a statistic that fits something to the data and
    takes its errors for evidence (``min_cllr``, ``zebra_expected``, ``d_sys``), resamples, which
    hold fewer different speakers, are off by as much again as the value is; there it is the basic
    interval, the percentile interval reflected at the value, which takes the error out instead of
    doubling it. Either is widened to hold the value itself. With few speakers both are too narrow
    all the same.

    Args:
        statistic: Takes how often each group was drawn, ``(groups,)``, sum ``groups``. Undefined
            where it gives None or no finite number, or raises ConfigurationError.
        groups: How many there are.
        n: Observations in all, for the record.
        seed: Same seed, same interval.
        resamples: How many, at least 1.
        level: Confidence, between 0 and 1.
        fitted: The range of values of such a statistic; None for all others.

    Returns:
        The interval. No ends where there is but one group, or more than a tenth of the resamples
        are undefined; no value where the data themselves are.

    Raises:
        ConfigurationError: A number out of its range.

    Example:
        >>> import numpy as np
        >>> from voxguard.metrics import bootstrap
        >>> heights = np.array([1.6, 1.7, 1.8, 1.9])
        >>> mean = lambda times: float(times @ heights / times.sum())
        >>> interval = bootstrap(mean, 4, n=4, seed=0)
        >>> round(interval.value, 2), round(interval.low, 2), round(interval.high, 2)
        (1.75, 1.65, 1.85)
    """
    if resamples < 1 or not 0.0 < level < 1.0 or groups < 1:
        raise ConfigurationError(
            "needs at least 1 resample, 1 group and a level between 0 and 1; got "
            f"{resamples}, {groups} and {level}"
        )
    value, reason = _evaluate(statistic, np.ones(groups, dtype=np.int64))
    if value is None:
        return Interval(None, None, None, n, groups, why=reason)
    if groups < 2:
        return Interval(value, None, None, n, groups, why="one speaker has no interval")
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(groups, np.full(groups, 1.0 / groups), size=resamples)
    results = [_evaluate(statistic, times)[0] for times in draws]
    defined = [result for result in results if result is not None]
    undefined = resamples - len(defined)
    if undefined > MOST_UNDEFINED * resamples:
        why = f"undefined for {undefined} of {resamples} resamples: too few speakers"
        return Interval(value, None, None, n, groups, undefined, why)
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    if fitted is not None:
        low, high = np.clip((2 * value - high, 2 * value - low), *fitted)
    ends = min(float(low), value), max(float(high), value)
    return Interval(value, *ends, n, groups, undefined)


def bootstrap_groups(
    statistic: Callable[[Any], float | None],
    values: npt.ArrayLike,
    groups: Sequence[str],
    *,
    seed: int,
    resamples: int = 1000,
    level: float = 0.95,
) -> Interval:
    """Interval of a statistic of values that belong to speakers.

    Args:
        statistic: Takes some of ``values``, ``(m, ...)``, and gives a number, such as ``np.mean``
            or :func:`~voxguard.metrics.wer.error_rate`. Undefined as for :func:`bootstrap`.
        values: ``(n, ...)`` one an utterance or trial: a number, a pair (edits, words), a pair
            (truth, prediction), an index ...
        groups: ``(n,)`` its speaker.
        seed: Same seed, same interval.
        resamples: How many, at least 1.
        level: Confidence, between 0 and 1.

    Raises:
        ConfigurationError: No values, or not one group a value; and as for :func:`bootstrap`.

    Example:
        >>> import numpy as np
        >>> from voxguard.metrics import bootstrap_groups
        >>> interval = bootstrap_groups(np.mean, [0.0, 0.0, 1.0, 1.0], ["a", "a", "b", "b"], seed=0)
        >>> interval.value, interval.low, interval.high, interval.n, interval.groups
        (0.5, 0.0, 1.0, 4, 2)
    """
    array = np.asarray(values)
    of_value, n_groups = _places(array, groups)

    def resampled(times: IntArray) -> float | None:
        return statistic(array[np.repeat(np.arange(len(array)), times[of_value])])

    return bootstrap(resampled, n_groups, n=len(array), seed=seed, resamples=resamples, level=level)


def bootstrap_difference(
    statistic: Callable[[Any], float | None],
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    groups: Sequence[str],
    *,
    seed: int,
    resamples: int = 1000,
    level: float = 0.95,
) -> Interval:
    """Interval of ``statistic(first) - statistic(second)`` on the same utterances.

    Both are taken on the same resample, so what the utterances share drops out: the interval is
    narrower than two intervals compared, and if it leaves 0 out, the systems differ.

    Args:
        statistic: As for :func:`bootstrap_groups`.
        first: ``(n, ...)`` values of one system.
        second: ``(n, ...)`` of the other, in the same order.
        groups: ``(n,)`` speaker of each utterance.
        seed: Same seed, same interval.
        resamples: How many, at least 1.
        level: Confidence, between 0 and 1.

    Raises:
        ConfigurationError: Values that do not pair up; and as for :func:`bootstrap_groups`.

    Example:
        >>> import numpy as np
        >>> from voxguard.metrics import bootstrap_difference
        >>> interval = bootstrap_difference(np.mean, [3.0, 7.0], [2.0, 6.0], ["a", "b"], seed=0)
        >>> interval.low, interval.high
        (1.0, 1.0)
    """
    one, other = np.asarray(first), np.asarray(second)
    if one.shape[:1] != other.shape[:1]:
        raise ConfigurationError(
            f"a difference needs the same utterances, got {one.shape} and {other.shape}"
        )
    of_value, n_groups = _places(one, groups)

    def resampled(times: IntArray) -> float | None:
        chosen = np.repeat(np.arange(len(one)), times[of_value])
        results = statistic(one[chosen]), statistic(other[chosen])
        return None if results[0] is None or results[1] is None else results[0] - results[1]

    return bootstrap(resampled, n_groups, n=len(one), seed=seed, resamples=resamples, level=level)


def _places(values: npt.NDArray[Any], groups: Sequence[str]) -> tuple[IntArray, int]:
    """Number of the group of each value, and how many groups there are."""
    if values.ndim == 0 or len(values) != len(groups) or len(values) == 0:
        raise ConfigurationError(
            f"needs one group a value, got {len(groups)} groups for values of shape {values.shape}"
        )
    names, of_value = np.unique(np.asarray(groups), return_inverse=True)
    return of_value.astype(np.int64), len(names)


def _evaluate(
    statistic: Callable[[IntArray], float | None], times: IntArray
) -> tuple[float | None, str]:
    try:
        result = statistic(times)
    except ConfigurationError as error:
        return None, str(error)
    if result is None or not math.isfinite(result):
        return None, f"the metric gave {result}"
    return float(result), ""
