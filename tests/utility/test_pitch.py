from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("pyworld")

import voxguard
from voxguard.utility.pitch import pitch_correlations


def pulses(octaves):
    """A pulse train whose F0 follows ``2**octaves`` Hz, ``(n,)`` at 16 kHz."""
    phase = np.cumsum(2.0**octaves / 16_000)
    train = np.zeros(len(octaves), np.float32)
    train[np.searchsorted(phase, np.arange(1, int(phase[-1])))] = 1.0
    return train


MELODY = 0.4 * np.sin(np.arange(32_000) / 2_500)


def test_a_melody_that_moves_up_is_the_same_and_one_upside_down_is_the_reverse():
    low, high = pulses(np.log2(130) + MELODY), pulses(np.log2(180) + MELODY)
    assert pitch_correlations(low, high) > 0.97
    assert pitch_correlations(low, pulses(np.log2(130) - MELODY)) < -0.97


def test_where_there_is_none():
    melody = pulses(np.log2(130) + MELODY)
    assert pitch_correlations(melody, np.zeros(32_000)) is None
    noise = np.random.default_rng(0).normal(size=3_000)
    assert pitch_correlations(melody, noise) is None


def test_a_longer_end_is_not_compared():
    melody = pulses(np.log2(130) + MELODY)
    assert pitch_correlations(melody, np.pad(melody, (0, 900))) > 0.99


def test_mcadams_keeps_the_melody(make_voice):
    voice = make_voice(seconds=3.0)
    assert pitch_correlations(voice, voxguard.McAdams(seed=0)(voice, 16_000)) > 0.5
