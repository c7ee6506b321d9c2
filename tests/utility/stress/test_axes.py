"""The table of stress axes: all keep length and alignment, and say what they do not take."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from voxguard.errors import ConfigurationError, UnknownNameError, UnsupportedAudioError
from voxguard.utility.stress import stress_axes, stress_axis

SPECS = ["noise:10", "noise:5:white", "noise:10:babble", "room:0.5", "telephone", "mp3:32"]


def lag(a, b):
    size = 2 * max(len(a), len(b))
    product = np.fft.rfft(b, size) * np.conj(np.fft.rfft(a, size))
    peak = int(np.argmax(np.fft.irfft(product, size)))
    return peak - size if peak > size // 2 else peak


@pytest.mark.parametrize("spec", SPECS)
def test_length_and_alignment_stay(spec, make_voice):
    voice = make_voice(seconds=2.0)[:-13]
    stressed = stress_axis(spec, speech=[make_voice(speaker=s) for s in (1, 2)])(
        voice, 16_000, np.random.default_rng(0)
    )
    assert stressed.shape == voice.shape
    assert stressed.dtype == np.float32
    assert np.isfinite(stressed).all()
    assert not np.array_equal(stressed, voice)
    assert lag(voice, stressed) == 0


@pytest.mark.parametrize("spec", SPECS)
def test_the_same_generator_gives_the_same(spec, make_voice):
    stress = stress_axis(spec, speech=[make_voice(speaker=s) for s in (1, 2)])
    one, two = (stress(make_voice(), 16_000, np.random.default_rng(7)) for _ in range(2))
    assert np.array_equal(one, two)


@pytest.mark.parametrize("spec", ["noise:10", "noise:10:white", "room:0.3", "telephone", "mp3:32"])
@pytest.mark.parametrize("samples", [np.zeros(3200), np.ones(1), np.zeros(1)])
def test_silence_and_single_samples(spec, samples):
    stressed = stress_axis(spec)(samples.astype(np.float32), 16_000, np.random.default_rng(0))
    assert stressed.shape == samples.shape
    if not samples.any():
        assert np.abs(stressed).max() < 1e-4


def test_levels_are_told():
    told = {spec: stress_axis(spec, speech=[np.ones(9, np.float32)]).level for spec in SPECS}
    assert told["noise:10"] == "10 dB SNR, pink"
    assert told["noise:10:babble"] == "10 dB SNR, babble"
    assert told["room:0.5"] == "T60 0.5 s"
    assert told["mp3:32"] == "32 kbit/s"
    assert {spec.partition(":")[0] for spec in SPECS} == set(stress_axes)


def test_an_unknown_axis_names_the_known_ones():
    with pytest.raises(UnknownNameError, match="mp3, noise, room, telephone"):
        stress_axis("wind:3")


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("noise", "as in noise:10"),
        ("noise:loud", "got 'loud'"),
        ("noise:nan", "got 'nan'"),
        ("noise:10:babble", "speech="),
        ("room", "as in room:0.5"),
        ("room:0.001", "0.05 to 10"),
        ("telephone:3", "takes no level"),
        ("mp3:", "as in mp3:32"),
        ("mp3:32.5", "whole number"),
    ],
)
def test_a_level_that_is_none(spec, told):
    with pytest.raises(ConfigurationError, match=told):
        stress_axis(spec)


@pytest.mark.parametrize("samples", [np.zeros((2, 9), np.float32), np.zeros(0), np.zeros(9, int)])
@pytest.mark.parametrize("spec", ["noise:10", "room:0.3", "telephone", "mp3:32"])
def test_another_layout_is_refused(spec, samples):
    with pytest.raises(UnsupportedAudioError, match="accepted: floating point"):
        stress_axis(spec)(samples, 16_000, np.random.default_rng(0))


def test_noise_and_response_from_files(tmp_path, make_voice):
    rng = np.random.default_rng(0)
    noise, response = tmp_path / "noise.wav", tmp_path / "rir.wav"
    soundfile.write(noise, rng.uniform(-0.1, 0.1, 4_000), 8_000)
    echo = np.zeros(4_000)
    echo[[200, 1200]] = 0.5, 0.25  # a delay, then an echo 125 ms after the direct sound
    soundfile.write(response, echo, 8_000)
    voice = make_voice(seconds=1.0)

    noisy = stress_axis(f"noise:10:{noise}")(voice, 16_000, rng)
    ratio = 10 * np.log10(np.sum(voice**2.0) / np.sum((noisy - voice) ** 2.0))
    assert ratio == pytest.approx(10.0, abs=0.01)

    axis = stress_axis(f"room:{response}")
    assert axis.level == str(response)
    click = np.zeros(16_000, np.float32)
    click[1_000] = 1.0
    played = axis(click, 16_000, rng)
    assert np.argmax(played) == 1_000
    assert played[3_000] / played[1_000] == pytest.approx(0.5, abs=0.01)


def test_a_silent_file_is_refused(tmp_path, voice):
    soundfile.write(tmp_path / "silent.wav", np.zeros(800), 8_000)
    with pytest.raises(UnsupportedAudioError, match="silent"):
        stress_axis(f"noise:10:{tmp_path / 'silent.wav'}")(voice, 16_000, np.random.default_rng(0))


def test_measured_responses(shared_data, voice):
    for path in sorted((shared_data / "robust" / "rir").glob("*.flac")):
        played = stress_axis(f"room:{path}")(voice, 16_000, np.random.default_rng(0))
        assert np.linalg.norm(played) == pytest.approx(np.linalg.norm(voice), rel=1e-4)
