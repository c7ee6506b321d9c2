"""Long recordings in blocks, and what is taken out of them beforehand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from voxguard.dsp.blocks import BLOCK_S, OVERLAP_S, render_in_blocks, without_rumble

RATE = 1_000
BLOCK, OVERLAP = int(BLOCK_S * RATE), int(OVERLAP_S * RATE)


def noise(length, seed=0):
    return np.random.default_rng(seed).standard_normal(length).astype(np.float32)


@pytest.mark.parametrize(
    "length",
    [1, 7, BLOCK, BLOCK + OVERLAP, BLOCK + OVERLAP + 1, 3 * BLOCK, 123_457],
)
def test_any_length_comes_back_whole(length):
    samples = noise(length)
    assert np.allclose(render_in_blocks(samples, RATE, lambda block: -block), -samples)


def test_blocks_are_bounded_come_in_order_and_cover_everything():
    samples = np.arange(200_000, dtype=np.float32)
    seen = []

    def render(block):
        seen.append((int(block[0]), int(block[-1]) + 1))
        return block

    render_in_blocks(samples, RATE, render)
    assert seen[0][0] == 0
    assert seen[-1][1] == 200_000
    assert all(stop - start <= BLOCK + OVERLAP for start, stop in seen)
    assert all(a[1] - b[0] == OVERLAP for a, b in itertools.pairwise(seen))


def test_blocks_are_joined_where_it_is_quiet():
    samples = noise(2 * BLOCK)
    quiet = BLOCK - OVERLAP // 3
    samples[quiet : quiet + 40] *= 1e-3
    count = iter(range(9))
    out = render_in_blocks(samples, RATE, lambda block: np.full_like(block, next(count)))
    changes = np.flatnonzero(np.diff(out))
    assert changes[0] >= quiet - 1
    assert changes[-1] <= quiet + 40
    assert np.diff(out).max() < 0.1, "it fades"


def test_the_input_is_left_alone():
    samples = noise(3 * BLOCK)
    before = samples.copy()
    render_in_blocks(samples, RATE, lambda block: -block)
    assert np.array_equal(samples, before)


@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
@pytest.mark.parametrize(("hz", "low", "high"), [(0, 0, 0.01), (30, 0, 0.03), (120, 0.97, 1.03)])
def test_what_is_below_a_voice_goes(rate, hz, low, high):
    wave = np.cos(2 * np.pi * hz * np.arange(rate) / rate).astype(np.float32)
    left = without_rumble(wave, rate)[rate // 4 : -rate // 4]
    assert low <= np.abs(left).max() <= high


@pytest.mark.parametrize("length", [1, 5, 100])
def test_a_few_samples_have_no_rumble_problem(length):
    assert without_rumble(noise(length), 16_000).shape == (length,)


def test_far_from_sound_silence_stays():
    samples = np.zeros(16_000, np.float32)
    samples[8_000:8_100] = 1.0
    left = without_rumble(samples, 16_000)
    assert np.abs(left[:7_000]).max() < 1e-6
    assert np.abs(left[9_000:]).max() < 1e-6
