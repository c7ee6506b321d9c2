"""EER against closed forms, the definition written out, and its symmetries."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from voxguard.metrics import eer, eer_threshold, rocch, rocch_eer

TIED = st.lists(st.integers(-4, 4), min_size=1, max_size=25)


def eer_by_definition(mated, non_mated):
    """Error rates at every threshold; the piecewise linear DET curve where they are equal."""
    mated, non_mated = np.asarray(mated, float), np.asarray(non_mated, float)
    thresholds = [*sorted({*mated, *non_mated}), np.inf]
    points = [(np.mean(non_mated >= t), np.mean(mated < t)) for t in thresholds]
    for (fm, fnm), (next_fm, next_fnm) in pairwise(points):
        before, after = fnm - fm, next_fnm - next_fm
        if before <= 0 <= after:
            share = before / (before - after)
            return fnm + share * (next_fnm - fnm)
    raise AssertionError("the rates cross somewhere")


def rocch_eer_by_definition(mated, non_mated):
    """Least common error rate of any two operating points mixed by a coin."""
    mated, non_mated = np.asarray(mated, float), np.asarray(non_mated, float)
    thresholds = [*sorted({*mated, *non_mated}), np.inf]
    points = [(np.mean(non_mated >= t), np.mean(mated < t)) for t in thresholds]
    best = 1.0
    for fm, fnm in points:
        for other_fm, other_fnm in points:
            before, after = fnm - fm, other_fnm - other_fm
            if before <= 0 <= after:
                share = before / (before - after) if before != after else 0.0
                best = min(best, fnm + share * (other_fnm - fnm))
    return best


@pytest.mark.parametrize("d", [0.0, 0.5, 2.0, 4.0, -1.5])
@pytest.mark.parametrize("sd", [1.0, 2.0])
def test_normal_scores(gaussian, d, sd):
    assert eer(*gaussian(d, sd)) == pytest.approx(norm.cdf(-d / (1 + sd)), abs=1e-4)


@pytest.mark.parametrize("d", [0.5, 2.0, 4.0])
def test_normal_scores_on_the_hull(gaussian, d):
    assert rocch_eer(*gaussian(d)) == pytest.approx(norm.cdf(-d / 2), abs=1e-3)


@pytest.mark.parametrize("d", [0.5, 2.0, 4.0])
def test_threshold_of_normal_scores(gaussian, d):
    assert eer_threshold(*gaussian(d)) == pytest.approx(d / 2, abs=1e-3)


@settings(max_examples=200, deadline=None)
@given(TIED, TIED)
def test_definition(mated, non_mated):
    assert eer(mated, non_mated) == pytest.approx(eer_by_definition(mated, non_mated), abs=1e-12)
    hull = rocch_eer(mated, non_mated)
    assert hull == pytest.approx(rocch_eer_by_definition(mated, non_mated), abs=1e-12)


@pytest.mark.parametrize("n_mated", [1, 7])
@pytest.mark.parametrize("n_non_mated", [1, 1000])
def test_constant_scores_are_chance(n_mated, n_non_mated):
    assert eer(np.zeros(n_mated), np.zeros(n_non_mated)) == 0.5
    assert rocch_eer(np.zeros(n_mated), np.zeros(n_non_mated)) == pytest.approx(0.5)


def test_separate_scores():
    assert eer([5.0, 6.0], [1.0, 2.0, 3.0]) == 0.0
    assert eer_threshold([5.0, 6.0], [1.0, 2.0, 3.0]) == 4.0
    assert eer([1.0, 2.0], [5.0, 6.0]) == 1.0
    assert rocch_eer([1.0, 2.0], [5.0, 6.0]) == pytest.approx(0.5)


def test_threshold_within_shared_scores():
    assert eer_threshold([1.0, 1.0, 1.0, 2.0], [0.0, 1.0, 1.0, 1.0]) == 1.0


def test_the_scale_of_scores_is_no_matter(gaussian):
    mated, non_mated = gaussian(1.0, n=500)
    value = eer(mated, non_mated)
    for scale, offset in ((1e-200, 0.0), (1e200, 0.0), (1e-6, 1.0)):
        assert eer(scale * mated + offset, scale * non_mated + offset) == value


@settings(max_examples=100, deadline=None)
@given(TIED, TIED)
def test_symmetries(mated, non_mated):
    value, hull = eer(mated, non_mated), rocch_eer(mated, non_mated)
    assert 0.0 <= value <= 1.0
    assert 0.0 <= hull <= min(value, 0.5) + 1e-12
    assert value + eer(non_mated, mated) == pytest.approx(1.0)
    grown = [np.exp(np.array(scores, float)) for scores in (mated, non_mated)]
    assert eer(*grown) == value
    assert rocch_eer(*grown) == hull
    turned = [-np.array(scores, float) for scores in (mated, non_mated)]
    assert eer(*turned) == pytest.approx(1.0 - value)


@settings(max_examples=100, deadline=None)
@given(TIED, TIED)
def test_hull_is_convex_and_below_all_operating_points(mated, non_mated):
    false_match, false_non_match = rocch(mated, non_mated)
    assert (false_match[0], false_non_match[0]) == (1.0, 0.0)
    assert (false_match[-1], false_non_match[-1]) == pytest.approx((0.0, 1.0))
    for t in {*mated, *non_mated}:
        fm, fnm = np.mean(np.array(non_mated) >= t), np.mean(np.array(mated) < t)
        assert fnm >= np.interp(fm, false_match[::-1], false_non_match[::-1]) - 1e-12
    corner = np.diff(false_match[:-1]) * np.diff(false_non_match[1:])
    assert (corner - np.diff(false_match[1:]) * np.diff(false_non_match[:-1]) < 1e-12).all()
