"""True-positive rate at a false-positive rate: never more false positives than allowed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from voxguard.errors import ConfigurationError
from voxguard.metrics import resolvable, tpr_at_fpr

TIED = st.lists(st.integers(-4, 4), min_size=1, max_size=30)


@pytest.mark.parametrize("fpr", [0.1, 0.01, 0.001])
@pytest.mark.parametrize("d", [0.0, 2.0, 4.0])
def test_normal_scores(gaussian, d, fpr):
    exact = norm.sf(norm.isf(fpr) - d)
    assert tpr_at_fpr(*gaussian(d, n=50_000), fpr=fpr) == pytest.approx(exact, abs=2e-3)


@settings(max_examples=150, deadline=None)
@given(TIED, TIED, st.integers(0, 30))
def test_definition(mated, non_mated, tenths):
    fpr = min(1.0, tenths / 30)
    best = 0.0
    for t in [*mated, *non_mated, 99]:
        if sum(s >= t for s in non_mated) * 30 <= tenths * len(non_mated):
            best = max(best, np.mean([s >= t for s in mated]))
    assert tpr_at_fpr(mated, non_mated, fpr=fpr) == pytest.approx(best)


def test_tied_pairs_are_accepted_together_or_not_at_all():
    assert tpr_at_fpr([1.0, 1.0, 2.0], [1.0, 1.0, 0.0, 0.0], fpr=0.25) == pytest.approx(1 / 3)
    assert tpr_at_fpr([1.0, 1.0], [1.0, 1.0], fpr=0.5) == 0.0


def test_too_few_non_mated_pairs_allow_no_false_positive():
    assert not resolvable(99, 0.01)
    assert tpr_at_fpr([2.0, 4.0], [float(i % 4) for i in range(99)], fpr=0.01) == 0.5


def test_resolution_is_not_lost_to_rounding():
    for n in range(1, 300):
        assert resolvable(n, 1 / n)
        assert not resolvable(n, 0.999 / n)
    non_mated = np.arange(100.0)
    assert tpr_at_fpr([70.5], non_mated, fpr=0.29) == 1.0


@pytest.mark.parametrize("fpr", [-0.1, 1.1, float("nan")])
def test_no_rate(fpr):
    with pytest.raises(ConfigurationError, match="lies in 0 to 1"):
        tpr_at_fpr([1.0], [0.0], fpr=fpr)
