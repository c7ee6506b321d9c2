"""Contours of F0 in a drawn mean and spread."""

from __future__ import annotations

import numpy as np
import pytest

from voxguard.dsp import population
from voxguard.dsp.intonation import LIMITS_HZ, Intonation, Pitch, formants_of_pitch

FRAME_MS = 5.0


def contour(mean_hz=200.0, spread=0.2, frames=2000, seed=0):
    """A melody with pauses."""
    rng = np.random.default_rng(seed)
    slow = np.convolve(rng.standard_normal(frames + 400), np.hanning(200), "same")[200:-200]
    f0 = mean_hz * np.exp(spread * (slow - slow.mean()) / slow.std())
    f0[np.arange(frames) % 250 < 60] = 0.0
    return f0


def intonation(mean_hz=140.0, spread=1.0, seed=0):
    return Intonation(Pitch(mean_hz, spread), FRAME_MS, np.random.default_rng(seed))


def log(f0):
    return np.log(f0[f0 > 0])


@pytest.mark.parametrize("source_hz", [90.0, 220.0])
@pytest.mark.parametrize(("source_spread", "spread"), [(0.1, 0.8), (0.3, 1.2)])
def test_mean_and_spread_are_those_drawn(source_hz, source_spread, spread):
    moved = intonation(spread=spread)(contour(source_hz, source_spread))
    assert np.exp(log(moved).mean()) == pytest.approx(140.0, rel=0.03)
    assert log(moved).std() == pytest.approx(spread * population.LOG_F0_SPREAD, rel=0.15)


def test_voicing_and_melody_stay():
    f0 = contour()
    moved = intonation()(f0)
    assert np.array_equal(moved > 0, f0 > 0)
    assert np.corrcoef(log(moved), log(f0))[0, 1] > 0.97


def test_fine_movements_do_not_stay():
    f0 = contour()
    rng = np.random.default_rng(1)
    shaky = np.where(f0 > 0, f0 * np.exp(0.02 * rng.standard_normal(len(f0))), 0.0)
    moved, again = intonation(seed=1)(shaky), intonation(seed=2)(shaky)
    within = np.abs(np.diff(log(f0), 2)) < 0.01  # not where one voiced stretch ends
    assert within.mean() > 0.8
    own, theirs, others = (np.diff(log(x), 2)[within] for x in (shaky, moved, again))
    assert abs(np.corrcoef(own, theirs)[0, 1]) < 0.4
    assert abs(np.corrcoef(others, theirs)[0, 1]) < 0.6  # what is smooth is shared


def test_without_spread_it_is_a_monotone():
    assert log(intonation(spread=0.0)(contour())).std() < 0.02


def test_octave_errors_stay_within_limits():
    f0 = contour()
    f0[100:140] *= 2.0
    f0[400:420] /= 2.5
    moved = intonation(mean_hz=300.0, spread=2.0)(f0)
    assert LIMITS_HZ[0] <= moved[moved > 0].min()
    assert moved.max() <= LIMITS_HZ[1]


@pytest.mark.parametrize("frames", [1, 2, 9])
def test_a_few_frames_go_to_the_mean(frames):
    moved = intonation()(np.full(frames, 250.0))
    assert moved == pytest.approx(140.0, rel=0.05)


def test_no_pitch_gives_none_and_says_nothing_of_formants():
    move = intonation()
    assert not move(np.zeros(50)).any()
    assert move.formant_scale == 1.0


def test_statistics_are_carried_from_block_to_block():
    move = intonation()
    move(contour(200.0))
    after = move(np.where(np.arange(60) < 20, 300.0, 0.0))
    assert np.exp(log(after).mean()) > 160.0, "still the speaker of before, speaking high"


def test_a_high_voice_has_a_short_tract():
    man, woman = (formants_of_pitch(np.log(hz)) for hz in (120.0, 210.0))
    assert woman / man == pytest.approx(1.17, abs=0.02)
    assert formants_of_pitch(np.log(30.0)) == pytest.approx(0.88)
    assert formants_of_pitch(np.log(900.0)) == pytest.approx(1.14)
