"""Stretches of speech: nothing of it is lost, pauses are, and the joints add up."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from voxguard.dsp.spans import Span, joint, speech_spans

RATE = 16_000
LONGEST = 2 * RATE


def test_pauses_part_and_gaps_do_not(voice):
    def after(gap_s):
        gap = np.zeros(int(gap_s * RATE), np.float32)
        return speech_spans(np.concatenate([voice, gap, voice]), RATE, 4 * RATE)

    assert len(after(0.1)) == 1
    first, second = after(1.0)
    assert first.start == 0
    assert RATE <= first.stop < 1.2 * RATE
    assert 1.8 * RATE < second.start <= 2 * RATE


@pytest.mark.parametrize("seconds", [0.5, 2.0, 2.1, 7.7])
def test_long_stretches_are_cut_where_it_is_quiet(make_voice, seconds):
    samples = np.array(make_voice(seconds=seconds, seed=3))
    samples += 1e-2 * np.random.default_rng(0).standard_normal(samples.size).astype(np.float32)
    spans = speech_spans(samples, RATE, LONGEST)  # the noise leaves no pauses
    assert spans[0].start == 0
    assert spans[-1].stop == samples.size
    assert all(a.stop == b.start for a, b in pairwise(spans))
    assert all(span.stop - span.start <= LONGEST for span in spans)
    power = np.convolve(samples**2, np.ones(800) / 800, "same")
    for span in spans[:-1]:
        assert power[span.stop] < 0.3 * power.mean()


def test_every_loud_moment_is_in_one(make_voice):
    samples = np.array(make_voice(seconds=9.0, seed=1))
    samples[30_000:50_000] = 0.0
    inside = np.zeros(samples.size, bool)
    for start, stop in speech_spans(samples, RATE, LONGEST):
        inside[start:stop] = True
    loud = np.abs(samples) > 0.02 * np.abs(samples).max()
    assert inside[loud].all()
    assert not inside[33_000:47_000].any()


@pytest.mark.parametrize("samples", [np.zeros(5), np.zeros(40_000)], ids=len)
def test_digital_silence_is_no_speech(samples):
    assert speech_spans(samples.astype(np.float32), RATE, LONGEST) == []


@pytest.mark.parametrize("size", [1, 7, 161])
def test_very_short_ones(size):
    assert speech_spans(np.ones(size, np.float32), RATE, LONGEST) == [Span(0, size)]


def test_a_single_click_is_found():
    samples = np.zeros(5 * RATE, np.float32)
    samples[40_000] = 0.5
    ((start, stop),) = speech_spans(samples, RATE, LONGEST)
    assert 38_000 < start < 40_000 < stop < 42_000


def test_joints_add_up_to_one_over_spans_that_follow_each_other():
    ends = [0, 500, 900, 2_000]
    total = np.zeros(2_000)
    for start, stop in pairwise(ends):
        window, weights = joint(Span(start, stop), 2_000, 100)
        total[window.start : window.stop] += weights
    np.testing.assert_allclose(total, 1.0, atol=1e-6)


def test_a_span_by_itself_fades_in_and_out():
    window, weights = joint(Span(500, 900), 2_000, 100)
    assert window == Span(450, 950)
    assert weights[0] < 0.01 > weights[-1]
    assert (weights[100:-100] == 1.0).all()
    assert (np.diff(weights[:100]) > 0).all()
