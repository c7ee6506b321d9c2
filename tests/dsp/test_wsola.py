"""Stretching in time leaves pitch and spectrum where they are."""

from __future__ import annotations

import numpy as np
import pytest

from voxguard.dsp.wsola import stretch

RATE = 16_000


def pulses(hz, seconds):
    """A vowel: pulses through a resonance."""
    source = np.zeros(int(seconds * RATE))
    source[(np.arange(int(seconds * hz)) * RATE / hz).astype(int)] = 1.0
    ring = np.exp(-np.arange(800) / 100) * np.sin(2 * np.pi * 700 * np.arange(800) / RATE)
    return np.convolve(source, ring)[: source.size].astype(np.float32)


def pitch(samples):
    """The best lag of the autocorrelation, as frequency."""
    middle = samples[samples.size // 4 : 3 * samples.size // 4]
    power = np.abs(np.fft.rfft(middle, 2 * middle.size)) ** 2
    correlation = np.fft.irfft(power)
    return RATE / (40 + np.argmax(correlation[40:400]))


@pytest.mark.parametrize("factor", [0.5, 0.7, 0.95, 1.0, 1.1, 1.5, 2.0])
@pytest.mark.parametrize("hz", [90, 160, 250])
def test_pitch_and_level_stay(factor, hz):
    samples = pulses(hz, 1.5)
    out = stretch(samples, int(factor * samples.size), RATE)
    assert out.size == int(factor * samples.size)
    assert out.dtype == np.float32
    assert pitch(out) == pytest.approx(hz, rel=0.02)
    inner = slice(1_000, -1_000)
    assert out[inner].std() == pytest.approx(samples[inner].std(), rel=0.1)


@pytest.mark.parametrize("factor", [0.6, 1.6])
def test_moments_lie_where_they_should(factor):
    rng = np.random.default_rng(0)
    samples = 0.01 * rng.standard_normal(2 * RATE).astype(np.float32)
    for at in (8_000, 16_000, 24_000):
        samples[at : at + 1_600] *= 50.0
    out = stretch(samples, int(factor * samples.size), RATE)
    power = np.convolve(out**2, np.ones(400), "same")
    for at in (8_000, 16_000, 24_000):
        middle = int(factor * (at + 800))
        assert power[middle] > 100 * np.median(power)
        assert power[middle - int(factor * 2_400)] < 10 * np.median(power)


def test_the_same_length_is_a_copy(voice):
    out = stretch(voice, voice.size, RATE)
    assert np.array_equal(out, voice)
    assert not np.shares_memory(out, voice)


@pytest.mark.parametrize(("size", "length"), [(1, 5), (300, 2_000), (1_000, 400), (5_000, 900)])
def test_what_is_shorter_than_two_frames_is_cut_or_padded(size, length):
    samples = np.arange(1, size + 1, dtype=np.float32)
    out = stretch(samples, length, RATE)
    kept = min(size, length)
    assert out.size == length
    assert np.array_equal(out[:kept], samples[:kept])
    assert not out[kept:].any()


def test_silence_stays_silence():
    assert not stretch(np.zeros(9_000, np.float32), 12_345, RATE).any()
