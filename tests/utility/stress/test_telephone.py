from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from voxguard.utility.stress.telephone import compress, expand, telephone


def libsndfile(samples):
    """The same bytes by the codec of a library of others, from 16-bit samples."""
    stream = io.BytesIO()
    soundfile.write(stream, samples, 8_000, format="RAW", subtype="ULAW")
    coded = np.frombuffer(stream.getvalue(), np.uint8)
    stream.seek(0)
    decoded, _ = soundfile.read(
        stream, dtype="int16", format="RAW", subtype="ULAW", samplerate=8_000, channels=1
    )
    return coded, decoded


def test_every_code_decodes_as_elsewhere():
    stream = io.BytesIO(bytes(range(256)))
    decoded, _ = soundfile.read(
        stream, dtype="int16", format="RAW", subtype="ULAW", samplerate=8_000, channels=1
    )
    assert np.array_equal(expand(np.arange(256, dtype=np.uint8)) * 32768, decoded)


def test_codes_are_those_of_another_coder():
    linear = np.arange(-32768, 32768, 4).astype(np.int16)  # the steps of 14 bits
    ours, (theirs, _) = compress(linear / 32768.0), libsndfile(linear)
    differ = np.flatnonzero(expand(ours) != expand(theirs))
    # where they differ, ours must be no further from the sample than theirs
    far = np.abs(expand(ours) - linear / 32768.0) - np.abs(expand(theirs) - linear / 32768.0)
    assert (far[differ] <= 1e-7).all()
    assert len(differ) < 0.02 * len(linear)


def test_every_code_survives_a_second_time():
    codes = np.arange(256, dtype=np.uint8)
    again = compress(expand(codes))
    assert np.array_equal(np.delete(again, 127), np.delete(codes, 127))
    assert again[127] == 255  # minus zero becomes zero


@pytest.mark.parametrize("level_db", [0, -3, -10, -20])
def test_signal_to_quantisation_noise(level_db):
    sine = np.sin(np.arange(40_000) * 0.7) * 10 ** (level_db / 20)
    assert ratio_db(sine) == pytest.approx(37.5, abs=1.0)
    loud = np.random.default_rng(0).laplace(size=40_000) / 12.0  # the amplitudes of speech
    assert ratio_db(loud) == pytest.approx(37.4, abs=1.0)


def ratio_db(samples):
    error = expand(compress(samples)) - samples
    return 10 * np.log10(np.mean(samples**2) / np.mean(error**2))


@pytest.mark.parametrize("sample_rate", [8_000, 16_000, 44_100])
@pytest.mark.parametrize(
    ("hertz", "least", "most"),
    [(100, -99, -30), (180, -99, -30), (320, -1, 1), (1_000, -1, 1), (3_380, -1, 1),
     (3_800, -99, -30)],
)  # fmt: skip
def test_band(sample_rate, hertz, least, most):
    sine = (0.5 * np.sin(2 * np.pi * hertz * np.arange(sample_rate) / sample_rate)).astype("f4")
    heard = telephone(sine, sample_rate)
    middle = slice(sample_rate // 4, -sample_rate // 4)
    spectrum = np.abs(np.fft.rfft(np.float64([sine[middle], heard[middle]])))
    there = int(np.argmax(spectrum[0]))
    assert least <= 20 * np.log10(spectrum[1, there] / spectrum[0, there] + 1e-4) <= most


def test_nothing_above_the_band_comes_back(voice):
    power = np.abs(np.fft.rfft(telephone(voice, 16_000))) ** 2
    hertz = np.fft.rfftfreq(len(voice), 1 / 16_000)
    assert power[hertz > 4_050].sum() < 1e-4 * power.sum()
