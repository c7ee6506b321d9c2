"""Pitch and tempo of a pseudo-voice."""

from __future__ import annotations

import numpy as np
import pytest

from voxguard.models.pool import Target
from voxguard.models.prosody import (
    POPULATION,
    Contour,
    Intonation,
    Tempo,
    contour,
    measure_pitch,
    pitch_features,
    revoiced,
)

TARGET = Target(np.eye(256, dtype=np.float32)[0], float(np.log(210.0)), 0.2)


@pytest.fixture
def track():
    """Six seconds: voiced for 40 frames, unvoiced for 10."""
    rng = np.random.default_rng(0)
    f0 = 110.0 * np.exp(0.15 * contour(600, rng))
    return np.where(np.arange(600) % 50 < 40, f0, 0.0).astype(np.float32)


class TestMeasure:
    def test_mean_and_spread(self, track):
        octaves = np.log(track[track > 0])
        assert abs(measure_pitch(track).mean - np.median(octaves)) < 1e-6
        assert abs(measure_pitch(track).spread - octaves.std()) < 0.03

    def test_octave_errors_do_not_count(self, track):
        wrong = track.copy()
        wrong[::25] *= 2
        assert abs(measure_pitch(wrong).mean - measure_pitch(track).mean) < 0.02
        assert abs(measure_pitch(wrong).spread - measure_pitch(track).spread) < 0.02

    @pytest.mark.parametrize("voiced", [0, 1, 9])
    def test_too_little_is_taken_for_the_population(self, voiced):
        track = np.array([100.0] * voiced + [0.0] * 30, np.float32)
        assert measure_pitch(track) == POPULATION

    def test_a_monotone_has_some_spread(self):
        assert measure_pitch(np.full(50, 100.0, np.float32)).spread == pytest.approx(0.03)


class TestFeatures:
    def test_unvoiced_frames_are_zero(self, track):
        features = pitch_features(track)
        assert features.shape == (3, 600)
        assert not features[:, track == 0].any()
        assert (features[0, track > 0] == 1).all()

    def test_the_second_tells_the_speaker_and_the_third_does_not(self, track):
        one, other = pitch_features(track), pitch_features(2 * track)
        voiced = track > 0
        assert np.allclose((other - one)[1, voiced], np.log(2) / 0.5, atol=1e-5)
        assert np.allclose(other[2], one[2], atol=1e-5)

    def test_no_frames(self):
        assert pitch_features(np.zeros(0, np.float32)).shape == (3, 0)


class TestRevoiced:
    @pytest.mark.parametrize("kept", [0.0, 0.5, 1.0])
    def test_it_has_the_targets_statistics(self, track, kept):
        long = np.tile(track, 20)
        spoken = revoiced(long, TARGET, Intonation(kept, 3))
        octaves = np.log(spoken[spoken > 0])
        assert abs(octaves.mean() - TARGET.log_f0_mean) < 0.06
        assert abs(octaves.std() - TARGET.log_f0_std) < 0.05
        assert np.array_equal(spoken > 0, long > 0)

    @pytest.mark.parametrize("kept", [0.0, 0.5, 0.8, 1.0])
    def test_so_much_of_the_contour_is_kept(self, track, kept):
        rng = np.random.default_rng(1)
        long = (110.0 * np.exp(0.15 * contour(60_000, rng))).astype(np.float32)
        spoken = revoiced(long, TARGET, Intonation(kept, 3))
        assert abs(np.corrcoef(np.log(long), np.log(spoken))[0, 1] - kept) < 0.05

    def test_any_speaker_gives_the_same_contour_without_intonation(self, track):
        assert np.allclose(revoiced(track, TARGET), revoiced(1.7 * track, TARGET), rtol=1e-3)

    def test_it_can_be_spoken(self, track):
        wild = track.copy()
        wild[:10] = 500.0
        target = TARGET._replace(log_f0_mean=float(np.log(400.0)), log_f0_std=0.9)
        spoken = revoiced(wild, target, Intonation(0.8, 1))
        assert spoken.max() <= 480.0
        assert spoken[spoken > 0].min() >= 60.0

    @pytest.mark.parametrize("frames", [0, 1, 5])
    def test_short_ones(self, frames):
        for hertz in (0.0, 120.0):
            spoken = revoiced(np.full(frames, hertz, np.float32), TARGET, Intonation(0.5, 0))
            assert spoken.shape == (frames,)
            assert np.isfinite(spoken).all()

    def test_a_draw_is_a_draw(self, track):
        one, same, other = (revoiced(track, TARGET, Intonation(0.8, s)) for s in (1, 1, 2))
        assert np.array_equal(one, same)
        assert not np.array_equal(one, other)

    def test_nothing_shows_a_draw(self):
        assert "1234567" not in repr(Intonation(0.8, 1234567)) + repr(Tempo(1.0, 0.1, 1234567))


