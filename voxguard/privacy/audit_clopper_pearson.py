"""The bound from independent canaries: exact intervals on both error rates."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from voxguard.errors import ConfigurationError
from voxguard.metrics import check_scores
from voxguard.privacy.audit_bound import EpsilonBound, check_delta, check_level, greatest
from voxguard.privacy.audit_families import ApproximateDP, Family

_LEAST_PASSED = 8


def clopper_pearson(
    included_scores: npt.ArrayLike,
    excluded_scores: npt.ArrayLike,
    delta: float,
    *,
    confidence: float = 0.95,
    family: Family | None = None,
    shares: tuple[float, ...] | None = None,
) -> EpsilonBound:
    r"""Lower bound on epsilon from the scores of canaries that were in and of others that were not.

    At a threshold with true-positive rate TPR and false-positive rate FPR every (epsilon, delta)-DP
    training has

    .. math:: \varepsilon \ge \log \max\left(\frac{\mathrm{TPR} - \delta}{\mathrm{FPR}},
              \frac{1 - \mathrm{FPR} - \delta}{1 - \mathrm{TPR}}\right)

    with the lower end of an exact interval of TPR, and the upper end of one of FPR, in their place.

    **Thresholds.** A threshold chosen because it looks best on the scores inflates the bound. Here
    they are settled before a score is seen: "so many of the excluded pass" (and, in the mirror
    image, "so many of the included fail") for shares 1/2, 1/4, 1/8 ... down to 8 canaries. The
    share that passes a threshold laid at the k-th of n scores has the distribution
    Beta(k, n - k + 1) whatever the scores' own is, so its exact upper limit is Clopper-Pearson's
    for k - 1 of n; the other rate is a binomial at a threshold that does not depend on it. With K
    thresholds each of the 2 K limits is taken at ``(1 - confidence) / (2 K)`` (Bonferroni).

    **Independence.** Within each kind scores have to be independent: of separate trainings, or of
    orthogonal white-box canaries in one training, where they are independent as long as the noise
    is what it is said to be (which is the claim on trial; see :mod:`voxguard.privacy.canaries`).
    For canaries that share a training in any other way take
    :func:`~voxguard.privacy.audit_one_run.one_run`, which does not need it.

    Args:
        included_scores: ``(n,)`` higher for "was in"; of canaries that the training saw.
        excluded_scores: ``(m,)`` of canaries that it did not see.
        delta: 0 to below 1.
        confidence: Between 0 and 1.
        family: The shape of the claim; None for (epsilon, delta) and nothing else. A curve such as
            :class:`~voxguard.privacy.audit_families.Releases` finds far smaller faults.
        shares: Other shares, settled beforehand, each between 0 and 1.

    Returns:
        The bound; ``guesses`` are all canaries.

    Raises:
        ConfigurationError: Fewer than 16 of a kind, scores that are no finite numbers, a number out
            of its range.

    References:
        C. Clopper, E. Pearson, "The use of confidence or fiducial limits illustrated in the case
        of the binomial", Biometrika 1934; M. Nasr et al., "Adversary instantiation: lower bounds
        for differentially private machine learning", IEEE S&P 2021.

    Example:
        >>> import numpy as np
        >>> from voxguard.privacy import clopper_pearson
        >>> noise = np.random.default_rng(0).normal(size=(2, 5000))
        >>> bound = clopper_pearson(noise[0] + 3.0, noise[1], delta=1e-5)
        >>> bool(2.0 < bound.lower < 15.0)  # noise multiplier 1/3: epsilon is 15.4
        True
    """
    included, excluded = check_scores(included_scores, excluded_scores)
    check_level(confidence)
    check_delta(delta)
    fewest = min(len(included), len(excluded))
    if fewest < 2 * _LEAST_PASSED:
        raise ConfigurationError(
            f"needs at least {2 * _LEAST_PASSED} canaries of a kind, got {len(included)} that were "
            f"in and {len(excluded)} that were not"
        )
    shape = ApproximateDP(delta) if family is None else family
    halvings = 2.0 ** -np.arange(1, 64)
    tried = np.asarray(halvings[halvings * fewest >= _LEAST_PASSED] if shares is None else shares)
    if tried.size == 0 or not ((tried > 0) & (tried < 1)).all():
        raise ConfigurationError(f"shares= takes numbers between 0 and 1, got {shares!r}")
    miss = (1.0 - confidence) / (2 * 2 * len(tried))
    above = _points(included, excluded, tried, miss)
    below = _points(-excluded, -included, tried, miss)
    # "An excluded one lies below t" in the mirror: rates of the negative guess, turned back.
    tpr_low = np.concatenate([above[0], 1.0 - below[1]])
    fpr_high = np.concatenate([above[1], 1.0 - below[0]])
    thresholds = np.concatenate([above[2], -below[2]])

    def margin(strength: float) -> npt.NDArray[np.float64]:
        above_limit: npt.NDArray[np.float64] = shape.least_fpr(strength)(tpr_low) - fpr_high
        return above_limit

    count = len(included) + len(excluded)
    common = (confidence, "clopper-pearson")
    if not (margin(0.0) > 0).any():
        return EpsilonBound(0.0, *common, None, 0, 0, count, delta, len(thresholds), shape.assumes)
    strength = greatest(lambda s: bool((margin(s) > 0).any()), 0.0, shape.most)
    decisive = int(np.argmax(margin(strength)))
    threshold = float(thresholds[decisive])
    mirrored = decisive >= len(above[0])
    called_in = [(s >= threshold) if mirrored else (s > threshold) for s in (included, excluded)]
    right = int(called_in[0].sum() + (~called_in[1]).sum())
    lower = shape.epsilon(strength, delta)
    return EpsilonBound(
        lower, *common, threshold, count, right, count, delta, len(thresholds), shape.assumes
    )


def _points(
    passing: npt.NDArray[np.float64],
    other: npt.NDArray[np.float64],
    shares: npt.NDArray[np.float64],
    miss: float,
) -> tuple[npt.NDArray[np.float64], ...]:
    """Least rate of `passing` above, greatest rate of `other` above, and the thresholds."""
    from scipy.stats import beta

    n, m = len(passing), len(other)
    ranks = np.maximum(1, np.floor(shares * m)).astype(int)
    thresholds = np.sort(other)[m - ranks]
    others_high = beta.ppf(1.0 - miss, ranks, m - ranks + 1)
    hits = n - np.searchsorted(np.sort(passing), thresholds, side="right")
    low = beta.ppf(miss, np.maximum(hits, 1), n - hits + 1)
    return np.where(hits > 0, low, 0.0), others_high, thresholds
