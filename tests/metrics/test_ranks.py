"""Ranks, identification and linking against all orders and all crowds, written out."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy.integrate import quad
from scipy.stats import norm

from voxguard.errors import ConfigurationError
from voxguard.metrics import (
    cmc,
    identification_rate,
    identified,
    link_rate,
    linked,
    rank_trials,
    true_rows,
)

SMALL = npst.arrays(
    np.float64, npst.array_shapes(min_dims=2, max_dims=2, max_side=5), elements=st.integers(0, 3)
)


def first_rows(scores):
    return np.zeros(scores.shape[1], dtype=int)


def ranks_over_all_tie_breaks(column, own):
    """Rank of row ``own``, from 1, for every order in which ties could be broken."""
    n = len(column)
    for priority in permutations(range(n)):
        order = sorted(range(n), key=lambda row: (-column[row], priority[row]))
        yield order.index(own) + 1


def wins_over_all_crowds(column, own, population):
    others = [row for row in range(len(column)) if row != own]
    for crowd in combinations(others, population - 1):
        best = max([column[row] for row in crowd], default=-np.inf)
        tied = sum(column[row] == column[own] for row in crowd)
        yield 0.0 if best > column[own] else 1.0 / (tied + 1)


@settings(max_examples=60, deadline=None)
@given(SMALL, st.integers(1, 5))
def test_identification_by_definition(scores, top):
    top = min(top, len(scores))
    expected = [
        np.mean([rank <= top for rank in ranks_over_all_tie_breaks(column, 0)])
        for column in scores.T
    ]
    rows = first_rows(scores)
    np.testing.assert_allclose(identified(rank_trials(scores, rows), top=top), expected)
    assert identification_rate(scores, rows, top=top) == pytest.approx(np.mean(expected))
    assert cmc(scores, rows)[top - 1] == pytest.approx(np.mean(expected))


@settings(max_examples=60, deadline=None)
@given(SMALL, st.integers(1, 5))
def test_linking_by_definition(scores, population):
    population = min(population, len(scores))
    expected = [np.mean([*wins_over_all_crowds(column, 0, population)]) for column in scores.T]
    rows = first_rows(scores)
    np.testing.assert_allclose(linked(rank_trials(scores, rows), population), expected, atol=1e-12)
    assert link_rate(scores, rows, population) == pytest.approx(np.mean(expected))


@pytest.mark.parametrize("d", [0.0, 1.0, 3.0])
def test_normal_scores(d):
    """P(the own score beats N' - 1 others) = integral of density times distribution^(N' - 1)."""
    rng = np.random.default_rng(0)
    n, trials = 30, 20_000
    scores = rng.normal(size=(n, trials))
    rows = rng.integers(n, size=trials)
    scores[rows, np.arange(trials)] += d
    for population in (2, 10, 30):
        exact = quad(
            lambda s, others=population - 1: norm.pdf(s, d) * norm.cdf(s) ** others, -10, 10 + d
        )[0]
        assert link_rate(scores, rows, population) == pytest.approx(exact, abs=0.01)
    assert identification_rate(scores, rows) == link_rate(scores, rows, n)


@pytest.mark.parametrize("n", [1, 2, 7, 500])
def test_constant_scores_are_chance_exactly(n):
    scores, rows = np.ones((n, 3)), np.array([0, n - 1, n // 2])
    for population in {1, min(2, n), n}:
        assert link_rate(scores, rows, population) == pytest.approx(1 / population, rel=1e-12)
    np.testing.assert_allclose(cmc(scores, rows), np.arange(1, n + 1) / n)


def test_linking_falls_with_the_crowd(matrix):
    scores, enrolled, trials = matrix(40, 5, d=1.5)
    rows = true_rows(enrolled, trials)
    rates = [link_rate(scores, rows, population) for population in range(1, 41)]
    assert rates[0] == 1.0
    assert (np.diff(rates) < 0).all()


def test_a_large_crowd_does_not_overflow():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(5000, 20))
    assert 0.0 <= link_rate(scores, first_rows(scores), 2500) < 0.5


def test_rows_of_labels():
    np.testing.assert_array_equal(true_rows("abc", "cab"), [2, 0, 1])
    with pytest.raises(ConfigurationError, match="1 speakers have more than one row, such as 'a'"):
        true_rows("aba", "b")
    with pytest.raises(ConfigurationError, match=r"2 speakers of trials are not enrolled.*'c'"):
        true_rows("ab", "cad")


@pytest.mark.parametrize(
    ("rows", "said"),
    [([0], "2 trials need as many"), ([0.0, 1.0], "float64"), ([0, 3], "0 to 2, got 0 to 3")],
)
def test_unusable_rows(rows, said):
    with pytest.raises(ConfigurationError, match=said):
        rank_trials(np.zeros((3, 2)), rows)


def test_impossible_numbers():
    ranks = rank_trials(np.zeros((3, 2)), [0, 1])
    for wrong in (0, 4):
        with pytest.raises(ConfigurationError, match=f"1 to 3.*got {wrong}"):
            identified(ranks, top=wrong)
        with pytest.raises(ConfigurationError, match=f"1 to 3.*got {wrong}"):
            linked(ranks, wrong)
