"""ZEBRA against the integral over priors that defines it, and the paper's fixed points."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import expit, xlog1py, xlogy
from scipy.stats import norm

from voxguard.errors import ConfigurationError
from voxguard.metrics import (
    NO_PRIVACY_BITS,
    count,
    pool_adjacent_violators,
    zebra_expected,
    zebra_tag,
    zebra_worst,
)

TIED = st.lists(st.integers(-4, 4), min_size=1, max_size=20)


def disclosure_by_quadrature(mated_shares, non_mated_shares):
    """The integral of default ECE minus ECE, over the prior, of blocks with these shares."""
    held = [(p, q) for p, q in zip(mated_shares, non_mated_shares, strict=True) if p > 0 and q > 0]

    def gain(prior):
        entropy = -(xlogy(prior, prior) + xlog1py(1 - prior, -prior))
        odds = prior / (1 - prior)
        ece = sum(
            prior * p * np.log1p(q / (p * odds)) + (1 - prior) * q * np.log1p(odds * p / q)
            for p, q in held
        )
        return (entropy - ece) / math.log(2)

    return quad(gain, 0, 1, limit=300)[0]


@settings(max_examples=60, deadline=None)
@given(TIED, TIED)
def test_expected_is_the_integral(mated, non_mated):
    blocks = pool_adjacent_violators(count(mated, non_mated))
    shares = blocks.mated / len(mated), blocks.non_mated / len(non_mated)
    value = zebra_expected(mated, non_mated)
    assert value == pytest.approx(disclosure_by_quadrature(*shares), abs=1e-6)
    assert 0.0 <= value <= NO_PRIVACY_BITS
    grown = [np.array(scores, float) ** 3 for scores in (mated, non_mated)]
    assert zebra_expected(*grown) == value


@pytest.mark.parametrize("variance", [1.0, 9.0])
def test_expected_of_calibrated_normal_scores(calibrated, variance):
    sd = math.sqrt(variance)

    def ece(prior):
        logit = math.log(prior / (1 - prior))

        def cost(s):
            of_mated = prior * norm.pdf(s, variance / 2, sd) * np.logaddexp(0, -s - logit)
            of_other = (1 - prior) * norm.pdf(s, -variance / 2, sd) * np.logaddexp(0, s + logit)
            return of_mated + of_other

        return quad(cost, -variance / 2 - 9 * sd, variance / 2 + 9 * sd)[0] / math.log(2)

    nodes, weights = np.polynomial.legendre.leggauss(24)
    priors = (nodes + 1) / 2
    entropy = -(xlogy(priors, priors) + xlog1py(1 - priors, -priors)) / math.log(2)
    exact = weights / 2 @ (entropy - np.array([ece(prior) for prior in priors]))
    assert zebra_expected(*calibrated(variance)) == pytest.approx(exact, abs=1e-3)


def test_expected_extremes():
    assert round(NO_PRIVACY_BITS, 4) == 0.7213
    assert zebra_expected([2.0, 3.0], [0.0, 1.0]) == NO_PRIVACY_BITS
    assert zebra_expected([1.0] * 3, [1.0] * 8) == pytest.approx(0.0, abs=1e-15)
    assert zebra_expected([0.0, 1.0], [2.0, 3.0]) == pytest.approx(0.0, abs=1e-15)


@pytest.mark.parametrize("n", [1, 10, 1000])
@pytest.mark.parametrize("m", [1, 10, 1000])
def test_worst_of_separate_scores(n, m):
    """Laplace's rule: n + 1 mated against 1 non-mated above, 1 against m + 1 below."""
    above, below = (n + 1) * m / n, (m + 1) * n / m
    expected = math.log10(max(above, below))
    assert zebra_worst([1.0] * n, [0.0] * m) == pytest.approx(expected)


def test_worst_by_hand():
    mated, non_mated = [3.0, 5.0, 6.0], [1.0, 2.0, 4.0]
    # with one pair of each kind granted at either end, the blocks are {granted, 1, 2} with 1 mated
    # of 4, {3, 4} with 1 of 2, and {5, 6, granted} with 3 of 4; the prior odds are 1
    assert zebra_worst(mated, non_mated) == pytest.approx(math.log10(3))


def test_worst_of_no_evidence():
    assert zebra_worst([1.0] * 4, [1.0] * 4) == 0.0
    # With unequal numbers Laplace's two pairs shift the odds a little, and no more than that
    assert zebra_worst([1.0] * 100, [1.0] * 10_000) == pytest.approx(math.log10(101 / 100.01))
    # the top block is granted alone: it is nobody's score
    assert zebra_worst([0.0], [1.0]) < 0.4


def test_worst_depends_on_the_count_of_the_extreme_block():
    """The caveat that the docstring gives."""
    small = zebra_worst([1.0] * 10, [0.0] * 100)
    assert zebra_worst([1.0] * 10, [0.0] * 1000) == pytest.approx(small + 1.0)


def test_a_pair_of_scores_in_the_middle_is_not_taken_for_the_granted_ones():
    mated, non_mated = [1.0, 1.0, 5.0], [1.0, 1.0, 1.0, 1.0, 5.0]
    assert zebra_worst(mated, non_mated) == pytest.approx(
        max(abs(math.log10(r * 5 / 3)) for r in (3 / 5, 2 / 2))
    )


@settings(max_examples=60, deadline=None)
@given(TIED, TIED)
def test_worst_is_finite_and_of_the_order_only(mated, non_mated):
    value = zebra_worst(mated, non_mated)
    assert 0.0 <= value < 3.0
    assert zebra_worst(expit(mated), expit(non_mated)) == value


def test_tags():
    bounds = [(0.0, "0"), (1e-3, "A"), (1.0, "B"), (2.0, "C"), (4.0, "D"), (5.0, "E"), (6.0, "F")]
    for value, tag in bounds:
        assert zebra_tag(value) == tag
    for value, tag in ((0.999, "A"), (1.999, "B"), (3.999, "C"), (5.999, "E"), (99.0, "F")):
        assert zebra_tag(value) == tag
    for wrong in (-0.1, math.nan):
        with pytest.raises(ConfigurationError, match="0 or more"):
            zebra_tag(wrong)
