"""Singling out: the estimator against every crowd written out, and its fixed points."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest

from voxguard.errors import ConfigurationError
from voxguard.metrics import isolation, singling_out_chance, singling_out_rate


def isolation_by_definition(row, own, trials_of, population):
    """Mean over turns and over all crowds of whether exactly one fires."""
    speakers = [*trials_of]
    turns = min(max(len(trials) for trials in trials_of.values()), 10)
    outcomes = []
    for turn in range(turns):
        seen = {s: t[turn % len(t)] for s, t in trials_of.items()}
        weighted = []
        for s, trials in trials_of.items():
            whole = Fraction(1, population)
            if s != own:
                whole = (1 - whole) / (len(speakers) - 1)
            part = whole / (len(trials) - 1)
            weighted += [(row[trial], part) for trial in trials if trial != seen[s]]
        weighted.sort(key=lambda pair: -pair[0])
        passed, above = Fraction(0), 0
        while passed + weighted[above][1] <= Fraction(1, population):
            passed += weighted[above][1]
            above += 1
        threshold = (weighted[above - 1][0] + weighted[above][0]) / 2
        others = [s for s in speakers if s != own]
        outcomes += [
            sum(row[seen[s]] > threshold for s in (own, *crowd)) == 1
            for crowd in combinations(others, population - 1)
        ]
    return np.mean(outcomes)


@pytest.mark.parametrize("population", [2, 3, 6])
@pytest.mark.parametrize("d", [0.0, 1.0, 3.0])
def test_definition(population, d):
    rng = np.random.default_rng(population)
    trial_speakers = [*"abcdef", *"abcdef", *"aabcdf", "x"]
    rng.shuffle(trial_speakers)
    enrolled = list("fedcbaz")
    scores = rng.normal(size=(7, len(trial_speakers))) + d * np.equal.outer(
        enrolled, trial_speakers
    )
    found = isolation(scores, enrolled, trial_speakers, population)
    trials_of = {
        s: [i for i, t in enumerate(trial_speakers) if t == s]
        for s in dict.fromkeys(trial_speakers)
    }
    del trials_of["x"]  # one trial: cannot be calibrated and seen
    assert set(found) == set("abcdef")
    for row, speaker in enumerate(enrolled[:6]):
        expected = isolation_by_definition(scores[row], speaker, trials_of, population)
        assert found[speaker] == pytest.approx(expected)


def test_no_privacy_is_one(matrix):
    scores, enrolled, trials = matrix(12, 4, d=50.0)
    for population in (2, 5, 12):
        assert singling_out_rate(scores, enrolled, trials, population) == pytest.approx(1.0)


def test_no_evidence_is_about_chance(matrix):
    scores, enrolled, trials = matrix(40, 30, d=0.0)
    for population in (2, 10, 40):
        rate = singling_out_rate(scores, enrolled, trials, population)
        assert rate == pytest.approx(singling_out_chance(population), abs=0.05)


def test_constant_scores_single_out_nobody(matrix):
    scores, enrolled, trials = matrix(6, 3)
    assert singling_out_rate(np.zeros_like(scores), enrolled, trials, 4) == 0.0


def test_documented_bias_of_few_calibration_trials(matrix):
    for each, stated in ((2, 0.28), (6, 0.34), (11, 0.36)):
        runs = [matrix(50, each, d=0.0, seed=seed) for seed in range(12)]
        mean = np.mean([singling_out_rate(*run, 50) for run in runs])
        assert mean == pytest.approx(stated, abs=0.025)


def test_chance_falls_to_one_over_e():
    assert singling_out_chance(1) == 1.0
    assert singling_out_chance(2) == 0.5
    assert singling_out_chance(10**6) == pytest.approx(np.exp(-1), abs=1e-6)


def test_order_of_scale_is_no_matter(matrix):
    scores, enrolled, trials = matrix(10, 4)
    rate = singling_out_rate(scores, enrolled, trials, 5)
    assert singling_out_rate(4.0 * scores + 8.0, enrolled, trials, 5) == rate


def test_unusable_labels(matrix):
    scores, enrolled, trials = matrix(4, 3)
    with pytest.raises(ConfigurationError, match="3 enrolled speakers and 12 trials"):
        singling_out_rate(scores, enrolled[1:], trials, 2)
    with pytest.raises(ConfigurationError, match="2 to 4, the number of speakers"):
        singling_out_rate(scores, enrolled, trials, 5)
    with pytest.raises(ConfigurationError, match="one row a speaker"):
        singling_out_rate(scores, [enrolled[0]] * 4, trials, 2)
    with pytest.raises(ConfigurationError, match="one row a speaker"):
        singling_out_rate(scores, list("wxyz"), trials, 2)
