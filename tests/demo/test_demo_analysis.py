"""Figures and pictures against signals whose answer is known."""

import base64
import json

import numpy as np
import pytest

from voxguard.demo.analysis import analyze, loudest_channel
from voxguard.demo.likeness import likeness
from voxguard.errors import UnsupportedAudioError


def picture(about, side):
    shape = about["spectrogram"]["rows"], about["spectrogram"]["columns"]
    return np.frombuffer(base64.b64decode(about["spectrogram"][side]), np.uint8).reshape(shape)


def tone(hertz, seconds=1.0, rate=16_000):
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)).astype(
        np.float32
    )


def test_a_tone_lies_in_its_row():
    about = analyze(tone(2000)[None], tone(6000)[None], 16_000)
    middle = about["spectrogram"]["columns"] // 2
    rows = [int(picture(about, side)[:, middle].argmax()) for side in ("before", "after")]
    top = about["spectrogram"]["rows"] - 1
    assert [row * 8000 / top for row in rows] == pytest.approx([2000, 6000], abs=32)
    assert picture(about, "before").max() == 255


def test_both_pictures_have_one_scale(voice):
    about = analyze(voice[None], 0.1 * voice[None], 16_000)
    before, after = (picture(about, side).astype(int) for side in ("before", "after"))
    bright = before > 150
    assert (before - after)[bright].mean() == pytest.approx(255 * 20 / 70, abs=2)


@pytest.mark.parametrize("seconds", [0.01, 1.0, 59.9])
def test_a_picture_is_small_however_long_the_recording(seconds):
    about = analyze(tone(500, seconds)[None], tone(500, seconds)[None], 16_000)
    assert 1 <= about["spectrogram"]["columns"] <= 700
    assert about["seconds"] == pytest.approx(seconds, abs=1e-3)


def test_pitch_and_level_of_the_same_are_kept(voice):
    about = analyze(voice[None], 0.5 * voice[None], 16_000)
    assert about["pitch"]["correlation"] == 1.0
    assert about["pitch"]["before_median_hz"] == about["pitch"]["after_median_hz"]
    assert about["level"]["change_db"] == -6.0
    assert about["level"]["correlation"] > 0.99
    frames = len(voice) // 160 + 1
    for track in ("before_hz", "after_hz"):
        assert len(about["pitch"][track]) == frames
    assert len(about["level"]["before_db"]) == frames


def test_pitch_of_pulses_is_known():
    pulses = [np.zeros(16_000, np.float32) for _ in range(2)]
    pulses[0][::100] = pulses[1][::80] = 0.5
    about = analyze(pulses[0][None], pulses[1][None], 16_000)["pitch"]
    assert about["before_median_hz"] == pytest.approx(160, abs=1)
    assert about["after_median_hz"] == pytest.approx(200, abs=1)


@pytest.mark.parametrize("channels", [1, 2])
def test_silence_has_no_pitch_and_no_level(channels):
    silence = np.zeros((channels, 8000), np.float32)
    about = analyze(silence, silence, 8_000)
    assert about["pitch"]["before_median_hz"] is about["pitch"]["correlation"] is None
    assert about["level"]["change_db"] is about["level"]["correlation"] is None
    assert set(about["level"]["before_db"]) == {-80.0}
    json.dumps(about, allow_nan=False)


def test_opposite_phases_are_not_averaged_to_silence(voice):
    both = np.stack([voice, -voice])
    one, _ = loudest_channel(both, both, 16_000)
    assert np.array_equal(one, voice)
    assert analyze(both, both, 16_000)["pitch"]["before_median_hz"] is not None


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_any_rate(make_voice, rate):
    voice = make_voice(rate)[None]
    about = analyze(voice, voice, rate)
    json.dumps(about, allow_nan=False)
    assert about["seconds"] == 1.0


def test_a_single_sample():
    for rate in (4_000, 384_000):
        one = np.full((1, 1), 0.1, np.float32)
        about = analyze(one, one, rate)
        json.dumps(about, allow_nan=False)
        assert about["spectrogram"]["columns"] >= 1


def test_what_does_not_match_is_refused(voice):
    for after in (voice, voice[None, :-1], voice[None, :0]):
        with pytest.raises(UnsupportedAudioError):
            analyze(voice[None], after, 16_000)


def test_likeness(make_voice):
    pytest.importorskip("torch")
    pytest.importorskip("resemblyzer", exc_type=ImportError)
    one, other = make_voice(seconds=5.0, speaker=1), make_voice(seconds=5.0, speaker=4)
    same, changed = likeness(one, one), likeness(one, other)
    assert same["after"] == 1.0
    assert changed["after"] < changed["before"] < 1.0
    assert changed["strangers"] == 0.62
    assert likeness(one[:16_000], one[:16_000])["before"] is None
    late = np.concatenate([np.zeros(80_000, np.float32), one])
    assert likeness(late, late) == {**same, "before": None}


def test_likeness_says_why_it_cannot_be_told(monkeypatch, voice):
    for quiet in (0.0 * voice, 1e-5 * voice):
        about = likeness(quiet, quiet)
        assert about["after"] is None
        assert "silence" in about["error"]
    assert "1 s" in likeness(voice[:8_000], voice[:8_000])["error"]
    from voxguard.errors import MissingExtraError

    def missing():
        raise MissingExtraError("torch", "eval", "the d-vector")

    monkeypatch.setattr("voxguard.demo.likeness._encoder", missing)
    about = likeness(voice, voice)
    assert about["after"] is about["before"] is None
    assert 'pip install "voxguard[eval]"' in about["error"]
