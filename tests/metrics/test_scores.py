"""Scores that no metric can be had from are refused by all, in words."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from voxguard.errors import ConfigurationError
from voxguard.metrics import (
    check_score_matrix,
    check_scores,
    cllr,
    d_sys,
    det_curve,
    eer,
    eer_threshold,
    linear_calibration,
    min_cllr,
    rocch,
    rocch_eer,
    score_histogram,
    tpr_at_fpr,
    zebra_expected,
    zebra_worst,
)

METRICS = [
    check_scores,
    cllr,
    d_sys,
    det_curve,
    eer,
    eer_threshold,
    linear_calibration,
    min_cllr,
    rocch,
    rocch_eer,
    score_histogram,
    partial(tpr_at_fpr, fpr=0.01),
    zebra_expected,
    zebra_worst,
]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("mated", "non_mated", "said"),
    [
        ([], [1.0], "no mated scores"),
        ([1.0], [], "no non-mated scores"),
        ([1.0, np.nan, np.nan], [1.0], r"2 of 3 mated scores are not finite \(2 NaN, 0 infinite\)"),
        ([1.0], [np.inf, 0.0], r"1 of 2 non-mated scores is not finite \(0 NaN, 1 infinite\)"),
        ([[1.0, 2.0]], [1.0], r"mated scores are a one-dimensional array, got shape \(1, 2\)"),
        ([1.0], 3.0, r"non-mated scores are a one-dimensional array, got shape \(\)"),
        (["high"], [1.0], "mated scores are real numbers"),
        ([1.0], [1j], "non-mated scores are real numbers, got complex128"),
        ([[1.0], [1.0, 2.0]], [1.0], "mated scores form no array"),
    ],
)
def test_unusable_scores(metric, mated, non_mated, said):
    with pytest.raises(ConfigurationError, match=said):
        metric(mated, non_mated)


def test_usable_scores_become_float64_and_stay_as_they_are():
    given = np.array([1.0, 2.0], np.float32), np.array([3, 4])
    kept = [scores.copy() for scores in given]
    for checked in check_scores(*given):
        assert checked.dtype == np.float64
    for metric in METRICS:
        metric(*given)
    for scores, copy in zip(given, kept, strict=True):
        np.testing.assert_array_equal(scores, copy)


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ([1.0, 2.0], r"\(enrolled speakers, trials\), got \(2,\)"),
        (np.zeros((0, 3)), r"got \(0, 3\)"),
        ([[1.0, np.nan]], "1 of 2 matrix scores is not finite"),
    ],
)
def test_unusable_matrix(scores, said):
    with pytest.raises(ConfigurationError, match=said):
        check_score_matrix(scores)
