"""The gate: hysteresis, guard, ramps; what it shuts is shut to the sample."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxguard.bystanders import gated, ramps

SCORES = st.lists(st.floats(0.0, 9.0) | st.just(float("nan")), max_size=40)


@given(SCORES)
def test_without_hysteresis_it_is_a_threshold(scores):
    found = gated(scores, opens=5.0, closes=5.0)
    np.testing.assert_array_equal(found, np.asarray(scores, float) >= 5.0)


@given(SCORES)
def test_it_never_opens_below_its_thresholds(scores):
    values = np.asarray(scores, float)
    found = gated(scores, opens=6.0, closes=4.0)
    assert not found[~(values >= 4.0)].any()
    opened = found & ~np.concatenate([[False], found[:-1]])
    assert (values[opened] >= 6.0).all()


@given(SCORES, st.integers(0, 4))
def test_a_guard_shuts_the_neighbours_of_what_is_shut(scores, guard):
    plain = gated(scores, opens=5.0, closes=4.0)
    guarded = gated(scores, opens=5.0, closes=4.0, guard=guard)
    near = [plain[max(0, i - guard) : i + guard + 1].all() for i in range(len(plain))]
    np.testing.assert_array_equal(guarded, np.array(near, bool))


@given(st.lists(st.booleans(), min_size=1, max_size=12), st.integers(0, 30))
def test_nothing_of_a_shut_frame_is_heard(flags, fade):
    is_open = np.array(flags)
    edges = np.arange(len(flags) + 1) * 16
    weights = ramps(is_open, edges, fade)
    assert weights.shape == (len(flags) * 16,)
    assert not weights.reshape(len(flags), 16)[~is_open].any()
    assert (weights >= 0).all()
    assert (weights <= 1).all()
    if is_open.all():
        assert (weights == 1).all()
    if fade:
        assert np.abs(np.diff(np.pad(weights, 0))).max(initial=0) <= 0.5 + 1e-6 or fade < 2


def test_ramps_are_no_click():
    weights = ramps(np.array([False, True, False]), np.array([0, 100, 200, 300]), 20)
    assert np.abs(np.diff(weights)).max() == pytest.approx(0.05, abs=1e-6)
