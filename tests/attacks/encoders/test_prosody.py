"""Pitch and timing on signals whose pitch and timing are known."""

from __future__ import annotations

import numpy as np
import pytest

from voxguard.attacks.encoders import create_encoder
from voxguard.attacks.encoders.prosody_statistics import PITCH, TIMING, runs, statistics
from voxguard.attacks.recording import Recording
from voxguard.errors import ConfigurationError, UnsupportedAudioError

pytest.importorskip("pyworld")
RATE = 16_000


def buzz(f0_hz, on_s, off_s, times):
    """Bursts of a harmonic tone with pauses between them."""
    t = np.arange(round(on_s * RATE)) / RATE
    tone = sum(np.sin(2 * np.pi * f0_hz * k * t) / k for k in range(1, 20))
    pause = np.zeros(round(off_s * RATE))
    noise = 1e-5 * np.random.default_rng(0).normal(size=(tone.size + pause.size) * times)
    return (0.1 * np.tile(np.concatenate([tone, pause]), times) + noise).astype(np.float32)


def test_pitch_is_in_octaves():
    low, high = (statistics(buzz(hz, 0.5, 0.2, 4), "u") for hz in (110.0, 220.0))
    assert low["f0_middle"] == pytest.approx(np.log2(110), abs=0.02)
    assert high["f0_mean"] - low["f0_mean"] == pytest.approx(1.0, abs=0.05)


def test_durations_are_those_of_the_bursts():
    found = statistics(buzz(150.0, 0.4, 0.25, 6), "u")
    assert np.exp(found["voiced_mean"]) == pytest.approx(0.4, rel=0.15)
    assert np.exp(found["pause_mean"]) == pytest.approx(0.25, rel=0.15)
    assert found["pause_share"] == pytest.approx(0.25 / 0.65, abs=0.05)
    assert found["voiced_rate"] == pytest.approx(1 / 0.65, rel=0.15)


def test_faster_speech_has_more_syllables():
    slow, fast = (statistics(buzz(150.0, on, on, round(3 / on)), "u") for on in (0.3, 0.1))
    assert fast["syllable_rate"] > slow["syllable_rate"]
    assert fast["modulation_4_hz"] > slow["modulation_4_hz"]


def test_loudness_does_not_matter(make_voice):
    samples = make_voice(seconds=2.0)
    loud, quiet = (statistics((g * samples).astype(np.float32), "u") for g in (1.0, 0.1))
    for name in (*PITCH, *TIMING):
        assert quiet[name] == pytest.approx(loud[name], abs=0.15), name


def test_another_timbre_is_the_same_prosody(make_voice):
    """The point of this channel: a filter changes timbre, not pitch and pauses."""
    samples = make_voice(seconds=3.0)
    filtered = np.convolve(samples, [1.0, 0.5, 0.25], "same").astype(np.float32)
    encoder = create_encoder("prosody")
    other = make_voice(seconds=3.0, speaker=5, seed=3)
    one, two, three = (
        encoder.embed(Recording("u", "s", lambda x=x: x)) for x in (samples, filtered, other)
    )
    assert np.linalg.norm(one - two) < 0.3 * np.linalg.norm(one - three)


def test_every_statistic_has_a_scale(make_voice):
    found = statistics(make_voice(seconds=2.0), "u")
    assert set(found) == {*PITCH, *TIMING}
    assert all(np.isfinite(value) for value in found.values())
    assert all(deviation > 0 for _, deviation in (PITCH | TIMING).values())


def test_without_voiced_speech_pitch_is_that_of_anybody():
    noise = np.random.default_rng(0).normal(0, 0.01, RATE).astype(np.float32)
    noise[: RATE // 2] *= 10.0
    whisper = Recording("u", "s", lambda: noise)
    assert "f0_mean" not in statistics(noise, "u")
    vector = create_encoder("prosody").embed(whisper)
    assert (vector[: len(PITCH)] == 0).all()
    assert np.isfinite(vector).all()


@pytest.mark.parametrize("size", [1, 30, 400, 9_000])
def test_short_recordings(size, make_voice):
    samples = make_voice()[4000 : 4000 + size]
    vector = create_encoder("prosody").embed(Recording("u", "s", lambda: samples))
    assert np.isfinite(vector).all()
    assert vector.shape == (len(PITCH) + len(TIMING) + 1,)


def test_digital_silence_has_no_prosody():
    with pytest.raises(UnsupportedAudioError, match="u: digital silence"):
        create_encoder("prosody").embed(Recording("u", "s", lambda: np.zeros(9000, np.float32)))


def test_the_parts_and_their_fingerprints(make_voice):
    recording = Recording("u", "s", lambda: make_voice())
    both = create_encoder("prosody")
    pitch = create_encoder("prosody", timing=False)
    timing = create_encoder("prosody", pitch=False)
    n = len(PITCH)
    np.testing.assert_array_equal(pitch.embed(recording)[:-1], both.embed(recording)[:n])
    np.testing.assert_array_equal(timing.embed(recording)[:-1], both.embed(recording)[n:-1])
    assert len({one.fingerprint for one in (both, pitch, timing)}) == 3
    with pytest.raises(ConfigurationError, match="pitch=True or timing=True"):
        create_encoder("prosody", pitch=False, timing=False)


def test_lengths_of_stretches():
    assert runs(np.array([1, 1, 0, 1, 0, 0, 1, 1, 1], bool)).tolist() == [2, 1, 3]
    assert runs(np.zeros(4, bool)).size == 0