class TestContour:
    @pytest.mark.parametrize("sizes", [[1] * 300, [2] * 150, [299, 1], [0, 37, 0, 200, 63]])
    def test_pieces_are_the_whole(self, sizes):
        pieces = Contour(np.random.default_rng(7))
        joined = np.concatenate([pieces.take(k) for k in sizes])
        assert np.array_equal(joined, contour(300, np.random.default_rng(7)))

    def test_a_long_signal_takes_no_more_memory(self):
        endless = Contour(np.random.default_rng(7))
        for _ in range(5000):
            endless.take(2)
        assert len(endless._anchors) <= 3
        assert np.array_equal(endless.take(2), contour(10_002, np.random.default_rng(7))[-2:])

    def test_it_is_smooth_and_of_unit_variance(self):
        drawn = contour(100_000, np.random.default_rng(0))
        assert abs(drawn.std() - 1.0) < 0.03
        assert abs(drawn.mean()) < 0.05
        assert np.abs(np.diff(drawn)).max() < 0.3


class TestTempo:
    def _mel(self, track):
        """A pause from 200 to 260, and in band 0 the frame's number."""
        mel = np.full((len(track), 80), -3.0, np.float32)
        mel[200:260] = -20.0
        mel[:, 0] = -20.0 + np.arange(len(track)) * 1e-3
        return mel

    @pytest.mark.parametrize("rate", [0.74, 1.0, 1.35])
    @pytest.mark.parametrize("depth", [0.0, 0.1, 0.3])
    def test_the_length_and_the_order_stay(self, track, rate, depth):
        mel = self._mel(track)
        f0, moved = Tempo(rate, depth, 5).warp(track, mel)
        assert f0.shape == track.shape
        assert moved.shape == mel.shape
        assert moved.dtype == np.float32
        assert (np.diff(moved[:, 0]) > -1e-4).all()
        assert abs(moved[0, 0] - mel[0, 0]) < 1e-3
        assert abs(moved[-1, 0] - mel[-1, 0]) < 1e-3

    def test_no_change_is_none(self, track):
        mel = self._mel(track)
        f0, moved = Tempo(1.0, 0.0, 5).warp(track, mel)
        assert np.array_equal(f0, track)
        assert np.allclose(moved, mel, atol=1e-5)

    def test_pauses_make_up_for_faster_speech(self, track):
        moved = Tempo(1.1, 0.0, 5).warp(track, self._mel(track))[1]
        assert (moved[:, 1] < -15).sum() == pytest.approx(60 + 540 * (1 - 1 / 1.1), abs=5)

    def test_durations_change(self, track):
        mel = self._mel(track)
        one, other = (Tempo(1.0, 0.1, seed).warp(track, mel)[1] for seed in (1, 2))
        assert np.abs(one - other)[:, 0].max() * 1000 > 3  # frames
        assert np.array_equal(one, Tempo(1.0, 0.1, 1).warp(track, mel)[1])

    @pytest.mark.parametrize("frames", [0, 1, 2, 3, 4])
    def test_short_ones(self, frames):
        f0 = np.full(frames, 100.0, np.float32)
        f0, moved = Tempo(1.1, 0.2, 0).warp(f0, np.zeros((frames, 80), np.float32))
        assert f0.shape == (frames,)
        assert moved.shape == (frames, 80)
