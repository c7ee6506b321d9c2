from __future__ import annotations

import numpy as np
import pytest

from voxguard.errors import ConfigurationError, NonFiniteAudioError
from voxguard.utility.stress.noise import add_noise, babble, looped, pink, white


@pytest.mark.parametrize("colour", [white, pink])
@pytest.mark.parametrize("snr_db", [-5.0, 0.0, 10.0, 30.0])
def test_the_ratio_is_met(colour, snr_db, voice):
    noisy = add_noise(voice, colour(len(voice), np.random.default_rng(1)), snr_db)
    added = noisy.astype(np.float64) - voice
    assert 10 * np.log10(np.mean(voice**2.0) / np.mean(added**2)) == pytest.approx(snr_db, abs=0.01)


def test_pink_falls_by_three_decibels_an_octave():
    power = np.abs(np.fft.rfft(pink(1 << 17, np.random.default_rng(0)))) ** 2
    octaves = [10 * np.log10(np.mean(power[1 << k : 2 << k])) for k in range(9, 15)]
    assert np.diff(octaves) == pytest.approx(-3.01, abs=0.5)


def test_babble_holds_every_voice_equally(make_voice):
    voices = [make_voice(speaker=s) * gain for s, gain in enumerate((0.01, 0.3, 0.8))]
    mixed = babble(voices, 16_000, np.random.default_rng(0))
    size = 16_000  # every voice is heard in a circle: its autocorrelation is in the mixture
    spectrum = np.fft.rfft(mixed)
    shares = []
    for voice in voices:
        own = np.fft.rfft(voice / np.linalg.norm(voice), size)
        shares.append(np.abs(np.fft.irfft(spectrum * np.conj(own), size)).max())
    assert min(shares) > 0.5 * max(shares)
    assert babble(voices, 40_000, np.random.default_rng(0)).shape == (40_000,)


def test_babble_of_silence():
    with pytest.raises(ConfigurationError, match="with a voice"):
        babble([np.zeros(100, np.float32)], 50, np.random.default_rng(0))


def test_noise_that_is_too_short_is_heard_again():
    heard = looped(np.arange(5, dtype=np.float32), 12, np.random.default_rng(3))
    assert np.array_equal(heard[:7], heard[5:])
    assert set(heard) == {0, 1, 2, 3, 4}


def test_unusable_noise(voice):
    with pytest.raises(ConfigurationError, match="as many"):
        add_noise(voice, np.ones(3), 10.0)
    with pytest.raises(ConfigurationError, match="silent"):
        add_noise(voice, np.zeros(len(voice)), 10.0)
    with pytest.raises(NonFiniteAudioError):
        add_noise(voice, np.full(len(voice), np.nan), 10.0)
