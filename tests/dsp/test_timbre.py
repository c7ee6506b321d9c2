"""Bands, kinds of sound, and what is replaced of them."""

from __future__ import annotations

import numpy as np
import pytest

from voxguard.dsp import population
from voxguard.dsp.bands import DB, Bands, smooth, warp
from voxguard.dsp.sounds import Sounds
from voxguard.dsp.timbre import BENDS, KNOTS, LIMIT_DB, Replacement, RunningMean, Timbre

PLAIN = Timbre(offset_db=(0.0,) * KNOTS, formant_scale=1.0, bends=(0.0,) * BENDS)
FRAME_MS = 5.0
RATES = pytest.mark.parametrize("rate", [16_000, 22_050, 44_100, 48_000])


def frames(bands, count=2000, seed=0, mean_db=0.0):
    """Frames drawn from the population's kinds of sound, with a mean of their own."""
    rng = np.random.default_rng(seed)
    kinds = Sounds(bands, FRAME_MS).means
    held = np.repeat(rng.integers(len(kinds), size=count // 20), 20)
    noise = rng.standard_normal((count, bands.count))
    return (kinds[held] + 0.3 * noise + np.asarray(mean_db) / DB).astype(np.float32)


class TestBands:
    @RATES
    def test_there_and_back(self, rate):
        bands = Bands(rate, 1025)
        ripple = np.cos(np.linspace(0, 12, 1025))[None].astype(np.float32)
        assert np.abs(ripple @ bands.down @ bands.at(bands.bin_hz) - ripple).max() < 0.15

    @RATES
    def test_curves_of_the_population_come_back_from_bands(self, rate):
        bands = Bands(rate, 513)
        given = np.asarray(population.MEAN_DB)
        back = bands.from_points(given) @ bands.points(len(given))
        assert np.abs(back - given).max() < 0.5

    @RATES
    def test_above_8_khz_curves_are_held(self, rate):
        bands = Bands(rate, 513)
        curve = bands.from_points([0.0, 1.0, 5.0])
        assert np.allclose(curve[bands.hz >= 8_000], 5.0, atol=1e-4)

    def test_white_noise_has_the_same_power_at_any_rate_within_8_khz(self):
        flat = np.ones((1, 513))
        wide = np.where(np.arange(1537) <= 512, 1.0, 0.0)[None]
        narrow = Bands(16_000, 513).power(flat)
        assert Bands(48_000, 1537).power(wide) == pytest.approx(narrow, rel=0.01)

    @pytest.mark.parametrize("scale", [0.7, 0.9, 1.0, 1.1, 1.4])
    @pytest.mark.parametrize("bend", [0.0, 0.1])
    def test_a_warp_keeps_the_ends_and_the_order(self, scale, bend):
        hz = np.linspace(0.0, 24_000.0, 500)
        moved = warp(hz, 24_000.0, scale, (bend, -bend) * 3)
        assert moved[0] == 0.0
        assert moved[-1] == pytest.approx(24_000.0)
        assert (np.diff(moved) > 0).all()

    def test_a_smooth_curve_goes_through_its_knots(self):
        knots = (1.0, -2.0, 5.0, 0.5)
        assert smooth(np.linspace(0, 1, 4), knots) == pytest.approx(knots)


class TestSounds:
    @RATES
    def test_each_kind_is_recognised_by_its_mean(self, rate):
        sounds = Sounds(Bands(rate, 1025), FRAME_MS)
        for kind, mean in enumerate(sounds.means):
            share = sounds.shares(np.tile(mean, (40, 1)))
            assert share.shape == (40, len(sounds.means))
            assert np.allclose(share.sum(axis=1), 1.0, atol=1e-4)
            assert share[20].argmax() == kind

    def test_shares_glide(self):
        sounds = Sounds(Bands(16_000, 513), FRAME_MS)
        step = np.repeat(sounds.means[:2], 50, axis=0)
        assert np.abs(np.diff(sounds.shares(step), axis=0)).max() < 0.3


class TestReplacement:
    @RATES
    @pytest.mark.parametrize("tilt_db", [-12.0, 0.0, 12.0])
    def test_a_lasting_tilt_goes(self, rate, tilt_db):
        bands = Bands(rate, 1025)
        levels, power = frames(bands), np.zeros(2000)
        tilt = (np.linspace(-tilt_db, tilt_db, bands.count) / DB).astype(np.float32)
        plain, tilted = (
            Replacement(bands, PLAIN, FRAME_MS)(x, power) for x in (levels, levels + tilt)
        )
        assert np.abs(tilted - plain).max() * DB < 1.0
        assert np.abs((plain - levels).mean(axis=0)).max() * DB < 3.0, "it was typical before"

    def test_means_of_kinds_become_the_population_s(self):
        bands = Bands(16_000, 513)
        sounds = Sounds(bands, FRAME_MS)
        levels = frames(bands)
        one = sounds.shares(levels)[:, 3] > 0.5
        bump = np.exp(-np.square((bands.hz - 1500) / 200)).astype(np.float32) * 1.5
        levels[one] += bump
        out = Replacement(bands, PLAIN, FRAME_MS)(levels, np.zeros(len(levels)))
        near = np.abs(bands.hz - 1500) < 100
        was, now = ((x[one].mean(axis=0) - sounds.means[3])[near].mean() for x in (levels, out))
        assert abs(now) < 0.5 * abs(was)

    def test_offset_and_scale_are_put_on_top(self):
        bands = Bands(16_000, 513)
        levels, power = frames(bands), np.zeros(2000)
        plain = Replacement(bands, PLAIN, FRAME_MS)(levels, power)
        knots = tuple(np.linspace(-5, 5, KNOTS))
        offset = Replacement(bands, Timbre(knots, 1.0, PLAIN.bends), FRAME_MS)(levels, power)
        assert np.allclose((offset - plain) * DB, bands.drawn(knots), atol=1e-3)
        scaled = Replacement(bands, Timbre(PLAIN.offset_db, 1.2, PLAIN.bends), FRAME_MS)
        assert np.allclose(scaled(levels, power), plain @ bands.moves(1.2), atol=1e-3)

    def test_the_speaker_s_own_scale_is_taken_out(self):
        bands = Bands(16_000, 513)
        levels, power = frames(bands), np.zeros(2000)
        plain = Replacement(bands, PLAIN, FRAME_MS)(levels, power).mean(axis=0)
        large = levels @ bands.moves(1.12)
        blind = Replacement(bands, PLAIN, FRAME_MS)(large, power)
        told = Replacement(bands, PLAIN, FRAME_MS)(large, power, formant_scale=1.12)
        assert np.abs(told - (levels + plain - levels.mean(axis=0))).mean() < (
            0.7 * np.abs(blind - (levels + plain - levels.mean(axis=0))).mean()
        )

    def test_an_empty_band_stays_empty(self):
        bands = Bands(16_000, 513)
        levels = frames(bands)
        upper = bands.hz > 4_500
        levels[:, upper] = -25.0
        out = Replacement(bands, PLAIN, FRAME_MS)(levels, np.zeros(len(levels)))
        assert out[:, upper].max() < -25.0 + 2 * LIMIT_DB / DB + 0.01

    def test_without_speech_the_population_stands_in(self):
        bands = Bands(16_000, 513)
        levels, silence = frames(bands, 20), np.full(20, -36.0)
        out = Replacement(bands, PLAIN, FRAME_MS)(levels, silence)
        assert np.allclose(out, levels, atol=0.2)

    def test_earlier_blocks_fade(self):
        mean = RunningMean(np.zeros((1, 1), np.float32), FRAME_MS)
        everything = np.ones((10_000, 1), np.float32)
        mean.update(8.0 * everything, everything)
        means = [float(mean.update(0.0 * everything, everything)[0, 0]) for _ in range(4)]
        assert means == pytest.approx([8 / 3, 8 / 7, 8 / 15, 8 / 31], rel=0.01)
