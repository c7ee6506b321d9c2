"""Bootstraps of grouped values against standard errors in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from voxguard.errors import ConfigurationError
from voxguard.metrics import (
    Interval,
    bootstrap,
    bootstrap_difference,
    bootstrap_groups,
    error_rate,
)


def grouped(groups=40, each=5, seed=0):
    rng = np.random.default_rng(seed)
    names = np.repeat([f"s{i}" for i in range(groups)], each)
    return rng.normal(size=groups * each) + np.repeat(rng.normal(size=groups), each), names


def width_in_errors(interval):
    return (interval.high - interval.low) / (2 * norm.ppf(0.975))


def test_mean_has_the_standard_error_of_its_group_means():
    values, names = grouped()
    interval = bootstrap_groups(np.mean, values, names, seed=1, resamples=4000)
    means = values.reshape(40, 5).mean(axis=1)
    assert interval.value == values.mean()
    assert (interval.n, interval.groups, interval.undefined, interval.why) == (200, 40, 0, "")
    assert width_in_errors(interval) == pytest.approx(means.std() / np.sqrt(40), rel=0.06)


def test_level():
    values, names = grouped()
    wide, narrow = (
        bootstrap_groups(np.mean, values, names, seed=1, level=level) for level in (0.99, 0.5)
    )
    assert wide.low < narrow.low < narrow.high < wide.high


def test_same_seed_same_interval():
    values, names = grouped()
    first, again, other = (bootstrap_groups(np.mean, values, names, seed=s) for s in (3, 3, 4))
    assert first == again
    assert first != other


def test_the_order_of_values_is_no_matter_to_a_ratio():
    pairs = np.random.default_rng(0).integers(1, 20, size=(60, 2))
    names = np.repeat(list("abcdefghijkl"), 5)
    shuffled = np.random.default_rng(1).permutation(60)
    interval = bootstrap_groups(error_rate, pairs, names, seed=0)
    assert interval == bootstrap_groups(error_rate, pairs[shuffled], names[shuffled], seed=0)
    assert interval.value == pairs[:, 0].sum() / pairs[:, 1].sum()


def test_values_may_be_labels():
    pairs = np.array([["F", "F"], ["F", "M"], ["M", "M"], ["M", "M"]])
    right = bootstrap_groups(
        lambda rows: np.mean(rows[:, 0] == rows[:, 1]), pairs, list("abcd"), seed=0
    )
    assert right.value == 0.75


def test_difference_drops_what_the_utterances_share():
    values, names = grouped()
    rng = np.random.default_rng(5)
    other = values + 0.3 + 0.01 * rng.normal(size=len(values))
    paired = bootstrap_difference(np.mean, values, other, names, seed=0)
    alone = bootstrap_groups(np.mean, values, names, seed=0)
    assert paired.value == pytest.approx(-0.3, abs=0.01)
    assert paired.low < paired.value < paired.high < 0
    assert width_in_errors(paired) < 0.05 * width_in_errors(alone)


def test_difference_of_a_system_and_itself_is_nothing():
    values, names = grouped()
    same = bootstrap_difference(np.median, values, values, names, seed=0)
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)


def test_one_speaker_has_no_interval():
    interval = bootstrap_groups(np.mean, [1.0, 2.0], ["a", "a"], seed=0)
    assert (interval.value, interval.low, interval.high) == (1.5, None, None)
    assert interval.why == "one speaker has no interval"


def refuses_without(name):
    def statistic(values):
        if name not in values:
            raise ConfigurationError(f"no {name}")
        return 1.0

    return statistic


def test_undefined_resamples_are_left_out_and_counted():
    names = [f"s{i}" for i in range(4)]  # one of four is missed by (3/4)^4 = 0.32 of resamples
    interval = bootstrap_groups(refuses_without("s0"), names, names, seed=0)
    assert (interval.value, interval.low, interval.high) == (1.0, None, None)
    assert interval.undefined == pytest.approx(316, abs=60)
    assert interval.why == (
        f"undefined for {interval.undefined} of 1000 resamples: too few speakers"
    )
    twice = np.array(["s0"] * 4 + names[1:])
    rarely = bootstrap_groups(refuses_without("s0"), twice, [f"g{i}" for i in range(7)], seed=0)
    assert 0 < rarely.undefined < 100
    assert (rarely.low, rarely.high) == (1.0, 1.0)


@pytest.mark.parametrize("nothing", [None, float("nan"), -float("inf")])
def test_undefined_on_the_data_themselves(nothing):
    interval = bootstrap_groups(lambda values: nothing, [1.0, 2.0], ["a", "b"], seed=0)
    assert interval.value is None
    assert interval.why == f"the metric gave {nothing}"


def test_the_reason_of_a_metric_that_refuses():
    interval = bootstrap_groups(refuses_without("x"), ["y", "z"], ["a", "b"], seed=0)
    assert interval.figure() == {"value": None, "low": None, "high": None, "n": 2, "why": "no x"}


def test_a_wrong_call_of_a_metric_is_not_swallowed():
    with pytest.raises(TypeError):
        bootstrap_groups(lambda: 1.0, [1.0, 2.0], ["a", "b"], seed=0)


def test_a_fitted_statistic_is_reflected_within_its_range():
    # The largest of the data: no resample exceeds it, so the percentile interval hangs below it
    values = np.arange(10.0)

    def largest(times):
        return float(values[times > 0].max())

    plain = bootstrap(largest, 10, n=10, seed=0)
    assert plain.low < 9.0 == plain.high
    fitted = bootstrap(largest, 10, n=10, seed=0, fitted=(0.0, 10.0))
    assert fitted.low == 9.0 < fitted.high == min(10.0, 18.0 - plain.low)


def test_figure_of_an_interval():
    assert Interval(0.1, 0.05, 0.2, 9, 3).figure() == {
        "value": 0.1,
        "low": 0.05,
        "high": 0.2,
        "n": 9,
    }


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"values": [1.0]}, "one group a value, got 2 groups for values of shape"),
        ({"values": [], "groups": []}, "got 0 groups"),
        ({"resamples": 0}, "at least 1 resample"),
        ({"level": 1.0}, "level between 0 and 1"),
    ],
)
def test_unusable_arguments(wrong, said):
    arguments = {"values": [1.0, 2.0], "groups": ["a", "b"], "seed": 0} | wrong
    with pytest.raises(ConfigurationError, match=said):
        bootstrap_groups(np.mean, **arguments)


def test_a_difference_needs_pairs():
    with pytest.raises(ConfigurationError, match="same utterances"):
        bootstrap_difference(np.mean, [1.0], [1.0, 2.0], ["a"], seed=0)
