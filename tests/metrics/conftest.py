"""Scores whose metrics are known in closed form, and strategies for scores with ties."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import norm


def quantile_scores(mean: float, sd: float, n: int) -> np.ndarray:
    """A sample that follows the normal distribution as closely as n scores can, shuffled."""
    scores = norm.ppf((np.arange(n) + 0.5) / n, mean, sd)
    return np.random.default_rng(0).permutation(scores)


@pytest.fixture(scope="session")
def gaussian() -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """``gaussian(d, sd=1, n=20_000)``: mated N(d, sd) and non-mated N(0, 1)."""

    def make(d: float, sd: float = 1.0, n: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
        return quantile_scores(d, sd, n), quantile_scores(0.0, 1.0, n)

    return make


@pytest.fixture(scope="session")
def calibrated() -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """``calibrated(variance)``: normal scores that are their own log-likelihood ratios."""

    def make(variance: float, n: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
        sd = np.sqrt(variance)
        return quantile_scores(variance / 2, sd, n), quantile_scores(-variance / 2, sd, n)

    return make


@pytest.fixture
def matrix() -> Callable[..., tuple[np.ndarray, list[str], list[str]]]:
    """``matrix(speakers, trials_each, d, seed)``: scores, enrolled, trial speakers."""

    def make(
        speakers: int, each: int, d: float = 2.0, seed: int = 0
    ) -> tuple[np.ndarray, list[str], list[str]]:
        rng = np.random.default_rng(seed)
        enrolled = [f"s{i:03d}" for i in range(speakers)]
        trials = [speaker for _ in range(each) for speaker in enrolled]
        scores = rng.normal(size=(speakers, len(trials))) + d * np.equal.outer(enrolled, trials)
        return scores, enrolled, trials

    return make
