from __future__ import annotations

import numpy as np
import pytest

from voxguard.errors import NonFiniteAudioError, UnsupportedAudioError
from voxguard.utility.signal import (
    clipped_share,
    duration_change,
    gated_level_db,
    level_change_db,
)


@pytest.mark.parametrize("sample_rate", [8_000, 16_000, 48_000])
@pytest.mark.parametrize("amplitude", [1.0, 0.1, 0.003])
def test_level_of_a_tone(sample_rate, amplitude):
    tone = amplitude * np.sin(2 * np.pi * 440 * np.arange(3 * sample_rate) / sample_rate)
    expected = 20 * np.log10(amplitude / np.sqrt(2))
    assert gated_level_db(tone, sample_rate) == pytest.approx(expected, abs=0.01)


def test_pauses_do_not_count():
    tone = 0.3 * np.sin(np.arange(80_000) * 0.3)
    alone = gated_level_db(tone, 16_000)
    for pause in (np.zeros(400_000), 1e-3 * np.ones(400_000)):  # digital, and a room at -60 dB
        with_pause = gated_level_db(np.concatenate([tone, pause]), 16_000)
        assert with_pause == pytest.approx(alone, abs=0.4)


def test_silence_has_no_level():
    assert np.isnan(gated_level_db(np.zeros(16_000), 16_000))
    assert np.isnan(level_change_db(np.ones(16_000), np.zeros(16_000), 16_000))


def test_a_recording_shorter_than_a_block():
    assert gated_level_db(np.full(100, 0.5), 16_000) == pytest.approx(-6.02, abs=0.01)


def test_change_is_the_gain(voice):
    assert level_change_db(voice, 0.5 * voice, 16_000) == pytest.approx(-6.02, abs=0.01)
    assert level_change_db(voice, voice, 16_000) == 0.0


def test_duration():
    assert duration_change(np.zeros(1000), np.zeros(1100)) == pytest.approx(0.1)
    assert duration_change(np.zeros(1000), np.zeros(999)) == pytest.approx(-0.001)
    assert duration_change(np.zeros(1000), np.zeros(1000)) == 0.0


def test_clipping_grows_with_the_gain(voice):
    shares = [clipped_share(np.clip(gain * voice, -1, 1)) for gain in (1, 20, 80)]
    assert shares[0] == 0.0
    assert 0.0 < shares[1] < shares[2]
    loud = np.abs(80 * voice) >= 1
    assert 0.8 * loud.mean() < shares[2] <= loud.mean()  # less single peaks


def test_a_peak_at_full_scale_is_not_clipped():
    assert clipped_share(np.array([0.0, 1.0, 0.0, -1.0, 0.0])) == 0.0
    assert clipped_share(np.array([1.0, -1.0, 1.0, -1.0])) == 0.0
    assert clipped_share(np.full(5, 32767 / 32768)) == 1.0


@pytest.mark.parametrize("measure", [clipped_share, lambda x: gated_level_db(x, 16_000)])
def test_what_is_no_signal(measure):
    with pytest.raises(UnsupportedAudioError):
        measure(np.zeros((2, 10)))
    with pytest.raises(UnsupportedAudioError):
        measure(np.zeros(0))
    with pytest.raises(NonFiniteAudioError):
        measure(np.array([np.inf]))
