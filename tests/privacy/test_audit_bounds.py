"""The bounds hold as often as they say, and would not without their corrections."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.special import expit
from scipy.stats import binom

from voxguard.errors import ConfigurationError
from voxguard.privacy import Mechanism, clopper_pearson, one_run
from voxguard.privacy.audit_bound import EpsilonBound, most_certifiable
from voxguard.privacy.audit_families import ApproximateDP, Releases
from voxguard.privacy.audit_one_run import _pairs, _too_many_right, p_value

pytest.importorskip("dp_accounting")

EPSILON = 1.0


@dataclass(frozen=True)
class Strength(Releases):
    """The claimed releases, told by strength: quicker than epsilon, and 1 is the truth."""

    def epsilon(self, strength, delta):
        return strength


# A Gaussian release whose epsilon is about 1 at delta 1e-5.
GAUSSIAN = Strength((Mechanism(noise_multiplier=3.73, sampling_rate=1.0, steps=1),))


def gaussian(rng, included):
    return rng.normal(size=len(included)) + included / 3.73


def randomised_response(rng, included):
    """Tight for (epsilon, 0): as many guesses are right as may be, at every threshold."""
    truthful = rng.random(len(included)) < expit(EPSILON)
    return np.where(included == truthful, 1.0, -1.0) * rng.exponential(size=len(included))


def share_above(truth, simulations, m, draw, bound):
    above = 0
    for seed in range(simulations):
        rng = np.random.default_rng(seed)
        included = rng.random(m) < 0.5
        above += bound(draw(rng, included), included) > truth
    return above / simulations


def most_by_chance(simulations, rate=0.05):
    """More than that is seen once in a thousand times if the rate is as it should be."""
    return binom.ppf(0.999, simulations, rate) / simulations


SIMULATIONS = 400


def test_one_run_holds_as_often_as_it_says_and_not_without_the_correction():
    def corrected(scores, included):
        return one_run(scores, included, 0.0).lower

    def best_of_all(scores, included):
        return max(one_run(scores, included, 0.0, guesses=[p]).lower for p in _pairs(len(scores)))

    limit = most_by_chance(SIMULATIONS)
    draw = randomised_response
    assert share_above(EPSILON, SIMULATIONS, 2000, draw, corrected) <= limit
    assert share_above(EPSILON, SIMULATIONS, 2000, draw, best_of_all) > limit
    # And it does get near.
    assert share_above(0.8 * EPSILON, 100, 2000, draw, corrected) > 0.5


def test_clopper_pearson_holds_as_often_as_it_says_and_not_without_the_correction():
    def corrected(scores, included):
        return clopper_pearson(scores[included], scores[~included], 0.0).lower

    def best_of_all(scores, included):
        # A confidence of 0.8 for two thresholds with two limits each: every limit at 0.95.
        return max(
            clopper_pearson(
                scores[included], scores[~included], 0.0, shares=(share,), confidence=0.8
            ).lower
            for share in np.linspace(0.02, 0.5, 25)
        )

    limit = most_by_chance(SIMULATIONS)
    draw = randomised_response
    assert share_above(EPSILON, SIMULATIONS, 1000, draw, corrected) <= limit
    assert share_above(EPSILON, SIMULATIONS, 1000, draw, best_of_all) > limit
    assert share_above(0.5 * EPSILON, 100, 1000, draw, corrected) > 0.5


def test_both_hold_against_the_curve_of_a_gaussian_and_not_without_the_correction():
    def intervals(scores, included):
        return clopper_pearson(scores[included], scores[~included], 1e-5, family=GAUSSIAN).lower

    def guesses(scores, included):
        return one_run(scores, included, 1e-5, family=GAUSSIAN).lower

    def best_of_all(scores, included):
        kinds = scores[included], scores[~included]
        shares = np.linspace(0.02, 0.5, 13)
        return max(
            clopper_pearson(*kinds, 1e-5, family=GAUSSIAN, shares=(share,), confidence=0.8).lower
            for share in shares
        )

    assert share_above(1.0, 200, 1000, gaussian, intervals) <= most_by_chance(200)
    assert share_above(1.0, 40, 1000, gaussian, guesses) <= most_by_chance(40)
    assert share_above(1.0, 200, 1000, gaussian, best_of_all) > 0.05
    # Of half the noise, a strength of 2, most is found with 4000 canaries.
    assert share_above(1.0, 20, 4000, lambda r, i: gaussian(r, 2 * i), intervals) == 1.0


@pytest.mark.parametrize(("guesses", "most"), [(20, 1.8), (100, 3.5), (500, 5.1), (5000, 7.4)])
def test_so_many_guesses_certify_no_more(guesses, most):
    assert most_certifiable(guesses) == pytest.approx(most, abs=0.05)
    included = np.arange(guesses) % 2 == 0
    bound = one_run(included.astype(float), included, 0.0, guesses=[(guesses // 2, guesses // 2)])
    assert bound.lower == pytest.approx(most_certifiable(guesses), rel=2e-4)
    assert (bound.guesses, bound.correct, bound.tried) == (guesses, guesses, 1)
    assert one_run(included.astype(float), included, 0.0).lower <= bound.lower


@pytest.mark.parametrize("delta", [0.0, 1e-5, 1e-3, 0.05])
@pytest.mark.parametrize(("m", "r", "v"), [(20, 20, 18), (500, 60, 45), (500, 500, 300), (9, 3, 3)])
def test_p_value_is_that_of_the_theorem(m, r, v, delta):
    for epsilon in (0.0, 0.7, 2.0):
        q = math.exp(epsilon) / (1 + math.exp(epsilon))
        chances = binom.pmf(np.arange(r + 1), r, q)
        beta = chances[v:].sum()
        alpha = max(chances[max(0, v - i) : v].sum() / i for i in range(1, m + 1))
        expected = min(1.0, beta + 2 * m * delta * alpha)
        assert p_value(m, r, v, epsilon, delta) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("claim", [(0.3, 0.0), (1.0, 0.0), (1.0, 0.01), (0.5, 0.05)])
@pytest.mark.parametrize(("m", "r", "v"), [(8, 8, 7), (12, 8, 6), (30, 12, 11)])
def test_guesses_under_a_curve_are_as_a_linear_programme_has_them(claim, m, r, v):
    epsilon, delta = claim
    ratio = math.exp(epsilon)
    i = np.arange(r + 1)
    rows, limits = [], []
    for t in range(1, r + 1):
        reached, missed = (i >= t) * i / m, (i >= t - 1) * (r - i) / m
        rows += [reached - ratio * missed, -missed + ratio * reached]
        limits += [delta, -(1 - delta - ratio)]
    found = linprog(
        -(i >= v).astype(float), A_ub=rows, b_ub=limits, A_eq=[np.ones(r + 1)], b_eq=[1.0]
    )
    most = -found.fun
    curve = ApproximateDP(delta).least_fpr(epsilon)
    assert _too_many_right(m, r, v, curve, most * 1.001)
    assert not _too_many_right(m, r, v, curve, most * 0.999)


@pytest.mark.parametrize("strength", [0.5, 1.0, 3.0])
def test_the_curve_of_the_accountant_is_that_of_the_gaussian(strength):
    exact = Releases((Mechanism(4.0, 1.0, 3),)).least_fpr(strength)
    numeric = Releases((Mechanism(4.0, 1.0 - 1e-9, 3),)).least_fpr(strength)
    tpr = np.linspace(0.01, 0.99, 50)
    assert np.all(numeric(tpr) <= exact(tpr) + 1e-9)
    np.testing.assert_allclose(numeric(tpr), exact(tpr), atol=3e-3)


def test_sampling_makes_the_curve_tighter():
    sampled = Releases((Mechanism(1.0, 0.1, 5),)).least_fpr(1.0)
    full = Releases((Mechanism(1.0, 1.0, 5),)).least_fpr(1.0)
    assert sampled(0.5) > 2 * full(0.5)


def test_order_and_ties_carry_nothing_about_the_coin():
    included = np.arange(1000) < 500
    for coin in (included, ~included, np.arange(1000) % 2 == 0):
        assert one_run(np.zeros(1000), coin, 0.0).lower == 0.0
        assert clopper_pearson(np.zeros(500), np.zeros(500), 0.0).lower == 0.0


def test_a_perfect_attack_on_few_values_counts():
    included = np.arange(1000) % 2 == 0
    scores = included.astype(float)
    assert one_run(scores, included, 1e-5).lower > 3.0
    assert clopper_pearson(scores[included], scores[~included], 1e-5).lower > 3.0
    # High scores for "was out" are no attack.
    assert one_run(-scores, included, 1e-5).lower == 0.0
    assert clopper_pearson(scores[~included], scores[included], 1e-5).lower == 0.0


def test_both_directions_count():
    rng = np.random.default_rng(0)
    # One in ten of those who were in cannot be missed; all others look alike.
    sure = np.concatenate([np.full(200, 9.0), rng.normal(size=1800)])
    rest = rng.normal(size=2000)
    assert clopper_pearson(sure, rest, 1e-5).lower > 1.5
    assert clopper_pearson(-rest, -sure, 1e-5).lower > 1.5
    # At a delta above 0.1 that is nothing.
    assert clopper_pearson(sure, rest, 0.15).lower == 0.0


@pytest.mark.parametrize("claim", [-1.0, math.nan])
def test_a_claim_is_a_claim(claim):
    bound = EpsilonBound(0.5, 0.95, "one-run", None, 0, 0, 10, 0.0, 1)
    assert not bound.contradicts(0.5)
    assert bound.contradicts(0.4)
    with pytest.raises(ConfigurationError, match="0 or more"):
        bound.contradicts(claim)


def test_what_cannot_be_used_is_refused():
    scores, coins = np.arange(100.0), np.arange(100) % 2 == 0
    with pytest.raises(ConfigurationError, match="one truth value a score"):
        one_run(scores, coins.astype(int), 0.0)
    with pytest.raises(ConfigurationError, match="one truth value a score"):
        one_run(scores, coins[:50], 0.0)
    with pytest.raises(ConfigurationError, match="at least 16"):
        one_run(scores[:15], coins[:15], 0.0)
    with pytest.raises(ConfigurationError, match="not finite"):
        one_run(np.full(100, np.nan), coins, 0.0)
    with pytest.raises(ConfigurationError, match="guesses="):
        one_run(scores, coins, 0.0, guesses=[(60, 60)])
    with pytest.raises(ConfigurationError, match="confidence="):
        one_run(scores, coins, 0.0, confidence=1.0)
    with pytest.raises(ConfigurationError, match="delta="):
        one_run(scores, coins, 1.0)
    with pytest.raises(ConfigurationError, match="at least 16"):
        clopper_pearson(scores, scores[:15], 0.0)
    with pytest.raises(ConfigurationError, match="shares="):
        clopper_pearson(scores, scores, 0.0, shares=(1.5,))
    with pytest.raises(ConfigurationError, match="infinite"):
        Releases((Mechanism(0.0, 1.0, 1),))
    with pytest.raises(ConfigurationError, match="no step"):
        Releases(())
    with pytest.raises(ConfigurationError, match="guesses="):
        most_certifiable(0)


def test_jax_privacy_agrees():
    auditing = pytest.importorskip("jax_privacy.auditing")
    rng = np.random.default_rng(0)
    included = rng.random(400) < 0.5
    scores = rng.normal(size=400) + 2.0 * included
    threshold = float(np.sort(scores)[-80])
    auditor = auditing.CanaryScoreAuditor(scores[included], scores[~included])
    theirs = auditor.epsilon_one_run(
        0.05, 1e-5, one_sided=True, threshold_strategy=auditing.Explicit(threshold)
    )
    ours = one_run(scores, included, 1e-5, guesses=[(80, 0)]).lower
    assert ours == pytest.approx(theirs, abs=1e-3)
