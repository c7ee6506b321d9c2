"""DET curves and histograms for reports."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from voxguard.errors import ConfigurationError
from voxguard.metrics import det_curve, eer, score_histogram


def test_all_corners_and_no_more():
    curve = det_curve([3.0, 4.0, 6.0], [0.0, 1.0, 5.0])
    np.testing.assert_allclose(curve.false_match, [1, 1 / 3, 1 / 3, 0, 0])
    np.testing.assert_allclose(curve.false_non_match, [0, 0, 2 / 3, 2 / 3, 1])


def test_normal_scores_are_a_straight_line_on_deviate_axes(gaussian):
    curve = det_curve(*gaussian(2.0), points=50)
    inner = (curve.false_match > 1e-3) & (curve.false_non_match > 1e-3)
    deviates = norm.ppf(curve.false_match[inner]) + norm.ppf(curve.false_non_match[inner])
    np.testing.assert_allclose(deviates, -2.0, atol=0.02)


@pytest.mark.parametrize("points", [2, 3, 17, 200])
def test_thinning_keeps_ends_order_and_corners(gaussian, points):
    scores = gaussian(1.0, n=3000)
    thin, full = det_curve(*scores, points=points), det_curve(*scores)
    assert 2 <= len(thin.false_match) <= points
    assert (thin.false_match[0], thin.false_non_match[0]) == (1.0, 0.0)
    assert (thin.false_match[-1], thin.false_non_match[-1]) == pytest.approx((0.0, 1.0))
    assert (np.diff(thin.false_match) <= 0).all()
    assert (np.diff(thin.false_non_match) >= 0).all()
    assert set(zip(*thin, strict=True)) <= set(zip(*full, strict=True))


def test_a_thin_curve_still_shows_the_eer(gaussian):
    mated, non_mated = gaussian(2.0)
    curve = det_curve(mated, non_mated, points=200)
    least = np.abs(curve.false_match - curve.false_non_match).argmin()
    assert curve.false_match[least] == pytest.approx(eer(mated, non_mated), abs=0.01)


def test_a_curve_of_few_points_is_not_thinned():
    assert len(det_curve([1.0], [0.0], points=100).false_match) == 3


def test_histogram_counts_every_pair_once(gaussian):
    mated, non_mated = gaussian(2.0, n=500)
    histogram = score_histogram(mated, non_mated, bins=13)
    assert len(histogram.edges) == 14
    assert histogram.mated.sum() == histogram.non_mated.sum() == 500
    assert histogram.edges[0] == non_mated.min()
    assert histogram.edges[-1] == mated.max()


@pytest.mark.parametrize("score", [0.0, 1e-300, 7.5, 1e18])
def test_histogram_of_constant_scores_has_bins(score):
    histogram = score_histogram([score] * 3, [score] * 2, bins=10)
    assert (np.diff(histogram.edges) > 0).all()
    assert (histogram.mated.sum(), histogram.non_mated.sum()) == (3, 2)


def test_impossible_sizes():
    with pytest.raises(ConfigurationError, match="at least 2 points, got 1"):
        det_curve([1.0], [0.0], points=1)
    with pytest.raises(ConfigurationError, match="at least 1 bin, got 0"):
        score_histogram([1.0], [0.0], bins=0)
