"""Cost of log-likelihood ratios: what the scores are worth as evidence, over all priors."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from voxguard.metrics.counts import Counts, OnCounts, count, counted
from voxguard.metrics.rocch import pool_adjacent_violators
from voxguard.metrics.scores import check_scores


def cllr_of_counts(counts: Counts) -> float:
    """:func:`cllr` from counts."""
    mated, non_mated = counts.mated > 0, counts.non_mated > 0
    miss = counts.mated[mated] @ np.logaddexp(0.0, -counts.levels[mated])
    false = counts.non_mated[non_mated] @ np.logaddexp(0.0, counts.levels[non_mated])
    return float((miss / counts.n_mated + false / counts.n_non_mated) / math.log(4.0))


@counted(OnCounts(cllr_of_counts, order_only=False))
def cllr(mated: npt.ArrayLike, non_mated: npt.ArrayLike) -> float:
    r"""Cost of the log-likelihood ratios as they are: **higher is more private**.

    .. math:: C_\mathrm{llr} = \frac12\Bigl[
              \frac1n\sum_{\text{mated}} \log_2(1 + e^{-s})
              + \frac1m\sum_{\text{non-mated}} \log_2(1 + e^{s})\Bigr]

    1 bit is what scores of 0 cost, that is, no evidence. More than 1 is worse than silence: the
    scores claim more than they know. So it says something of an attacker only if the scores are
    log-likelihood ratios; cosine similarities first go through
    :func:`~voxguard.metrics.calibration.linear_calibration`, fitted on other speakers.

    Args:
        mated: ``(n,)`` natural-logarithm likelihood ratios of mated pairs.
        non_mated: ``(m,)`` the same of non-mated pairs.

    Returns:
        Bits, 0 upwards.

    Raises:
        ConfigurationError: See :func:`~voxguard.metrics.scores.check_scores`.

    References:
        N. Brümmer and J. du Preez, "Application-independent evaluation of speaker detection",
        Computer Speech & Language, 2006.

    Example:
        >>> from voxguard.metrics import cllr
        >>> cllr([0.0], [0.0])
        1.0
        >>> round(cllr([2.0, 800.0], [-3.0, -800.0]), 4)
        0.0633
    """
    same, different = check_scores(mated, non_mated)
    miss, false = np.logaddexp(0.0, -same).mean(), np.logaddexp(0.0, different).mean()
    return float((miss + false) / math.log(4.0))


def min_cllr_of_counts(counts: Counts) -> float:
    """:func:`min_cllr` from counts."""
    blocks = pool_adjacent_violators(counts)
    mated = blocks.mated / counts.n_mated
    non_mated = blocks.non_mated / counts.n_non_mated
    both = (mated > 0) & (non_mated > 0)  # a block of one kind costs nothing
    mated, non_mated = mated[both], non_mated[both]
    cost = mated @ np.log2(1 + non_mated / mated) + non_mated @ np.log2(1 + mated / non_mated)
    return min(1.0, float(cost / 2))


@counted(OnCounts(min_cllr_of_counts, order_only=True, fitted=(0.0, 1.0)))
def min_cllr(mated: npt.ArrayLike, non_mated: npt.ArrayLike) -> float:
    r"""Cost of the log-likelihood ratios after the best calibration: **higher is more private**.

    :func:`cllr` of the best increasing function of the scores, found by pooling adjacent violators.
    With :math:`p_k, q_k` the shares of the mated and the non-mated pairs in block :math:`k`,

    .. math:: C_\mathrm{llr}^\mathrm{min} = \frac12 \sum_k
              p_k\log_2\Bigl(1 + \frac{q_k}{p_k}\Bigr) + q_k\log_2\Bigl(1 + \frac{p_k}{q_k}\Bigr),

    one minus the Jensen-Shannon divergence of the two. 1 bit is perfect privacy, 0 none. Fitted to
    the scores it judges, it leans towards the attacker where there are few: without any evidence,
    20 mated and 200 non-mated pairs give 0.95 on average, 100 and 1000 give 0.99.

    Args:
        mated: ``(n,)`` scores of mated pairs, higher for more alike.
        non_mated: ``(m,)`` scores of non-mated pairs.

    Returns:
        Bits, 0 to 1.

    Raises:
        ConfigurationError: See :func:`~voxguard.metrics.scores.check_scores`.

    References:
        N. Brümmer and J. du Preez, "Application-independent evaluation of speaker detection",
        Computer Speech & Language, 2006.

    Example:
        >>> from voxguard.metrics import min_cllr
        >>> min_cllr([1.0, 3.0], [0.0, 2.0])
        0.5
    """
    return min_cllr_of_counts(count(mated, non_mated))
