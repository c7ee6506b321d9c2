"""The vocoder: pitch, spectrum and level are those that were asked for."""

from __future__ import annotations

import numpy as np
import pytest

from voxguard.dsp import vocoder
from voxguard.dsp.envelope import from_log_mel, log_mel, spectral_envelope
from voxguard.dsp.pitch import track_f0
from voxguard.dsp.vocoder import Vocoder, synthesize

RATE = 16_000
FRAMES = 200


def _made(f0_hz, bands=0.0, breath_db=-40.0, frames=FRAMES, seed=0):
    f0 = np.broadcast_to(np.float32(f0_hz), frames)
    envelope = np.broadcast_to(np.float32(bands), (frames, 80))
    noise = np.broadcast_to(np.float32(breath_db), frames)
    return synthesize(f0, envelope, noise, np.random.default_rng(seed))


def _db(samples):
    return 10 * np.log10(np.mean(np.square(samples[3200:-3200], dtype=np.float64)))


def _speech(frames=150, seed=3):
    """Frames that change in every way."""
    rng = np.random.default_rng(seed)
    f0 = np.repeat(rng.choice([0.0, 90.0, 143.3, 210.0], frames // 10), 10).astype(np.float32)
    bands = rng.standard_normal((frames, 80)).astype(np.float32)
    return f0, bands, rng.uniform(-60, 0, frames).astype(np.float32)


class TestPitch:
    @pytest.mark.parametrize("f0_hz", [75.0, 110.0, 163.7, 220.0, 333.0, 440.0])
    def test_it_is_the_one_asked_for(self, f0_hz):
        tilt = np.linspace(0.0, -6.0, 80)
        track = track_f0(_made(f0_hz, tilt))[5:-5]
        assert np.abs(track / f0_hz - 1.0).max() < 0.01

    def test_a_glide_is_spoken_in_its_time(self):
        asked = np.linspace(110.0, 220.0, FRAMES).astype(np.float32)
        track = track_f0(_made(asked, np.linspace(0.0, -6.0, 80)))[5 : FRAMES - 5]
        assert np.abs(track / asked[5:-5] - 1.0).max() < 0.015

    def test_where_it_is_unvoiced_there_is_noise(self):
        assert (track_f0(_made(0.0)) > 0).mean() < 0.05

    def test_pulses_come_once_a_period_at_every_phase(self):
        """Not twice where a pulse falls on a sample: 160 Hz is 100 samples to the digit."""
        for f0_hz in (100.0, 160.0, 160.01, 250.0):
            train = Vocoder(np.random.default_rng(0))._pulse_train(
                np.full(301, f0_hz, np.float32), 48_000
            )
            assert abs(train.sum() / np.sqrt(RATE / f0_hz) - 3 * f0_hz) < 2


class TestLevel:
    @pytest.mark.parametrize("f0_hz", [0.0, 70.0, 120.0, 250.0, 480.0])
    @pytest.mark.parametrize("breath_db", [-60.0, -20.0, 0.0])
    def test_a_flat_envelope_of_one_has_a_power_of_one(self, f0_hz, breath_db):
        assert abs(_db(_made(f0_hz, breath_db=breath_db, frames=400))) < 0.5

    def test_the_envelope_moves_it(self):
        assert abs(_db(_made(120.0, -4.6052)) - _db(_made(120.0)) + 20.0) < 0.01

    @pytest.mark.parametrize("f0_hz", [0.0, 90.0, 300.0])
    def test_there_is_no_direct_current(self, f0_hz):
        made = _made(f0_hz)[1600:-1600]
        assert abs(made.mean()) < 1e-3 * made.std()


class TestSpectrum:
    @pytest.mark.parametrize("f0_hz", [0.0, 130.0])
    def test_it_follows_the_envelope(self, f0_hz):
        bands = (2.0 * np.cos(np.arange(80) * 0.2) - 0.04 * np.arange(80))[None]
        asked = from_log_mel(bands.astype(np.float32))[0]
        made = _made(f0_hz, bands, frames=800)
        windows = np.lib.stride_tricks.sliding_window_view(made, 1024)[::512] * np.hanning(1024)
        power = (np.abs(np.fft.rfft(windows)) ** 2).mean(axis=0) / np.square(np.hanning(1024)).sum()
        near = np.ones(25) / 25  # of three harmonics
        apart = np.log(np.convolve(power, near, "same") / np.convolve(np.exp(asked), near, "same"))
        assert np.abs(apart[25:-25]).max() < 0.5
        assert abs(apart[25:-25].mean()) < 0.1

    def test_breath_is_above_and_pitch_below(self):
        made = _made(200.0, breath_db=-10.0, frames=400)[8000:]
        power = np.abs(np.fft.rfft(made[:32_000] * np.hanning(32_000))) ** 2
        bins = np.arange(len(power)) // 400  # of 200 Hz each, from harmonic to harmonic
        on_pitch = power[:16_000].reshape(-1, 400)
        valleys = on_pitch[:, 100:300].mean(axis=1) / on_pitch.mean(axis=1)
        assert bins[-1] == 40
        assert valleys[1] < 1e-3
        assert (np.diff(valleys.reshape(-1, 10).mean(axis=1)) > 0).all()
        assert valleys[-1] > 0.9

    @pytest.mark.parametrize("speaker", range(4))
    def test_a_voice_taken_apart_and_joined_is_as_loud_and_alike(self, make_voice, speaker):
        samples = make_voice(seconds=2.0, speaker=speaker)
        f0 = track_f0(samples)
        bands = log_mel(spectral_envelope(samples, f0))
        breath = np.where(f0 > 0, -20.0, 0.0).astype(np.float32)
        again = synthesize(f0, bands, breath, np.random.default_rng(0))[: len(samples)]
        assert abs(10 * np.log10(np.mean(again**2) / np.mean(samples**2))) < 1.5
        both = (track_f0(again) > 0) & (f0 > 0)
        assert np.median(np.abs(track_f0(again)[both] / f0[both] - 1.0)) < 0.01
        voiced = f0 > 0
        found = log_mel(spectral_envelope(again, f0))
        assert np.median(np.abs(found - bands)[voiced]) < 0.5


class TestPieces:
    @pytest.mark.parametrize("size", [1, 2, 7, 149])
    def test_any_give_the_same(self, size):
        frames = _speech()
        whole = synthesize(*frames, np.random.default_rng(1))
        cut = Vocoder(np.random.default_rng(1))
        parts = [cut.push(*(x[k : k + size] for x in frames)) for k in range(0, 150, size)]
        joined = np.concatenate([*parts, cut.flush()])
        assert joined.shape == whole.shape == (150 * 160,)
        assert np.abs(joined - whole).max() < 1e-5 * np.abs(whole).max()

    def test_pulses_are_the_same_to_the_bit(self):
        """Also those that lie across the ends of two pieces."""
        f0 = _speech()[0]
        whole = Vocoder(np.random.default_rng(0))._pulse_train(f0, 149 * 160)
        cut = Vocoder(np.random.default_rng(0))
        parts = [cut._pulse_train(f0[k : k + 2], 160) for k in range(149)]
        assert np.array_equal(np.concatenate(parts), whole)

    def test_long_recordings_are_made_in_pieces(self, monkeypatch):
        whole = _made(140.0, frames=230)
        monkeypatch.setattr(vocoder, "_PIECE", 31)
        assert np.abs(_made(140.0, frames=230) - whole).max() < 1e-5

    def test_nothing_gives_nothing(self):
        none = np.zeros(0, np.float32)
        assert len(synthesize(none, np.zeros((0, 80)), none, np.random.default_rng(0))) == 0

    def test_the_noise_is_that_of_the_generator(self):
        assert np.array_equal(_made(120.0, seed=4), _made(120.0, seed=4))
        assert not np.array_equal(_made(120.0, seed=4), _made(120.0, seed=5))


@pytest.mark.parametrize("level", [-80.0, -30.0, 40.0])
def test_any_level_is_finite(level):
    made = _made(120.0, level)
    assert np.isfinite(made).all()
    assert abs(_db(made) - level * 10 / np.log(10)) < 0.5
