"""Normalisation of a recording's envelope."""

from __future__ import annotations

import numpy as np
import pytest

from voxguard.models.normalization import (
    FLOOR,
    LEAST_SPREAD,
    LOUDER_NEPERS,
    faded,
    floored,
    frame_level,
    measure,
    sharpened,
    without_floor,
)


@pytest.fixture
def mel():
    """Speech in a quiet room: 70 frames of it, 30 of pause."""
    rng = np.random.default_rng(0)
    frames = rng.normal(-5.0, 1.5, (100, 80)) - np.linspace(0, 4, 80)
    frames[70:] = rng.normal(-18.0, 0.2, (30, 80))
    return frames.astype(np.float32)


class TestMeasure:
    def test_the_level_is_that_of_speech(self, mel):
        expected = np.log(np.exp(mel[:70].astype(np.float64)).mean())
        assert abs(measure(mel).level - expected) < 1e-5
        assert abs(measure(mel[:70]).level - expected) < 1e-5

    @pytest.mark.parametrize("gain", [-9.0, 4.0])
    def test_the_level_is_taken_out(self, mel, gain):
        one, other = measure(mel), measure(mel + np.float32(gain))
        assert abs(other.level - one.level - gain) < 1e-4
        assert np.allclose(one.mean, other.mean, atol=1e-4)
        assert np.allclose(one.spread, other.spread, atol=1e-4)

    def test_a_channel_is_taken_out(self, mel):
        channel = np.linspace(-1, 1, 80).astype(np.float32)

        def heard(frames):
            level, mean, spread = measure(frames)
            return (floored(frames - np.float32(level)) - mean) / spread

        assert np.abs(heard(mel + channel) - heard(mel))[:70].mean() < 0.1

    def test_a_constant_has_the_least_spread(self):
        _, mean, spread = measure(np.full((5, 80), -3.0, np.float32))
        assert np.allclose(spread, LEAST_SPREAD)
        assert np.abs(mean).max() < 1e-3

    def test_one_frame_is_enough(self, mel):
        level, mean, spread = measure(mel[:1])
        assert np.isfinite([level, *mean, *spread]).all()


class TestFloor:
    def test_what_is_above_stays(self):
        loud = np.zeros((3, 80), np.float32)
        assert np.abs(floored(loud)).max() < 1e-3
        assert np.abs(without_floor(loud)).max() < 1e-3

    def test_what_is_below_is_raised_to_it(self):
        assert np.abs(floored(np.full((3, 80), -40.0, np.float32)) - FLOOR).max() < 1e-4

    def test_it_comes_out_again(self):
        mel = np.linspace(-11.0, 2.0, 50)[:, None] + np.zeros(80)
        mel = mel.astype(np.float32)
        above = mel > FLOOR - 3
        assert np.abs(without_floor(floored(mel)) - mel)[above].max() < 0.05

    def test_what_was_at_it_becomes_silence(self):
        assert (without_floor(FLOOR[None]) < FLOOR - 6).all()


class TestFaded:
    def test_speech_stays(self, mel):
        said = mel[:70] + 1.0
        assert np.array_equal(faded(said, mel[:70]), said)

    @pytest.mark.parametrize("said", [5.0, 0.0, -9.0])
    def test_silence_stays_silence_whatever_is_said(self, said):
        """-60 dB is -13.8 nepers."""
        heard = np.full((4, 80), -22.0, np.float32)
        out = faded(np.full((4, 80), said, np.float32), heard)
        assert (frame_level(out) < -17.0).all()

    def test_nothing_is_said_much_louder_than_it_was_heard(self, mel):
        out = faded(np.full_like(mel, 12.0), mel)
        assert (frame_level(out) <= frame_level(mel) + LOUDER_NEPERS + 1e-4).all()

    def test_it_fades_without_a_step(self):
        heard = np.linspace(-30.0, 0.0, 400)[:, None] + np.zeros(80)
        out = frame_level(faded(np.zeros((400, 80), np.float32), heard.astype(np.float32)))
        assert (np.diff(out) > -1e-4).all()
        assert np.diff(out).max() < 0.2


class TestSharpened:
    def test_the_power_of_each_frame_stays(self, mel):
        assert np.allclose(frame_level(sharpened(mel)), frame_level(mel), atol=1e-3)

    def test_one_changes_nothing(self, mel):
        assert np.allclose(sharpened(mel, 1.0), mel, atol=1e-4)

    def test_formants_stand_out_and_the_tilt_stays(self):
        k = np.arange(80)
        tilt, formants = np.cos(np.pi * (k + 0.5) / 80), np.cos(6 * np.pi * (k + 0.5) / 80)
        sharp = sharpened((tilt + formants)[None].astype(np.float32), 1.5)[0]
        expected = tilt + 1.5 * formants
        assert np.allclose(sharp - sharp.mean(), expected - expected.mean(), atol=1e-4)
