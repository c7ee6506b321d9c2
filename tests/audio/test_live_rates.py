"""Conversion of the rate with little delay, against the one that takes its time."""

import numpy as np
import pytest

from voxguard.audio import resample
from voxguard.audio.live_rates import LiveResampler
from voxguard.errors import StreamError

PAIRS = [
    (24_000, 16_000),
    (16_000, 24_000),
    (8_000, 16_000),
    (16_000, 8_000),
    (48_000, 16_000),
    (16_000, 48_000),
    (44_100, 16_000),
    (16_000, 44_100),
    (11_025, 16_000),
]


def tones(rate, most, seconds=0.5):
    time = np.arange(int(rate * seconds)) / rate
    tones = [np.sin(2 * np.pi * hz * time + hz) for hz in (100, 440, 1000, 0.4 * most)]
    return np.sum(tones, axis=0)[None].astype(np.float32)


def run(pair, signal, sizes):
    live = LiveResampler(*pair, len(signal))
    edges = np.minimum(np.cumsum([0, *sizes]), signal.shape[1])
    chunks = [signal[:, a:b] for a, b in zip(edges, [*edges[1:], signal.shape[1]], strict=True)]
    return np.concatenate([*(live.push(chunk) for chunk in chunks), live.flush()], axis=1)


@pytest.mark.parametrize("pair", PAIRS)
def test_it_gives_what_the_slow_one_gives(pair):
    signal = tones(pair[0], min(pair))
    slow, quick = resample(signal, *pair), run(pair, signal, [])
    assert quick.shape == slow.shape
    middle = slice(pair[1] // 50, -pair[1] // 50)
    error = np.mean((slow - quick)[:, middle] ** 2) / np.mean(slow[:, middle] ** 2)
    assert 10 * np.log10(error) < -50


@pytest.mark.parametrize("pair", PAIRS)
def test_chunks_make_no_difference(pair):
    signal = np.random.default_rng(0).standard_normal((2, 3000)).astype(np.float32)
    whole = run(pair, signal, [])
    assert np.abs(run(pair, signal, [1, 0, 1, 7, 500, 13, 160] * 3) - whole).max() < 1e-6


@pytest.mark.parametrize("pair", PAIRS)
def test_it_is_never_later_than_it_says(pair):
    live, given = LiveResampler(*pair, 1), 0
    for place in range(2000):
        given += live.push(np.ones((1, 1), np.float32)).shape[1]
        assert (place + 1) / pair[0] - given / pair[1] <= (live.reach + 1) / pair[0] + 1e-9


def test_what_the_lower_rate_cannot_hold_is_gone():
    time = np.arange(24_000) / 24_000
    for hz in (8_300, 9_000, 11_500):
        tone = np.sin(2 * np.pi * hz * time)[None].astype(np.float32)
        alias = run((24_000, 16_000), tone, [])[:, 100:-100]
        assert 20 * np.log10(np.abs(alias).max()) < -60


def test_a_constant_stays_one():
    out = run((44_100, 16_000), np.ones((1, 4410), np.float32), [])
    assert np.abs(out[:, 100:-100] - 1).max() < 1e-4


def test_nothing_in_nothing_out():
    live = LiveResampler(24_000, 16_000, 1)
    assert live.push(np.zeros((1, 0), np.float32)).shape == (1, 0)
    assert live.flush().shape == (1, 0)
    assert live.flush().shape == (1, 0)
    with pytest.raises(StreamError, match="push after flush"):
        live.push(np.zeros((1, 3), np.float32))
