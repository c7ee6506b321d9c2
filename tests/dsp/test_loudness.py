"""Levels of renderings: those of the originals, without bursts and without sound in silence."""

from __future__ import annotations

import numpy as np
import pytest

from voxguard.dsp.loudness import HEADROOM, at_level, follow_level, match_level, speech_level

RATE = 16_000


@pytest.fixture
def hiss(voice):
    return np.random.default_rng(0).standard_normal(voice.size).astype(np.float32)


def rms_db(samples):
    return 10 * np.log10(np.mean(samples.astype(np.float64) ** 2) + 1e-20)


def test_speech_level_hears_neither_pauses_nor_clicks(voice):
    level = speech_level(voice, RATE)
    paused = np.concatenate([voice, np.zeros(RATE, np.float32)])
    clicked = voice.copy()
    clicked[8_000] = 10.0
    for other in (paused, clicked):
        assert 20 * np.log10(speech_level(other, RATE) / level) == pytest.approx(0.0, abs=1.5)
    assert speech_level(np.zeros(7, np.float32), RATE) == 0.0
    single = np.zeros(RATE, np.float32)
    single[5] = 1.0
    assert speech_level(single, RATE) > 0.0
    rare = 1e-6 * np.ones(20 * RATE, np.float32)
    rare[: voice.size] = voice
    assert speech_level(rare, RATE) > 0.02 * np.abs(voice).max()


@pytest.mark.parametrize("gain", [1e-3, 1.0, 30.0])
def test_following_gives_the_contour_of_the_original(voice, hiss, gain):
    out = follow_level(voice, gain * hiss, RATE)
    assert rms_db(out) == pytest.approx(rms_db(voice), abs=1.0)
    for start in range(0, voice.size, 1_600):
        part = slice(start, start + 1_600)
        assert rms_db(out[part]) == pytest.approx(rms_db(voice[part]), abs=4.0)


def test_nothing_sounds_where_the_original_is_silent(voice, hiss):
    gated = voice.copy()
    gated[6_000:12_000] = 0.0
    out = follow_level(gated, hiss, RATE)
    assert not out[6_700:11_300].any()
    assert not follow_level(np.zeros_like(voice), hiss, RATE).any()
    assert not match_level(np.zeros_like(voice), hiss, RATE).any()


def test_a_faint_rendering_is_not_blown_up_without_end(voice, hiss):
    rendered = hiss.copy()
    rendered[:8_000] *= 1e-6
    out = follow_level(voice, rendered, RATE)
    assert rms_db(out[:7_000]) < rms_db(voice[:7_000]) - 20
    assert rms_db(out[9_000:]) == pytest.approx(rms_db(voice[9_000:]), abs=1.5)


@pytest.mark.parametrize("bring", [follow_level, match_level])
def test_bursts_are_held(voice, hiss, bring):
    hiss[::500] = 100.0
    out = bring(voice, hiss, RATE)
    assert np.abs(out).max() <= HEADROOM * np.abs(voice).max() + 1e-6


def test_one_gain_for_all(voice, hiss):
    out = match_level(voice, 0.01 * hiss, RATE)
    assert rms_db(out) == pytest.approx(rms_db(voice), abs=2.0)
    inner = np.abs(out) < np.abs(out).max()
    np.testing.assert_allclose(np.std(out[inner] / hiss[inner]), 0.0, atol=1e-6)


def test_a_bang_does_not_make_speech_louder(voice, hiss):
    bang = voice.copy()
    bang[8_000:8_400] = 0.7 * np.sign(hiss[:400])
    plain, banged = (match_level(x, hiss, RATE) for x in (voice, bang))
    assert rms_db(banged) == pytest.approx(rms_db(plain), abs=1.0)


@pytest.mark.parametrize("bring", [follow_level, match_level])
@pytest.mark.parametrize("size", [1, 7, 159, 161])
def test_very_short_ones(bring, size):
    ones = np.ones(size, np.float32)
    np.testing.assert_allclose(bring(0.25 * ones, ones, RATE), 0.25 * ones, atol=1e-6)
    assert not bring(ones, 0 * ones, RATE).any()


@pytest.mark.parametrize(
    ("heard_db", "given_db"),
    [(-3, -20), (-20, -20), (-45, -20), (-55, -25), (-60, -30), (-70, -60), (-75, -75), (-90, -90)],
)
def test_speech_is_brought_to_a_level_and_silence_is_not(heard_db, given_db):
    noise = np.random.default_rng(0).uniform(-1.0, 1.0, (1, 16_000)).astype(np.float32)
    noise *= np.float32(10 ** (heard_db / 20) / speech_level(noise[0], 16_000))
    made = at_level(np.clip(noise, -1, 1), 16_000, -20.0)
    assert 20 * np.log10(speech_level(made[0], 16_000)) == pytest.approx(given_db, abs=0.5)


def test_the_louder_channel_decides(voice):
    both = np.stack([voice, np.float32(0.05) * voice])
    made = at_level(both, 16_000, -30.0)
    assert np.allclose(made[1], 0.05 * made[0], atol=1e-7)
    assert 20 * np.log10(speech_level(made[0], 16_000)) == pytest.approx(-30.0, abs=0.01)
    assert at_level(both, 16_000, 20.0).max() < 1.0
    assert at_level(np.zeros((2, 0), np.float32), 16_000, -20.0).shape == (2, 0)
