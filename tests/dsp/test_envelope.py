"""Envelope: against WORLD's, and by what must hold of any."""

from __future__ import annotations

import numpy as np
import pytest

from voxguard.dsp import envelope
from voxguard.dsp.envelope import (
    BANDS,
    BINS,
    FFT,
    HALF_WINDOW,
    LOWEST_F0_HZ,
    envelope_at,
    from_log_mel,
    log_mel,
    log_mel_envelope,
    spectral_envelope,
)
from voxguard.dsp.pitch import track_f0

RATE = 16_000


def _dithered(samples):
    """With noise at -80 dB: no bin is empty."""
    noise = np.random.default_rng(0).standard_normal(len(samples)).astype(np.float32)
    return samples + np.float32(1e-4) * noise


@pytest.mark.parametrize("speaker", range(4))
def test_it_is_that_of_world(make_voice, speaker):
    pyworld = pytest.importorskip("pyworld")
    samples = _dithered(make_voice(seconds=2.0, speaker=speaker))
    f0 = track_f0(samples)
    times = np.arange(len(f0)) * 0.01
    power = pyworld.cheaptrick(
        samples.astype(np.float64),
        f0.astype(np.float64),
        times,
        RATE,
        f0_floor=LOWEST_F0_HZ,
        fft_size=FFT,
    )
    voiced = f0 > LOWEST_F0_HZ
    voiced[:5] = voiced[-5:] = False  # the ends are padded otherwise there
    apart = np.abs(spectral_envelope(samples, f0) - np.log(power))[voiced]
    assert apart.mean() < 0.01


def test_pulses_through_a_flat_tract_have_a_flat_envelope():
    f0_hz = 125.0
    pulses = np.zeros(RATE, np.float32)
    pulses[:: round(RATE / f0_hz)] = np.sqrt(RATE / f0_hz)  # of the power of unit noise
    found = spectral_envelope(pulses, np.full(101, f0_hz, np.float32))[10:-10]
    assert np.abs(found[:, 20:-20]).max() < 0.35
    assert abs(found.mean()) < 0.1


@pytest.mark.parametrize("gain", [0.5, 16.0, 1024.0])
def test_the_level_moves_it_as_a_whole(voice, gain):
    samples = _dithered(voice)
    f0 = track_f0(samples)
    moved = spectral_envelope(gain * samples, f0) - spectral_envelope(samples, f0)
    assert np.abs(moved - 2 * np.log(gain)).mean() < 0.001


def test_two_frames_alone_are_as_in_the_whole(voice):
    f0 = track_f0(voice)
    whole = spectral_envelope(voice, f0)
    padded = np.pad(voice, HALF_WINDOW)
    for first in (0, 30, 63):
        alone = envelope_at(padded[first * 160 :], 0, f0[first : first + 2])
        assert np.array_equal(alone, whole[first : first + 2])


def test_blocks_leave_no_seam(voice, monkeypatch):
    f0 = track_f0(voice)
    whole = spectral_envelope(voice, f0)
    bands = log_mel_envelope(voice, f0)
    monkeypatch.setattr(envelope, "_BLOCK", 7)
    assert np.array_equal(spectral_envelope(voice, f0), whole)
    assert np.abs(log_mel_envelope(voice, f0) - bands).max() < 1e-5
    assert np.abs(log_mel(whole) - bands).max() < 1e-5


@pytest.mark.parametrize("length", [0, 1, 10, 160, 400, 2000])
@pytest.mark.parametrize("f0_hz", [0.0, 40.0, 70.0, 300.0, 700.0])
def test_anything_has_a_finite_one(length, f0_hz):
    samples = np.random.default_rng(0).standard_normal(length).astype(np.float32)
    frames = length // 160 + 1
    for signal in (samples, 0 * samples, np.ones_like(samples), 1e-25 * samples):
        found = spectral_envelope(signal, np.full(frames, f0_hz, np.float32))
        assert found.shape == (frames, BINS)
        assert found.dtype == np.float32
        assert np.isfinite(found).all()


def test_no_frames_have_none(voice):
    nothing = np.zeros(0, np.float32)
    assert spectral_envelope(voice, nothing).shape == (0, BINS)
    assert log_mel_envelope(voice, nothing).shape == (0, BANDS)


class TestMel:
    def test_a_constant_stays(self):
        flat = np.full((3, BINS), -4.0, np.float32)
        assert np.abs(log_mel(flat) + 4.0).max() < 1e-5
        assert np.abs(from_log_mel(log_mel(flat)) + 4.0).max() < 1e-5

    def test_what_is_smooth_comes_back(self):
        """Four waves over the mel scale are finer than any formant."""
        wave = 2.0 * np.cos(2 * np.pi * 4 * np.arange(BANDS) / BANDS)[None].astype(np.float32)
        assert np.abs(log_mel(from_log_mel(wave)) - wave).max() < 0.15

    def test_a_voice_comes_back(self, voice):
        samples = _dithered(voice)
        f0 = track_f0(samples)
        found = spectral_envelope(samples, f0)[f0 > 0]
        assert np.abs(from_log_mel(log_mel(found)) - found).mean() < 0.3  # 1.3 dB
