"""Similarity-rank disclosure by hand, at its ends, and with the beta-binomial that it fits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import betabinom

from voxguard.errors import ConfigurationError
from voxguard.metrics import Ranks, rank_trials, similarity_rank, srd_max, srd_mean


def ranks_of(positions, enrolled):
    better = np.asarray(positions) - 1
    return Ranks(better, np.zeros_like(better), enrolled)


def test_histogram_by_hand():
    found = similarity_rank(ranks_of([1, 1, 1, 2], 4), smooth=False)
    assert found.max_bits == pytest.approx(2 + np.log2(3 / 4))
    assert found.mean_bits == pytest.approx(2 + 3 / 4 * np.log2(3 / 4) + 1 / 4 * np.log2(1 / 4))
    assert found.identification_rate == 0.75
    np.testing.assert_allclose(found.probabilities, [0.75, 0.25, 0, 0])


def test_a_tie_spreads_over_the_places_it_spans():
    ranks = rank_trials([[1.0], [1.0], [2.0], [1.0]], [0])
    np.testing.assert_allclose(
        similarity_rank(ranks, smooth=False).probabilities, [0, 1 / 3, 1 / 3, 1 / 3]
    )


@pytest.mark.parametrize("smooth", [True, False])
@pytest.mark.parametrize("enrolled", [2, 13, 200])
def test_no_privacy_and_perfect_privacy(smooth, enrolled):
    named = similarity_rank(ranks_of([1] * 30, enrolled), smooth=smooth)
    for bits in (named.max_bits, named.mean_bits):
        assert bits == pytest.approx(np.log2(enrolled), abs=2e-3)
    blind = similarity_rank(
        ranks_of(np.tile(np.arange(1, enrolled + 1), 3), enrolled), smooth=smooth
    )
    for bits in (blind.max_bits, blind.mean_bits):
        assert bits == pytest.approx(0.0, abs=1e-3)


def test_the_true_speaker_always_last_discloses_all():
    assert srd_max(ranks_of([13] * 30, 13)) == pytest.approx(np.log2(13), abs=2e-3)


@pytest.mark.parametrize(("a", "b"), [(0.5, 4.0), (1.0, 1.0), (0.4, 0.6), (3.0, 2.0)])
def test_fit_finds_the_distribution_that_was_drawn_from(a, b):
    drawn = betabinom.rvs(29, a, b, size=20_000, random_state=0) + 1
    truth = betabinom.pmf(np.arange(30), 29, a, b)
    found = similarity_rank(ranks_of(drawn, 30))
    np.testing.assert_allclose(found.probabilities, truth, atol=0.01)
    assert found.mean_bits == pytest.approx(np.log2(30) + truth @ np.log2(truth), abs=0.02)


def test_smoothing_takes_out_most_of_the_bias_of_few_trials():
    rng = np.random.default_rng(0)
    runs = [ranks_of(rng.integers(1, 21, size=40), 20) for _ in range(40)]
    assert np.mean([srd_max(r, smooth=False) for r in runs]) > 1.0
    assert np.mean([srd_max(r) for r in runs]) < 0.5
    assert (
        np.mean([srd_mean(r) for r in runs])
        < 0.1
        < np.mean([srd_mean(r, smooth=False) for r in runs])
    )


def test_bounds(matrix):
    scores, enrolled, trials = matrix(13, 10, d=1.0)
    ranks = rank_trials(scores, [enrolled.index(trial) for trial in trials])
    for smooth in (True, False):
        found = similarity_rank(ranks, smooth=smooth)
        assert 0 <= found.mean_bits <= found.max_bits <= np.log2(13)
        assert found.probabilities.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("ranks", [ranks_of([1], 1), ranks_of(np.empty(0, int), 4)])
def test_nothing_to_rank(ranks):
    with pytest.raises(ConfigurationError, match="2 enrolled speakers and a trial"):
        similarity_rank(ranks)
