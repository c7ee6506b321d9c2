"""Attribute guesses by hand, and what blindness reaches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxguard.errors import ConfigurationError
from voxguard.metrics import advantage, balanced_accuracy, blind_guess, recalls


def test_by_hand():
    truth, predicted = list("aaaabbc"), list("aaabbcc")
    assert recalls(truth, predicted) == {"a": 0.75, "b": 0.5, "c": 1.0}
    assert balanced_accuracy(truth, predicted) == 0.75


def test_a_class_that_does_not_occur_is_just_wrong():
    assert recalls(["a", "b"], ["x", "b"]) == {"a": 0.0, "b": 1.0}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from("abcd"), min_size=2, max_size=40).filter(lambda c: len({*c}) > 1))
def test_no_constant_guess_beats_blindness(truth):
    blind = blind_guess(truth)
    guesses = sorted({*truth})
    accuracies = [np.mean([guess == true for true in truth]) for guess in guesses]
    assert blind.accuracy == pytest.approx(max(accuracies))
    for guess in guesses:
        score = balanced_accuracy(truth, [guess] * len(truth))
        assert score == pytest.approx(blind.balanced_accuracy)
        assert advantage(score, blind.balanced_accuracy) == pytest.approx(0.0, abs=1e-12)
    assert advantage(balanced_accuracy(truth, truth), blind.balanced_accuracy) == 1.0


def test_advantage_of_two_classes_is_true_minus_false_positive_rate():
    truth, predicted = list("ppppnnnn"), list("pppnpnnn")
    assert advantage(balanced_accuracy(truth, predicted), 0.5) == pytest.approx(3 / 4 - 1 / 4)
    assert advantage(0.25, 0.5) == -0.5


def test_unusable_arguments():
    with pytest.raises(ConfigurationError, match="got 1 for 2"):
        recalls(["a", "b"], ["a"])
    with pytest.raises(ConfigurationError, match="only the class 'a'"):
        balanced_accuracy(["a", "a"], ["a", "b"])
    with pytest.raises(ConfigurationError, match="no classes"):
        blind_guess([])
    for wrong in ((1.1, 0.5), (0.5, 1.0), (float("nan"), 0.5)):
        with pytest.raises(ConfigurationError, match="less than 1"):
            advantage(*wrong)
