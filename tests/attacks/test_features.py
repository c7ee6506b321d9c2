from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("pyworld")

from voxguard.attacks.features import FEATURE_NAMES, Acoustic, acoustic_features, f0_track
from voxguard.attacks.recording import Recording


def named(samples):
    return dict(zip(FEATURE_NAMES, acoustic_features(samples.astype(np.float32)), strict=True))


def odd_signals():
    rng = np.random.default_rng(0)
    click = np.zeros(8_000)
    click[4_000] = 1.0
    return {
        "one sample": np.ones(1),
        "nothing": np.zeros(1),
        "silence": np.zeros(16_000),
        "constant": np.ones(16_000),
        "click": click,
        "noise of 0.3 s": rng.normal(size=4_800),
        "noise of 10 ms": rng.normal(size=160),
        "tiny": 1e-30 * rng.normal(size=16_000),
        "loud": 1e6 * rng.normal(size=16_000),
        "then silence": np.concatenate([rng.normal(size=2_000), np.zeros(30_000)]),
    }


@pytest.mark.parametrize("title", odd_signals())
def test_every_number_is_finite_for_every_input(title):
    features = acoustic_features(odd_signals()[title].astype(np.float32))
    assert features.shape == (len(FEATURE_NAMES),)
    assert features.dtype == np.float64
    assert np.isfinite(features).all()


def test_names_are_one_each():
    assert len(set(FEATURE_NAMES)) == len(FEATURE_NAMES) == 99


def test_the_level_does_not_matter(voice):
    assert acoustic_features(0.01 * voice) == pytest.approx(acoustic_features(voice), rel=1e-3)


def test_pitch_of_a_pulse_train_that_falls():
    times = np.arange(32_000) / 16_000
    octaves = np.log2(200.0) - 0.25 * times
    phase = np.cumsum(2.0**octaves / 16_000)
    pulses = np.zeros(32_000)
    pulses[np.searchsorted(phase, np.arange(1, int(phase[-1])))] = 1.0
    found = named(pulses)
    assert found["f0_median_octaves"] == pytest.approx(np.log2(200.0) - 0.25, abs=0.02)
    assert found["f0_slope_octaves_per_s"] == pytest.approx(-0.25, abs=0.05)
    assert found["f0_std_octaves"] == pytest.approx(0.5 / np.sqrt(12), abs=0.02)
    assert found["voiced_share"] > 0.9
    track = f0_track(pulses)
    assert len(track) == 201
    inside = track[10:-10] > 0
    expected = 2.0 ** octaves[160 * np.arange(10, 191)]
    assert track[10:-10][inside] == pytest.approx(expected[inside], rel=0.02)


def test_no_pitch_in_noise():
    found = named(np.random.default_rng(0).normal(size=16_000))
    assert found["voiced_share"] < 0.2
    silent = named(np.zeros(16_000))
    assert silent["voiced_share"] == 0.0
    assert silent["f0_median_octaves"] == pytest.approx(np.log2(150.0))


def test_pauses():
    rng = np.random.default_rng(0)
    speech, pause = rng.normal(size=8_000), np.zeros(4_800)
    edge = np.zeros(16_000)
    found = named(np.concatenate([edge, speech, pause, speech, pause, speech, edge]))
    assert found["pause_s"] == pytest.approx(0.3, abs=0.04)
    assert found["speech_run_s"] == pytest.approx(0.5, abs=0.04)
    assert found["pauses_per_s"] == pytest.approx(2 / 2.1, abs=0.1)
    assert found["speech_share"] == pytest.approx(1.5 / 2.1, abs=0.05)


def test_spectral_shapes_of_a_tone():
    tone = np.sin(2 * np.pi * 2_000 * np.arange(16_000) / 16_000)
    found = named(tone)
    assert found["centroid_mean"] == pytest.approx(2_000, abs=30)
    assert found["rolloff_mean"] == pytest.approx(2_000, abs=60)
    assert found["bandwidth_mean"] < 300
    noise = named(np.random.default_rng(0).normal(size=16_000))
    assert noise["centroid_mean"] == pytest.approx(4_000, abs=150)
    assert noise["log_flatness_mean"] > found["log_flatness_mean"] + 3
    assert noise["bandwidth_mean"] == pytest.approx(8_000 / np.sqrt(12), rel=0.1)


def test_as_an_encoder(voice):
    encoder = Acoustic()
    vector = encoder.embed(Recording("a-1", "a", lambda: voice))
    assert np.array_equal(vector, acoustic_features(voice))
    assert encoder.fingerprint == Acoustic().fingerprint
    assert len(encoder.fingerprint) == 64
    assert not encoder.trainable
