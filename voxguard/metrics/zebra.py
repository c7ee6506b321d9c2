"""ZEBRA: how much evidence of identity the scores hold, for a population and at worst."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from voxguard.errors import ConfigurationError
from voxguard.metrics.counts import Counts, OnCounts, count, counted
from voxguard.metrics.rocch import pool_adjacent_violators

NO_PRIVACY_BITS = 1.0 / math.log(4.0)
_TAGS = (("A", 1.0), ("B", 2.0), ("C", 4.0), ("D", 5.0), ("E", 6.0))


def zebra_expected_of_counts(counts: Counts) -> float:
    """:func:`zebra_expected` from counts."""
    blocks = pool_adjacent_violators(counts)
    p, q = blocks.mated / counts.n_mated, blocks.non_mated / counts.n_non_mated
    both = (p > 0) & (q > 0)
    p, q = p[both], q[both]
    x = p / q - 1.0
    # p q over the logarithmic mean of p and q; log1p(x) / x keeps its digits where p is near q
    ratio = np.divide(np.log1p(x), x, out=np.ones_like(x), where=x != 0)
    return NO_PRIVACY_BITS * min(1.0, max(0.0, 1.0 - float(p @ ratio)))


@counted(OnCounts(zebra_expected_of_counts, order_only=True, fitted=(0.0, NO_PRIVACY_BITS)))
def zebra_expected(mated: npt.ArrayLike, non_mated: npt.ArrayLike) -> float:
    r"""Expected privacy disclosure of a population: **lower is more private**.

    The empirical cross-entropy (ECE) is the uncertainty about "mated" that is left to one who has
    seen the score, and knew it with prior :math:`\pi` before. ZEBRA integrates what the best
    calibrated scores (pooling adjacent violators) take away from it over all priors:

    .. math:: D_\mathrm{ECE} = \int_0^1 \mathrm{ECE}_0(\pi) - \mathrm{ECE}_\mathrm{min}(\pi)\,d\pi,
              \qquad \mathrm{ECE}_0(\pi) = -\pi\log_2\pi - (1-\pi)\log_2(1-\pi)

    With :math:`p_k, q_k` the shares of the mated and the non-mated pairs in block :math:`k` of the
    calibration, the integral has the closed form that is computed here:

    .. math:: D_\mathrm{ECE} = \frac{1}{\ln 4}\Bigl(1 - \sum_k \frac{p_k q_k}{L(p_k, q_k)}\Bigr),
              \qquad L(p, q) = \frac{p - q}{\ln p - \ln q},\quad L(p, p) = p

    (:math:`L` is the logarithmic mean; a block of one kind adds nothing.) 0 is perfect privacy,
    :math:`1/\ln 4 = 0.721` none. Calibrated on the scores that it judges, it leans towards the
    attacker where there are few.

    Args:
        mated: ``(n,)`` scores of mated pairs, higher for more alike.
        non_mated: ``(m,)`` scores of non-mated pairs.

    Returns:
        Bits, 0 to 0.721.

    Raises:
        ConfigurationError: See :func:`~voxguard.metrics.scores.check_scores`.

    References:
        A. Nautsch et al., "The privacy ZEBRA: zero evidence biometric recognition assessment",
        Interspeech 2020.

    Example:
        >>> from voxguard.metrics import zebra_expected
        >>> round(zebra_expected([1.0, 2.0], [0.0, -1.0]), 4)
        0.7213
        >>> zebra_expected([1.0, 2.0], [2.0, 1.0])
        0.0
    """
    return zebra_expected_of_counts(count(mated, non_mated))


def zebra_worst_of_counts(counts: Counts) -> float:
    """:func:`zebra_worst` from counts."""
    counts = counts.occupied()
    # Laplace's rule: before any pair was seen, one of each kind is granted on either side.
    ends = Counts(
        np.concatenate(([-np.inf], counts.levels, [np.inf])),
        np.concatenate(([1], counts.mated, [1])),
        np.concatenate(([1], counts.non_mated, [1])),
    )
    blocks = pool_adjacent_violators(ends)
    # A block of nothing but the granted pair is no evidence that anyone has given.
    total = blocks.mated + blocks.non_mated
    real = slice(1 if total[0] == 2 else None, -1 if total[-1] == 2 else None)
    odds = np.log10(blocks.mated[real] / blocks.non_mated[real])
    return float(np.abs(odds - math.log10(counts.n_mated / counts.n_non_mated)).max())


@counted(OnCounts(zebra_worst_of_counts, order_only=True))
def zebra_worst(mated: npt.ArrayLike, non_mated: npt.ArrayLike) -> float:
    r"""Worst-case privacy disclosure of one person: **lower is more private**, 0 is perfect.

    :math:`\max |\log_{10} \mathrm{LR}|` over all pairs, the ratios calibrated by pooling adjacent
    violators with Laplace's rule of succession (one pair of each kind is added below all scores and
    above all scores), which keeps them finite.

    It is the ratio in the most extreme block, which depends on how many pairs are in it: :math:`n`
    mated pairs that outscore all :math:`m` others give :math:`\log_{10}((n + 1)\,m / n)`, so ten
    times as many non-mated pairs add 1. And scores without any evidence give about 0.5, tag A, for
    some block always is extreme by chance. Compare only figures from equally many pairs, and read
    the interval with it.

    Args:
        mated: ``(n,)`` scores of mated pairs, higher for more alike.
        non_mated: ``(m,)`` scores of non-mated pairs.

    Returns:
        A decimal logarithm, 0 upwards; :func:`zebra_tag` puts it into words.

    Raises:
        ConfigurationError: See :func:`~voxguard.metrics.scores.check_scores`.

    References:
        A. Nautsch et al., "The privacy ZEBRA: zero evidence biometric recognition assessment",
        Interspeech 2020.

    Example:
        >>> from voxguard.metrics import zebra_worst
        >>> round(zebra_worst([2.0] * 10, [0.0] * 1000), 3)
        3.041
    """
    return zebra_worst_of_counts(count(mated, non_mated))


def zebra_tag(worst: float) -> str:
    """ZEBRA's category of a worst-case disclosure.

    Args:
        worst: What :func:`zebra_worst` gave, decimal logarithm of a likelihood ratio.

    Returns:
        ``"0"`` no evidence (ratio 1), ``"A"`` below 1, ``"B"`` below 2, ``"C"`` below 4, ``"D"``
        below 5, ``"E"`` below 6, else ``"F"``.

    Raises:
        ConfigurationError: Negative, or not a number.

    Example:
        >>> from voxguard.metrics import zebra_tag
        >>> zebra_tag(0.0), zebra_tag(0.7), zebra_tag(3.5), zebra_tag(6.0)
        ('0', 'A', 'C', 'F')
    """
    if not worst >= 0:
        raise ConfigurationError(f"a worst-case disclosure is 0 or more, got {worst}")
    if worst < 1e-12:
        return "0"
    return next((tag for tag, bound in _TAGS if worst < bound), "F")
