"""The convex hull of the ROC, which is what the best calibration of the scores achieves."""

from __future__ import annotations

import numpy.typing as npt

from voxguard.metrics.counts import Counts, OnCounts, count, counted
from voxguard.metrics.eer import eer_of_counts
from voxguard.metrics.scores import Array


def pool_adjacent_violators(counts: Counts) -> Counts:
    """Merge neighbouring levels until the share of mated pairs rises with the score.

    The blocks are the edges of the convex hull of the ROC, and the share in a block is the
    maximum-likelihood estimate of an increasing probability of "mated". O(n).

    References:
        M. Ayer et al., "An empirical distribution function for sampling with incomplete
        information", Annals of Mathematical Statistics, 1955.

    Example:
        >>> from voxguard.metrics import count, pool_adjacent_violators
        >>> blocks = pool_adjacent_violators(count([1.0, 3.0], [0.0, 2.0]))
        >>> blocks.mated, blocks.non_mated
        (array([0, 1, 1]), array([1, 1, 0]))
    """
    from scipy.optimize import isotonic_regression

    occupied = counts.occupied()
    total = occupied.mated + occupied.non_mated
    fit = isotonic_regression(occupied.mated / total, weights=total)
    return occupied.merged(fit.blocks[:-1])


def rocch(mated: npt.ArrayLike, non_mated: npt.ArrayLike) -> tuple[Array, Array]:
    """Corners of the convex hull of the ROC.

    Args:
        mated: ``(n,)`` scores of mated pairs.
        non_mated: ``(m,)`` scores of non-mated pairs.

    Returns:
        False-match and false-non-match rates, ``(k,)`` each, from (1, 0) to (0, 1).

    Raises:
        ConfigurationError: See :func:`~voxguard.metrics.scores.check_scores`.

    Example:
        >>> from voxguard.metrics import rocch
        >>> rocch([1.0, 3.0], [0.0, 2.0])
        (array([1. , 0.5, 0. , 0. ]), array([0. , 0. , 0.5, 1. ]))
    """
    return pool_adjacent_violators(count(mated, non_mated)).operating_points()


def rocch_eer_of_counts(counts: Counts) -> float:
    """:func:`rocch_eer` from counts."""
    return eer_of_counts(pool_adjacent_violators(counts))


@counted(OnCounts(rocch_eer_of_counts, order_only=True))
def rocch_eer(mated: npt.ArrayLike, non_mated: npt.ArrayLike) -> float:
    r"""Equal error rate on the convex hull of the ROC: **higher is more private**, chance 0.5.

    The hull is convex, so this is the largest error that an attacker with the best threshold
    suffers over all priors, :math:`\max_\pi \min_t \pi\,\mathrm{FNMR} + (1-\pi)\,\mathrm{FMR}`. It
    is never above :func:`~voxguard.metrics.eer.eer`, nor above 0.5. The hull is fitted to the very
    scores it is judged on, which makes it optimistic for the attacker when there are few.

    Args:
        mated: ``(n,)`` scores of mated pairs.
        non_mated: ``(m,)`` scores of non-mated pairs.

    Returns:
        0 to 0.5.

    Raises:
        ConfigurationError: See :func:`~voxguard.metrics.scores.check_scores`.

    References:
        N. Brümmer and E. de Villiers, "The BOSARIS toolkit user guide: theory, algorithms and
        code for binary classifier score processing", 2011.

    Example:
        >>> from voxguard.metrics import eer, rocch_eer
        >>> scores = [1.0, 3.0], [0.0, 2.0]
        >>> eer(*scores), rocch_eer(*scores)
        (0.5, 0.25)
    """
    return rocch_eer_of_counts(count(mated, non_mated))
