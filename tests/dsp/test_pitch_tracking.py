"""Pitch: of signals whose pitch is known."""

from __future__ import annotations

import numpy as np
import pytest

from voxguard.dsp import pitch
from voxguard.dsp.pitch import HALF_WINDOW, PathSearch, candidates, track_f0
from voxguard.dsp.voice import fundamental_hz

RATE = 16_000
PITCHES = [75.0, 99.0, 120.5, 163.0, 220.0, 301.7, 380.0, 450.0]
PERIODS = [213, 160, 133, 100, 73, 52, 41, 36]  # samples


def _harmonics(f0_hz, seconds=1.0, numbers=range(1, 12)):
    """Cosines at random phases; `f0_hz` is one number or one for each sample."""
    rng = np.random.default_rng(0)
    turns = np.cumsum(np.broadcast_to(f0_hz, round(seconds * RATE)) / RATE)
    waves = [
        np.cos(2 * np.pi * (k * turns + rng.random())) / k
        for k in numbers
        if k * np.max(f0_hz) < RATE / 2
    ]
    return (0.2 * np.sum(waves, axis=0)).astype(np.float32)


def _inner(track):
    return track[4:-4]  # the first and last windows are not full


class TestKnownPitch:
    @pytest.mark.parametrize("f0_hz", PITCHES)
    def test_that_of_harmonics_is_found_within_one_percent(self, f0_hz):
        assert np.abs(_inner(track_f0(_harmonics(f0_hz))) / f0_hz - 1.0).max() < 0.01

    @pytest.mark.parametrize("period", PERIODS)
    def test_that_of_pulses_is_found_within_one_percent(self, period):
        pulses = np.zeros(RATE, np.float32)
        pulses[::period] = 1.0
        assert np.abs(_inner(track_f0(pulses)) * period / RATE - 1.0).max() < 0.01

    @pytest.mark.parametrize("f0_hz", PITCHES[:5])
    def test_also_without_its_fundamental(self, f0_hz):
        track = _inner(track_f0(_harmonics(f0_hz, numbers=range(3, 10))))
        assert np.abs(track / f0_hz - 1.0).max() < 0.01

    @pytest.mark.parametrize("f0_hz", PITCHES)
    def test_also_in_noise(self, f0_hz):
        clean = _harmonics(f0_hz)
        noise = np.random.default_rng(1).standard_normal(len(clean)).astype(np.float32)
        track = _inner(track_f0(clean + 0.2 * clean.std() * noise))  # 14 dB
        assert (np.abs(track / f0_hz - 1.0) < 0.02).mean() > 0.98

    def test_a_glide_is_followed_in_its_time(self):
        f0_hz = np.linspace(100.0, 250.0, 2 * RATE)
        track = _inner(track_f0(_harmonics(f0_hz, 2.0)))
        expected = f0_hz[:: RATE // 100][4 : 4 + len(track)]
        assert np.abs(track / expected - 1.0).max() < 0.015

    @pytest.mark.parametrize("speaker", range(8))
    def test_a_voice_has_its_octave(self, make_voice, speaker):
        track = track_f0(make_voice(seconds=4.0, speaker=speaker))
        octaves = np.log2(track[track > 0] / fundamental_hz(speaker))
        assert abs(np.median(octaves)) < 0.1
        assert (np.abs(octaves) > 0.7).mean() < 0.12  # hiss too: a resonance is nearly periodic
        assert 0.6 < (track > 0).mean() < 0.9

    def test_few_frames_of_voices_miss_their_octave(self, make_voice):
        tracks = [
            (track_f0(make_voice(seconds=4.0, speaker=s)), fundamental_hz(s)) for s in range(8)
        ]
        octaves = np.concatenate([np.log2(track[track > 0] / hz) for track, hz in tracks])
        assert (np.abs(octaves) > 0.7).mean() < 0.05


class TestNoPitch:
    @pytest.mark.parametrize("level", [0.0, 0.5])
    def test_a_constant_has_none(self, level):
        inner = _inner(track_f0(np.full(RATE, level, np.float32)))
        assert not inner.any()

    def test_noise_has_none(self):
        noise = np.random.default_rng(0).standard_normal(5 * RATE).astype(np.float32)
        assert (track_f0(0.1 * noise) > 0).mean() < 0.02

    def test_what_is_far_below_the_rest_is_silence(self):
        loud, faint = _harmonics(120.0), 1e-3 * _harmonics(120.0)
        track = track_f0(np.concatenate([loud, faint]))
        assert (track[5:95] > 0).all()
        assert not track[108:].any()


class TestForm:
    @pytest.mark.parametrize("length", [0, 1, 10, 159, 160, 161, 640, 4001])
    def test_a_frame_every_ten_milliseconds(self, length):
        track = track_f0(_harmonics(150.0)[:length])
        assert track.shape == (length // 160 + 1,)
        assert track.dtype == np.float32
        assert ((track == 0) | ((track >= 69) & (track <= 520))).all()

    def test_the_level_makes_no_difference(self, voice):
        expected = track_f0(voice)
        for power in (-40, -10, 12):
            assert np.array_equal(track_f0(np.ldexp(voice, power)), expected)

    def test_blocks_leave_no_seam(self, voice, monkeypatch):
        expected = track_f0(voice)
        monkeypatch.setattr(pitch, "_BLOCK", 7)
        assert np.array_equal(track_f0(voice), expected)

    def test_the_input_stays(self, voice):
        before = voice.copy()
        track_f0(voice)
        assert np.array_equal(voice, before)


class TestLive:
    def _now(self, samples, step=2):
        """As a live signal is heard: ``step`` frames at a time."""
        found = candidates(np.pad(samples, HALF_WINDOW))
        search = PathSearch()
        return np.concatenate(
            [
                search.now(type(found)(*(x[k : k + step] for x in found)))
                for k in range(0, len(found.peak), step)
            ]
        )

    @pytest.mark.parametrize("speaker", range(6))
    def test_it_agrees_with_the_path_of_the_whole(self, make_voice, speaker):
        samples = make_voice(seconds=4.0, speaker=speaker)
        live, whole = self._now(samples), track_f0(samples)
        both = (live > 0) & (whole > 0)
        assert ((live > 0) == (whole > 0)).mean() > 0.93
        assert (np.abs(live[both] / whole[both] - 1.0) < 0.05).mean() > 0.97

    def test_no_matter_how_many_frames_at_a_time(self, voice):
        assert np.array_equal(self._now(voice, 1), self._now(voice, 7))

    def test_speech_is_heard_again_after_a_knock(self, make_voice):
        voice = 0.02 * make_voice(seconds=15.0)
        voice[2000:2040] = 0.9
        live, clean = self._now(voice), track_f0(np.delete(voice, np.s_[1600:2400]))
        assert (live[-500:] > 0).mean() > 0.9 * (clean[-500:] > 0).mean()
