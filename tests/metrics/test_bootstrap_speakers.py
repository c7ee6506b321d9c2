"""The bootstrap of score metrics against resampled matrices that are really built."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from voxguard.errors import ConfigurationError
from voxguard.metrics import (
    bootstrap_speakers,
    cllr,
    d_sys,
    eer,
    min_cllr,
    rocch_eer,
    tpr_at_fpr,
    zebra_expected,
    zebra_worst,
)
from voxguard.metrics.bootstrap_speakers import _Pairs
from voxguard.metrics.counts import how_counted

METRICS = {
    "eer": eer,
    "rocch_eer": rocch_eer,
    "cllr": cllr,
    "min_cllr": min_cllr,
    "d_sys": d_sys,
    "d_sys omega": partial(d_sys, omega=0.2, bins=20),
    "zebra_expected": zebra_expected,
    "zebra_worst": zebra_worst,
    "tpr": partial(tpr_at_fpr, fpr=0.1),
}


def resampled(scores, enrolled, trials, allowed, names, times):
    """Mated and non-mated scores of the copies, one copy after the other."""
    copies = [(name, copy) for name, n in zip(names, times, strict=True) for copy in range(n)]
    mated, non_mated = [], []
    for speaker, copy in copies:
        for other, other_copy in copies:
            if speaker == other and copy != other_copy:
                continue
            for row in np.flatnonzero(np.array(enrolled) == speaker):
                for column in np.flatnonzero(np.array(trials) == other):
                    if allowed[row, column]:
                        kind = mated if speaker == other else non_mated
                        kind.append(scores[row, column])
    return np.array(mated), np.array(non_mated)


@pytest.mark.parametrize("name", METRICS)
def test_each_resample_is_the_matrix_of_the_copies(name):
    metric = METRICS[name]
    rng = np.random.default_rng(0)
    enrolled = ["c", "a", "b", "e", "a", "d"]  # two rows of a; e has no trials
    trials = [*"aabbbcdd", "x"]  # x is not enrolled
    scores = np.round(rng.normal(size=(6, 9)) + 1.5 * np.equal.outer(enrolled, trials), 1)
    allowed = rng.random((6, 9)) < 0.8
    allowed[1, 0] = allowed[0, 5] = True
    pairs = _Pairs.take(scores, enrolled, trials, allowed)
    quick, plain = pairs.counted(how_counted(metric)), pairs.gathered(metric)
    names, compared = [*"abcdex"], 0
    for times in rng.multinomial(6, [1 / 6] * 6, size=25):
        mated, non_mated = resampled(scores, enrolled, trials, allowed, names, times)
        if len(mated) and len(non_mated):
            expected = metric(mated, non_mated)
            assert quick(times) == pytest.approx(expected, abs=1e-12)
            assert plain(times) == pytest.approx(expected, abs=1e-12)
            compared += 1
        else:
            with pytest.raises(ConfigurationError, match=r"no (non-)?mated"):
                quick(times)
    assert compared > 15


@pytest.mark.parametrize("name", METRICS)
def test_value_and_ends(name, matrix):
    scores, enrolled, trials = matrix(15, 6, d=1.5)
    metric = METRICS[name]
    interval = bootstrap_speakers(metric, scores, enrolled, trials, seed=0, resamples=200)
    mated = np.equal.outer(enrolled, trials)
    assert interval.value == pytest.approx(metric(scores[mated], scores[~mated]))
    assert interval.low <= interval.value <= interval.high
    assert interval.low < interval.high
    assert (interval.n, interval.groups) == (scores.size, 15)


def test_any_function_of_scores(matrix):
    scores, enrolled, trials = matrix(12, 4)
    through_scores = bootstrap_speakers(
        lambda mated, non_mated: eer(mated, non_mated), scores, enrolled, trials, seed=2
    )
    assert through_scores == bootstrap_speakers(eer, scores, enrolled, trials, seed=2)


def test_more_speakers_narrow_the_interval(matrix):
    few, many = (
        bootstrap_speakers(eer, *matrix(speakers, 5), seed=0, resamples=300)
        for speakers in (10, 90)
    )
    assert few.high - few.low > 1.8 * (many.high - many.low)


def test_speakers_that_differ_widen_it_and_trials_do_not_make_up_for_it():
    rng = np.random.default_rng(0)
    enrolled = [f"s{i}" for i in range(20)]

    def width(each, spread):
        trials = enrolled * each
        own = np.equal.outer(enrolled, trials)
        ease = 2.0 + spread * rng.normal(size=20)
        scores = rng.normal(size=own.shape) + ease[:, None] * own
        interval = bootstrap_speakers(eer, scores, enrolled, trials, seed=0, resamples=300)
        return interval.high - interval.low

    assert width(20, 1.5) > 2 * width(20, 0.0)
    assert width(20, 1.5) > 0.6 * width(5, 1.5)


def test_it_holds_the_truth_about_as_often_as_it_says(matrix):
    """EER of N(2, 1) against N(0, 1), 25 speakers; simulations over more are in the docstring."""
    truth = 0.158655
    held = 0
    for seed in range(60):
        interval = bootstrap_speakers(
            eer, *matrix(25, 6, d=2.0, seed=seed), seed=seed, resamples=200
        )
        held += interval.low <= truth <= interval.high
    assert held >= 50


def test_undefined_for_too_many_resamples():
    # only a has trials of his own: (2/3)^3 = 0.3 of resamples have no mated pair
    scores = np.array([[2.0, 0.1], [0.0, 0.2], [0.3, 0.1]])
    interval = bootstrap_speakers(eer, scores, "abc", "aa", seed=0)
    assert interval.value == 0.5
    assert interval.low is None
    assert "too few speakers" in interval.why
    assert interval.undefined > 200


def test_pairs_of_one_kind_have_no_value():
    interval = bootstrap_speakers(eer, [[1.0, 2.0]], "a", "bb", seed=0)
    assert (interval.value, interval.why) == (None, "no mated pairs")
    nothing = bootstrap_speakers(
        eer, [[1.0, 2.0]], "a", "ab", allowed=np.zeros((1, 2), bool), seed=0
    )
    assert (nothing.value, nothing.n) == (None, 0)


def test_unusable_arguments(matrix):
    scores, enrolled, trials = matrix(3, 2)
    with pytest.raises(ConfigurationError, match="2 enrolled speakers, 6 trials"):
        bootstrap_speakers(eer, scores, enrolled[1:], trials, seed=0)
    with pytest.raises(ConfigurationError, match="allowed pairs of shape"):
        bootstrap_speakers(eer, scores, enrolled, trials, allowed=np.ones(6, bool), seed=0)
    with pytest.raises(ConfigurationError, match="true or false, got int64"):
        bootstrap_speakers(eer, scores, enrolled, trials, allowed=np.ones((3, 6), int), seed=0)
    with pytest.raises(ConfigurationError, match="not finite"):
        bootstrap_speakers(eer, scores * np.nan, enrolled, trials, seed=0)
