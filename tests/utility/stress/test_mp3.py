from __future__ import annotations

import numpy as np
import pytest

from voxguard.errors import ConfigurationError
from voxguard.utility.stress import mp3 as module
from voxguard.utility.stress.mp3 import BIT_RATES, mp3


@pytest.mark.parametrize("sample_rate", [8_000, 16_000, 44_100])
@pytest.mark.parametrize("index", [0, 1, 3, 4, 7])  # on both sides of where the tag fits
def test_aligned_at_every_bit_rate(sample_rate, index, make_voice):
    kilobits = BIT_RATES[sample_rate][index]
    voice = make_voice(sample_rate)
    coded = mp3(voice, sample_rate, kilobits)
    size = 2 * len(voice)
    product = np.fft.rfft(coded, size) * np.conj(np.fft.rfft(voice, size))
    assert np.argmax(np.fft.irfft(product, size)) == 0
    assert np.corrcoef(coded, voice)[0, 1] > 0.9
    assert coded.shape == voice.shape


def test_more_bits_less_loss(make_voice):
    voice = make_voice(seconds=2.0)
    losses = [np.linalg.norm(mp3(voice, 16_000, rate) - voice) for rate in BIT_RATES[16_000][::4]]
    assert losses == sorted(losses, reverse=True)
    assert losses[0] > 2 * losses[-1]


@pytest.mark.parametrize("sample_rate", [8_000, 22_050, 44_100])
def test_the_bit_rate_is_the_one_asked_for(sample_rate, make_voice, monkeypatch):
    written = {}
    original = module.io.BytesIO

    class Kept(original):
        def seek(self, *args):
            written["bytes"] = self.getvalue()
            return super().seek(*args)

    monkeypatch.setattr(module.io, "BytesIO", Kept)
    voice = np.tile(make_voice(sample_rate), 8)
    for kilobits in BIT_RATES[sample_rate]:
        mp3(voice, sample_rate, kilobits)
        measured = len(written["bytes"]) * 8 / 1000 / 8.0
        assert min(BIT_RATES[sample_rate], key=lambda rate: abs(rate - measured)) == kilobits


def test_other_sample_rates_and_loud_speech(make_voice):
    for rate in (4_000, 20_000, 96_000):
        voice = make_voice(rate) * np.float32(3.0)
        coded = mp3(voice, rate, 64)
        assert np.corrcoef(coded, voice)[0, 1] > 0.95
        assert np.abs(coded).max() == pytest.approx(np.abs(voice).max(), rel=0.2)


def test_no_such_bit_rate(voice):
    with pytest.raises(ConfigurationError, match="8, 16, 24, 32"):
        mp3(voice, 16_000, 320)
