"""The bound from canaries that share one training, each in or out by the toss of a coin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from voxguard.errors import ConfigurationError
from voxguard.metrics import check_scores
from voxguard.privacy.audit_bound import EpsilonBound, check_delta, check_level, greatest
from voxguard.privacy.audit_families import ApproximateDP, Family

_LEAST_GUESSES = 16


def one_run(
    scores: npt.ArrayLike,
    included: npt.ArrayLike,
    delta: float,
    *,
    confidence: float = 0.95,
    family: Family | None = None,
    guesses: Sequence[tuple[int, int]] | None = None,
) -> EpsilonBound:
    r"""Lower bound on epsilon from one training with many canaries.

    Each of m canaries was in the training with probability 1/2, by a coin of its own. The auditor
    calls the :math:`k_+` highest scores "in" and the :math:`k_-` lowest "out" and is silent on the
    rest. If the training is (epsilon, delta)-DP, then of :math:`r = k_+ + k_-` guesses v or more
    are right with probability at most :func:`p_value`, however the canaries act on each other.

    **What is tried** is settled by m alone: :math:`r = m, m/2, m/4 \ldots` down to 16, half of the
    guesses at either end, and the same with the high end only; each is tested at
    ``(1 - confidence)`` over their number (Bonferroni). Tied scores are put in an order that has
    nothing to do with that of the arguments.

    **What it cannot show.** r guesses that are all right show at most
    :func:`~voxguard.privacy.audit_bound.most_certifiable` ``(r)``, 3.5 for a hundred and 7.4 for
    five thousand, before the correction.

    Args:
        scores: ``(m,)`` higher for "was in".
        included: ``(m,)`` whether it was; has to have been drawn by independent fair coins, not as
            half of the canaries exactly.
        delta: 0 to below 1.
        confidence: Between 0 and 1.
        family: The shape of the claim; None for (epsilon, delta) and nothing else. With a curve the
            bound on the right guesses is that of Mahloujifar et al. (2024) instead of Theorem 5.2.
        guesses: The pairs :math:`(k_+, k_-)` to try instead, settled beforehand.

    Returns:
        The bound.

    Raises:
        ConfigurationError: Arguments that do not go together, scores that are no finite numbers,
            fewer than 16 canaries, a number out of its range.

    References:
        T. Steinke, M. Nasr, M. Jagielski, "Privacy auditing with one (1) training run", NeurIPS
        2023, arXiv:2305.08846; S. Mahloujifar, L. Melis, K. Chaudhuri, "Auditing f-differential
        privacy in one run", ICML 2025, arXiv:2410.22235.

    Example:
        >>> import numpy as np
        >>> from voxguard.privacy import one_run
        >>> rng = np.random.default_rng(0)
        >>> included = rng.random(2000) < 0.5
        >>> bound = one_run(rng.normal(size=2000) + 3.0 * included, included, delta=1e-5)
        >>> bool(2.0 < bound.lower < 15.0)  # noise multiplier 1/3: epsilon is 15.4
        True
    """
    values, was_in = _checked(scores, included)
    check_level(confidence)
    check_delta(delta)
    m = len(values)
    pairs = _pairs(m) if guesses is None else [(int(k), int(j)) for k, j in guesses]
    if not pairs or any(k < 0 or j < 0 or not 1 <= k + j <= m for k, j in pairs):
        raise ConfigurationError(
            f"guesses= takes pairs (called in, called out) of 1 to {m} together, got {guesses!r}"
        )
    order = _order(values)
    hits = np.concatenate([[0], np.cumsum(was_in[order[::-1]])])
    misses = np.concatenate([[0], np.cumsum(~was_in[order])])
    shape = ApproximateDP(delta) if family is None else family
    level = (1.0 - confidence) / len(pairs)
    best, chosen = 0.0, None
    for called_in, called_out in pairs:
        made = called_in + called_out
        right = int(hits[called_in] + misses[called_out])

        def refuted(strength: float, made: int = made, right: int = right) -> bool:
            if family is None:
                return p_value(m, made, right, strength, delta) < level
            return _too_many_right(m, made, right, shape.least_fpr(strength), level)

        if 2 * right > made and refuted(best):
            best = greatest(refuted, best, shape.most)
            chosen = called_in, called_out, right
    common = (confidence, "one-run")
    if chosen is None:
        return EpsilonBound(0.0, *common, None, 0, 0, m, delta, len(pairs), shape.assumes)
    called_in, called_out, right = chosen
    threshold = values[order[m - called_in]] if called_in else values[order[called_out - 1]]
    return EpsilonBound(
        shape.epsilon(best, delta),
        *common,
        float(threshold),
        called_in + called_out,
        right,
        m,
        delta,
        len(pairs),
        shape.assumes,
    )


def p_value(m: int, guesses: int, correct: int, epsilon: float, delta: float) -> float:
    r"""Greatest probability of so many right guesses under (epsilon, delta)-DP.

    Theorem 5.2 of Steinke et al.: with W binomial of `guesses` and
    :math:`e^\varepsilon / (1 + e^\varepsilon)`,

    .. math:: \Pr\{W \ge v\} + 2 m \delta \max_{1 \le i \le m}
              \frac{\Pr\{v > W \ge v - i\}}{i}

    Args:
        m: Canaries.
        guesses: Of them, those on which a guess was made.
        correct: Right guesses, v.
        epsilon: The claim.
        delta: The claim's delta.

    Returns:
        0 to 1.

    Example:
        >>> from voxguard.privacy.audit_one_run import p_value
        >>> round(p_value(10, 10, 10, epsilon=0.0, delta=0.0) * 1024, 6)
        1.0
    """
    from scipy.special import bdtrc, expit

    share = expit(epsilon)
    beyond = float(bdtrc(correct - 1, guesses, share)) if correct > 0 else 1.0
    if delta == 0.0 or correct == 0:
        return min(1.0, beyond)
    steps = np.arange(1, correct + 1)
    reached = np.append(bdtrc(correct - 1 - steps[:-1], guesses, share), 1.0)
    return float(min(1.0, beyond + 2 * m * delta * np.max((reached - beyond) / steps)))


def _too_many_right(
    m: int, guesses: int, correct: int, least_fpr: Callable[[Any], Any], level: float
) -> bool:
    r"""Whether `correct` right guesses or more have a probability below `level` under a curve.

    Let :math:`p_i` be the probability of exactly i right guesses of r. Turning the coin of one
    canary turns "right, and i - 1 of the others right" into "wrong, and i - 1 of the others right".
    Averaged over the canaries the two have the probabilities :math:`i p_i / m` and
    :math:`(r - i + 1) p_{i - 1} / m`, and so has any union over i; f-DP, whose curve is convex,
    gives for each t

    .. math:: H_{t-1} \ge g(R_t), \quad R_t = \sum_{i \ge t} \tfrac{i}{m} p_i, \quad
              H_t = \sum_{i \ge t} \tfrac{r - i}{m} p_i

    with g the least false-positive rate at a true-positive rate. If v or more had probability
    `level`, how little could the :math:`p_i` sum to? Least with all of it on v itself, and from
    there down with no more on each t than the inequality asks for: mass put higher than needed
    raises R as well as H and saves less further down than it costs. If even that sums to more than
    1, it cannot be.
    """
    right = level * correct / m
    wrong = level * (guesses - correct) / m
    for i in range(correct - 1, -1, -1):
        needed = max(wrong, float(least_fpr(min(1.0, right))))
        right += i / (guesses - i) * (needed - wrong)
        wrong = needed
        if right + wrong > guesses / m:
            return True
    return False


def _pairs(m: int) -> list[tuple[int, int]]:
    """Both ends, and the high end alone, for m, m/2, m/4 ... guesses."""
    pairs: list[tuple[int, int]] = []
    made = m
    while made >= _LEAST_GUESSES:
        pairs += [((made + 1) // 2, made // 2)]
        if made // 2 >= _LEAST_GUESSES:
            pairs += [(made // 2, 0)]
        made //= 2
    return pairs


def _order(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    """From the lowest to the highest; ties by lot, for they may come sorted by the coin."""
    lot = np.random.default_rng(len(scores)).permutation(len(scores))
    return np.lexsort((lot, scores))


def _checked(
    scores: npt.ArrayLike, included: npt.ArrayLike
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    values, _ = check_scores(scores, [0.0])
    was_in = np.asarray(included)
    if was_in.dtype != np.bool_ or was_in.shape != values.shape:
        raise ConfigurationError(
            f"included= takes one truth value a score, got {was_in.dtype.name} of shape "
            f"{was_in.shape} for scores of shape {values.shape}"
        )
    if len(values) < _LEAST_GUESSES:
        raise ConfigurationError(
            f"needs at least {_LEAST_GUESSES} canaries, got {len(values)}; with fewer nothing can "
            "be shown"
        )
    return values, was_in
