"""C_llr and its minimum against integrals, and pooling against its min-max formula."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from voxguard.metrics import cllr, linear_calibration, min_cllr, pool_adjacent_violators
from voxguard.metrics.counts import count

TIED = st.lists(st.integers(-4, 4), min_size=1, max_size=20)


def expected_cost(mean, sd):
    """Mean of log2(1 + exp(-x)) over a normal distribution, by quadrature."""
    return quad(
        lambda x: np.logaddexp(0, -x) / np.log(2) * norm.pdf(x, mean, sd),
        mean - 12 * sd,
        mean + 12 * sd,
        limit=200,
    )[0]


def isotonic_by_definition(share, weight):
    """max over starts, min over ends, of the weighted mean (the min-max formula)."""
    n = len(share)

    def mean(a, b):
        return np.average(share[a : b + 1], weights=weight[a : b + 1])

    return [max(min(mean(a, b) for b in range(i, n)) for a in range(i + 1)) for i in range(n)]


def min_cllr_by_definition(mated, non_mated):
    mated, non_mated = np.array(mated), np.array(non_mated)
    levels = sorted({*mated, *non_mated})
    of_mated = np.array([np.sum(mated == level) for level in levels])
    total = of_mated + [np.sum(non_mated == level) for level in levels]
    share = np.array(isotonic_by_definition(of_mated / total, total))
    with np.errstate(divide="ignore"):
        llr = np.log(share) - np.log1p(-share) - np.log(len(mated) / len(non_mated))
    cost = of_mated @ np.nan_to_num(np.where(of_mated > 0, np.logaddexp(0, -llr), 0)) / len(mated)
    of_other = total - of_mated
    cost += of_other @ np.where(of_other > 0, np.logaddexp(0, llr), 0) / len(non_mated)
    return cost / np.log(4)


@pytest.mark.parametrize("variance", [0.01, 1.0, 9.0, 40.0])
def test_calibrated_normal_scores(calibrated, variance):
    exact = expected_cost(variance / 2, np.sqrt(variance))
    scores = calibrated(variance)
    assert cllr(*scores) == pytest.approx(exact, abs=1e-4)
    # The best increasing function of scores that are calibrated already is hardly better.
    assert exact - 2e-3 < min_cllr(*scores) <= cllr(*scores) + 1e-12


def test_no_calibration_can_beat_the_minimum(gaussian):
    mated, non_mated = gaussian(1.5, 2.0, n=2000)
    best = min_cllr(mated, non_mated)
    for scale in (0.1, 0.5, 1.0, 3.0):
        for offset in (-2.0, 0.0, 2.0):
            assert cllr(scale * mated + offset, scale * non_mated + offset) > best


def test_extreme_scores_overflow_nowhere():
    assert cllr([1e308], [-1e308]) == 0.0
    assert cllr([-1e4], [1e4]) == pytest.approx(1e4 / np.log(2))


@settings(max_examples=100, deadline=None)
@given(TIED, TIED)
def test_minimum_by_definition(mated, non_mated):
    value = min_cllr(mated, non_mated)
    assert value == pytest.approx(min_cllr_by_definition(mated, non_mated), abs=1e-9)
    assert 0.0 <= value <= 1.0
    grown = [np.arctan(np.array(scores, float)) for scores in (mated, non_mated)]
    assert min_cllr(*grown) == value


@settings(max_examples=100, deadline=None)
@given(TIED, TIED)
def test_pooled_blocks_by_definition(mated, non_mated):
    counts = count(mated, non_mated)
    total = counts.mated + counts.non_mated
    blocks = pool_adjacent_violators(counts)
    share = blocks.mated / (blocks.mated + blocks.non_mated)
    place = np.searchsorted(blocks.levels, counts.levels, side="right") - 1
    expected = isotonic_by_definition(counts.mated / total, total)
    np.testing.assert_allclose(share[place], expected, atol=1e-12)
    assert (blocks.n_mated, blocks.n_non_mated) == (len(mated), len(non_mated))


def test_extremes():
    assert min_cllr([2.0, 3.0], [0.0, 1.0]) == 0.0
    assert min_cllr([1.0, 1.0], [1.0] * 7) == 1.0
    assert min_cllr([0.0, 1.0], [2.0, 3.0]) == 1.0


def test_documented_bias_without_evidence():
    rng = np.random.default_rng(0)
    for n, stated in ((20, 0.95), (100, 0.99)):
        mean = np.mean([min_cllr(rng.normal(size=n), rng.normal(size=10 * n)) for _ in range(200)])
        assert mean == pytest.approx(stated, abs=0.006)


@pytest.mark.parametrize(("scale", "offset"), [(1.0, 0.0), (0.05, 0.8), (300.0, -5.0)])
def test_calibration_undoes_scale_and_offset(calibrated, scale, offset):
    mated, non_mated = (scale * scores + offset for scores in calibrated(6.0, n=4000))
    found = linear_calibration(mated, non_mated)
    assert found.scale == pytest.approx(1 / scale, rel=1e-3)
    assert found.offset == pytest.approx(-offset / scale, abs=2e-3 * (1 + abs(offset / scale)))
    assert cllr(found(mated), found(non_mated)) == pytest.approx(
        expected_cost(3.0, np.sqrt(6.0)), abs=1e-3
    )


def test_calibration_weighs_both_kinds_alike(calibrated):
    mated, non_mated = calibrated(6.0, n=4000)
    found = linear_calibration(mated[::40], non_mated)
    assert abs(found.offset) < 0.3


def test_calibration_of_separate_inverted_and_constant_scores():
    apart = linear_calibration([2.0, 3.0], [0.0, 1.0])
    assert np.isfinite(apart([0.0, 3.0])).all()
    assert cllr(apart([2.0, 3.0]), apart([0.0, 1.0])) < 0.01
    assert linear_calibration([0.0, 1.0, 0.5], [2.0, 1.5, 0.6]).scale < 0
    constant = linear_calibration([1.0, 1.0], [1.0])
    np.testing.assert_array_equal(constant([1.0, 5.0]), [0.0, 0.0])
