"""Counting scores, and which functions bear a mark."""

from __future__ import annotations

from functools import partial

import numpy as np

from voxguard.metrics import count, eer, tpr_at_fpr
from voxguard.metrics.counts import Counts, how_counted


def test_counts_of_scores_with_ties():
    counts = count([3.0, 1.0, 1.0, -0.0], [1.0, 0.0, 5.0])
    np.testing.assert_array_equal(counts.levels, [0.0, 1.0, 3.0, 5.0])
    np.testing.assert_array_equal(counts.mated, [1, 2, 1, 0])
    np.testing.assert_array_equal(counts.non_mated, [1, 1, 0, 1])
    assert (counts.n_mated, counts.n_non_mated) == (4, 3)


def test_operating_points_are_the_definition():
    mated, non_mated = np.array([2.0, 2.0, 3.0]), np.array([1.0, 2.0])
    false_match, false_non_match = count(mated, non_mated).operating_points()
    thresholds = [1.0, 2.0, 3.0, 4.0]
    np.testing.assert_allclose(false_match, [np.mean(non_mated >= t) for t in thresholds])
    np.testing.assert_allclose(false_non_match, [np.mean(mated < t) for t in thresholds])


def test_runs_hold_one_kind_and_shared_levels_stand_alone():
    counts = count([3.0, 4.0, 6.0, 7.0], [0.0, 1.0, 2.0, 6.0, 8.0])
    merged = counts.merged(counts.run_starts())
    np.testing.assert_array_equal(merged.mated, [0, 2, 1, 1, 0])
    np.testing.assert_array_equal(merged.non_mated, [3, 0, 1, 0, 1])
    np.testing.assert_array_equal(merged.levels, [0.0, 3.0, 6.0, 7.0, 8.0])


def test_occupied_leaves_out_empty_levels():
    counts = Counts(np.arange(3.0), np.array([0, 0, 2]), np.array([1, 0, 0]))
    np.testing.assert_array_equal(counts.occupied().levels, [0.0, 2.0])


def test_a_mark_is_seen_through_keywords_and_not_guessed():
    assert how_counted(eer) is not None
    assert how_counted(lambda mated, non_mated: 0.0) is None
    bound = how_counted(partial(tpr_at_fpr, fpr=0.5))
    assert bound is not None
    assert bound.rule(count([1.0, 3.0], [0.0, 2.0])) == 1.0
