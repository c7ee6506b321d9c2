from __future__ import annotations

import numpy as np
import pytest

from voxguard.errors import ConfigurationError
from voxguard.utility.stress.room import reverberate, room_response


def schroeder_t60(response, sample_rate):
    """ISO 3382: backward integration, and a line through -5 to -35 dB."""
    left = np.cumsum(response[::-1].astype(np.float64) ** 2)[::-1]
    level = 10 * np.log10(left / left[0])
    part = np.flatnonzero((level < -5) & (level > -35))
    slope = np.polyfit(part / sample_rate, level[part], 1)[0]
    return -60.0 / slope


@pytest.mark.parametrize("t60", [0.2, 0.5, 1.2])
@pytest.mark.parametrize("sample_rate", [8_000, 16_000, 48_000])
def test_reverberation_time(t60, sample_rate):
    for seed in range(5):
        response = room_response(t60, sample_rate, np.random.default_rng(seed))
        assert schroeder_t60(response, sample_rate) == pytest.approx(t60, rel=0.1)


def test_as_much_energy_in_the_reverberation_as_in_the_direct_sound():
    response = room_response(0.5, 16_000, np.random.default_rng(0)).astype(np.float64)
    assert response[0] == 1.0
    assert np.sum(response[1:] ** 2) == pytest.approx(1.0, rel=1e-5)
    assert not response[1:48].any()
    assert response[48:].any()


def test_reverberation_is_the_convolution(make_voice):
    voice = make_voice(seconds=0.2)
    response = room_response(0.1, 16_000, np.random.default_rng(0))
    expected = np.convolve(voice.astype(np.float64), response)[: len(voice)]
    expected *= np.linalg.norm(voice) / np.linalg.norm(expected)
    assert reverberate(voice, response) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("t60", [0.0, -1.0, np.nan, np.inf, 11.0])
def test_no_such_room(t60):
    with pytest.raises(ConfigurationError, match=r"0\.05 to 10"):
        room_response(t60, 16_000, np.random.default_rng(0))
