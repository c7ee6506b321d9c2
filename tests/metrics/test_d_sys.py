"""D_sys against its integral, by hand, and its bias where there are few scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from voxguard.errors import ConfigurationError
from voxguard.metrics import d_sys, d_sys_floor

FINITE = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)


def exact(d, omega=1.0):
    def integrand(s):
        ratio = omega * np.exp(d * s - d**2 / 2)
        return norm.pdf(s, d) * max(0.0, 2 * ratio / (1 + ratio) - 1)

    return quad(integrand, -10, d + 10, limit=500, points=[d / 2 - np.log(omega) / d])[0]


@pytest.mark.parametrize("d", [0.5, 1.0, 2.0, 4.0])
@pytest.mark.parametrize("omega", [0.5, 1.0, 3.0])
def test_normal_scores(gaussian, d, omega):
    assert d_sys(*gaussian(d), omega=omega) == pytest.approx(exact(d, omega), abs=0.012)


def test_by_hand():
    # bins [0, 1), [1, 2]: shares 1/4 and 3/4 of the mated, 4/5 and 1/5 of the non-mated
    mated, non_mated = [0.5, 1.5, 1.6, 2.0], [0.0, 0.1, 0.2, 0.3, 1.1]
    linked = (3 / 4 - 1 / 5) / (3 / 4 + 1 / 5)
    assert d_sys(mated, non_mated, bins=2) == pytest.approx(3 / 4 * linked)


def test_extremes():
    assert d_sys([2.0] * 50, [0.0] * 500) == 1.0
    assert d_sys([1.0] * 5, [1.0] * 9) == 0.0
    assert d_sys([1.0], [1.0 + 1e-12]) == 1.0


def test_few_separate_scores_are_not_called_unlinkable():
    assert d_sys(np.linspace(3, 4, 19), np.linspace(0, 1, 200)) == 1.0


@settings(max_examples=150, deadline=None)
@given(FINITE, FINITE, st.floats(1e-3, 1e3))
def test_bounds(mated, non_mated, omega):
    assert 0.0 <= d_sys(mated, non_mated, omega=omega) <= 1.0


def test_increasing_functions_change_little(gaussian):
    mated, non_mated = gaussian(2.0)
    value = d_sys(mated, non_mated)
    for grow in (np.arctan, lambda s: 7 * s - 3, lambda s: s + 0.2 * s**3):
        assert d_sys(grow(mated), grow(non_mated)) == pytest.approx(value, abs=0.05)


def test_documented_loss_where_a_score_lies_far_out(gaussian):
    mated, non_mated = gaussian(2.0)
    assert d_sys([*mated, 1000.0], non_mated) < 0.5 * d_sys(mated, non_mated)


@pytest.mark.parametrize(("n", "m"), [(20, 200), (100, 1000), (1000, 1000), (5000, 50_000)])
def test_floor_is_what_no_evidence_gives(n, m):
    rng = np.random.default_rng(0)
    values = [d_sys(rng.normal(size=n), rng.normal(size=m)) for _ in range(60)]
    assert np.mean(values) == pytest.approx(d_sys_floor(n, m), rel=0.2)


def test_floor_with_one_bin_for_ten_pairs():
    assert d_sys_floor(100, 10**6) == pytest.approx(0.063, abs=1e-3)
    assert d_sys_floor(10**6, 10**8) < 0.003


@pytest.mark.parametrize("wrong", [{"omega": 0.0}, {"omega": float("nan")}, {"bins": 0}])
def test_unusable_options(wrong):
    with pytest.raises(ConfigurationError, match=r"above 0|at least 1 bin"):
        d_sys([1.0], [0.0], **wrong)
    with pytest.raises(ConfigurationError, match="pairs of both kinds"):
        d_sys_floor(0, 5)
