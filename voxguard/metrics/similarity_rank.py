"""Similarity-rank disclosure: how many bits the rank of the true speaker gives away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voxguard.errors import ConfigurationError
from voxguard.metrics.ranks import Ranks
from voxguard.metrics.scores import Array

# Beyond these the fitted distribution is a point, or flat, to all digits that matter.
_LOG_BOUNDS = (-9.0, 9.0)


@dataclass(frozen=True)
class SimilarityRank:
    """What the ranks disclose.

    Attributes:
        max_bits: MaxD, of the rank that discloses most: ``log2 N + max log2 p(k)``.
        mean_bits: MeanD, on average: ``log2 N + sum p(k) log2 p(k)``.
        identification_rate: IdR, ``p(1)``.
        probabilities: ``(N,)`` the distribution of the rank, ``p(1)`` first.
    """

    max_bits: float
    mean_bits: float
    identification_rate: float
    probabilities: Array


def similarity_rank(ranks: Ranks, *, smooth: bool = True) -> SimilarityRank:
    r"""Similarity-rank disclosure (SRD): **lower is more private**, 0 bits is perfect.

    An attacker ranks all :math:`N` enrolled speakers by their likeness to a trial. That the true
    one comes at rank :math:`k` in a share :math:`p(k)` of trials, where chance has :math:`1/N`,
    discloses :math:`\log_2 N + \log_2 p(k)` bits of the :math:`\log_2 N` that name a speaker. It
    sees leaks that identification does not, such as true speakers who come last.

    The histogram of ranks is full of holes and peaks unless there are many trials a rank, and its
    maximum then discloses what is not there. So by default a beta-binomial distribution is fitted
    to it by maximum likelihood, which has but two parameters: it can fall, rise, bulge or sag
    (and cannot follow anything finer: use ``smooth=False`` where trials abound).

    Args:
        ranks: From :func:`~voxguard.metrics.ranks.rank_trials`; where speakers are tied, all
            places that a tie spans get their share.
        smooth: Fit the beta-binomial, or take the histogram as it is.

    Raises:
        ConfigurationError: Fewer than two enrolled speakers, or no trials.

    References:
        T. Bäckström et al., "Privacy disclosure of similarity rank in speech and language
        processing", arXiv 2508.05250, 2025.

    Example:
        >>> from voxguard.metrics import rank_trials, similarity_rank
        >>> ranks = rank_trials([[0.9, 0.2], [0.1, 0.6], [0.0, 0.3], [0.5, 0.5]], [0, 1])
        >>> similarity_rank(ranks, smooth=False).max_bits
        2.0
    """
    if ranks.enrolled < 2 or len(ranks) == 0:
        raise ConfigurationError(
            f"ranks need 2 enrolled speakers and a trial, got {ranks.enrolled} and {len(ranks)}"
        )
    p = _histogram(ranks)
    if smooth:
        p = _beta_binomial(p)
    with np.errstate(divide="ignore"):
        bits = np.log2(p * ranks.enrolled)
    mean = float(p[p > 0] @ bits[p > 0])
    return SimilarityRank(max(0.0, float(bits.max())), max(0.0, mean), float(p[0]), p)


def srd_max(ranks: Ranks, *, smooth: bool = True) -> float:
    """MaxD of :func:`similarity_rank`, bits."""
    return similarity_rank(ranks, smooth=smooth).max_bits


def srd_mean(ranks: Ranks, *, smooth: bool = True) -> float:
    """MeanD of :func:`similarity_rank`, bits."""
    return similarity_rank(ranks, smooth=smooth).mean_bits


def _histogram(ranks: Ranks) -> Array:
    share = 1.0 / (ranks.tied + 1)
    steps = np.zeros(ranks.enrolled + 1)
    np.add.at(steps, ranks.better, share)
    np.add.at(steps, ranks.better + ranks.tied + 1, -share)
    filled = np.maximum(np.cumsum(steps)[:-1], 0.0)
    p: Array = filled / filled.sum()
    return p


def _beta_binomial(share: Array) -> Array:
    """The beta-binomial distribution on 0 to N - 1 that makes these shares most likely."""
    from scipy.optimize import minimize
    from scipy.special import betaln, digamma, gammaln

    k = np.arange(len(share))
    n = len(share) - 1
    mean = float(share @ k)
    choose = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)

    def loss(logs: Array) -> tuple[float, Array]:
        a, b = np.exp(logs)
        likelihood = share @ betaln(k + a, n - k + b) - betaln(a, b)
        common = digamma(a + b) - digamma(n + a + b)
        slope_a = share @ digamma(k + a) - digamma(a) + common
        slope_b = share @ digamma(n - k + b) - digamma(b) + common
        return -float(likelihood), -np.array([a * slope_a, b * slope_b])

    centre = min(max(mean / n, 0.01), 0.99)
    start = np.log([2 * centre, 2 * (1 - centre)])
    fit = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[_LOG_BOUNDS] * 2)
    a, b = np.exp(fit.x)
    fitted = np.exp(choose + betaln(k + a, n - k + b) - betaln(a, b))
    p: Array = fitted / fitted.sum()
    return p
