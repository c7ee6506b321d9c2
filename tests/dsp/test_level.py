"""The loop that trims the loudness of a rendering, and clips what towers above the original."""

from __future__ import annotations

import numpy as np
import pytest

from voxguard.dsp.level import HEADROOM, REACH, RECENT_MS, LevelLoop

RATE, BLOCK = 16_000, 160


def correct(original, rendered, block=BLOCK, rate=RATE, chunks=(10**9,)):
    """In chunks of so many blocks, the last of them repeated."""
    loop, out, start, chunks = LevelLoop(block, rate), [], 0, list(chunks)
    while start < len(original):
        size = block * (chunks.pop(0) if len(chunks) > 1 else chunks[0])
        part = slice(start, min(len(original), start + size))
        out.append(loop.correct(original[part], np.array(rendered[part], dtype=np.float64)))
        start += size
    return np.concatenate(out)


def noise(seconds=3.0, seed=0, rms=0.05):
    rng = np.random.default_rng(seed)
    return (rms * rng.standard_normal(int(seconds * RATE))).astype(np.float32)


def db(samples):
    return 10 * np.log10(np.mean(np.square(samples, dtype=np.float64)))


@pytest.mark.parametrize("off_db", [-4.0, -1.0, 0.0, 1.0, 4.0])
def test_a_rendering_that_is_off_is_brought_back(off_db, make_voice):
    voice = make_voice(seconds=3.2)
    for original in (noise(), voice):
        out = correct(original, original * 10 ** (off_db / 20))
        assert db(out[BLOCK:]) == pytest.approx(db(original[BLOCK:]), abs=0.3)
        assert np.allclose(out[BLOCK:], original[BLOCK:], rtol=0.02, atol=1e-9)


@pytest.mark.parametrize("off_db", [-4.0, 4.0])
def test_another_signal_of_another_level_is_brought_back(off_db):
    original, other = noise(), noise(seed=1) * 10 ** (off_db / 20)
    out = correct(original, other)
    for second in range(3):
        part = slice(second * RATE + BLOCK, (second + 1) * RATE)
        assert db(out[part]) == pytest.approx(db(original[part]), abs=1.0)
    gain = out[BLOCK:] / other[BLOCK:]
    assert np.abs(np.diff(gain)).max() < 2e-3 * REACH, "the gain glides"


@pytest.mark.parametrize(("off_db", "left_db"), [(-20.0, -14.0), (12.0, 6.0)])
def test_it_reaches_six_decibels(off_db, left_db):
    assert abs(20 * np.log10(REACH) - 6) < 0.1
    original = noise()
    out = correct(original, noise(seed=1) * 10 ** (off_db / 20))
    assert db(out[BLOCK:]) - db(original[BLOCK:]) == pytest.approx(left_db, abs=0.5)


@pytest.mark.parametrize("block", [40, 160, 400])
def test_the_ceiling_holds(block, make_voice):
    original = make_voice(seconds=2.0)[: 32_000 // block * block]
    rng = np.random.default_rng(0)
    rendered = original * rng.choice([1.0, 30.0], original.size, p=[0.98, 0.02])
    out = correct(original, rendered, block)
    peaks = np.abs(original.reshape(-1, block)).max(axis=1)
    before = int(RECENT_MS / 1000 * RATE) // block
    recent = [peaks[max(0, k - before) : k + 1].max() for k in range(len(peaks))]
    loudest = np.abs(out.reshape(-1, block)).max(axis=1)
    assert (loudest <= HEADROOM * np.array(recent) * (1 + 1e-6)).all()
    assert (loudest >= HEADROOM * np.array(recent) * (1 - 1e-6)).any(), "something was clipped"
    assert HEADROOM >= 1.0


def test_no_burst_outlives_the_original():
    """Once the original is silent for longer than the recent past, so is the output."""
    original = noise(1.0)
    original[8000:] = 0
    out = correct(original, noise(1.0, seed=2))
    assert out[7000:8000].any()
    assert not out[8000 + int(RECENT_MS / 1000 * RATE) :].any()


@pytest.mark.parametrize("chunks", [(1,), (2,), (7,), (1, 30, 2, 5)])
def test_chunks_make_no_difference(chunks, make_voice):
    original = make_voice(seconds=2.0)
    rendered = noise(2.0, seed=3) * np.linspace(0.1, 3.0, 32_000)
    assert np.array_equal(correct(original, rendered, chunks=chunks), correct(original, rendered))


def test_a_whole_that_is_unchanged_stays():
    original = noise(0.5)
    assert np.allclose(correct(original, original), original, rtol=1e-6, atol=0)


def test_silence():
    silence = np.zeros(RATE, np.float32)
    assert not correct(silence, silence).any()
    assert not correct(silence, noise(1.0)).any()
    assert not correct(noise(1.0), silence).any()
    pause = noise(1.5)
    pause[8000:16_000] = 0
    assert np.allclose(correct(pause, pause * 1.5)[BLOCK:], pause[BLOCK:], rtol=0.01, atol=1e-9)


def test_a_trace_of_a_rendering_before_the_first_sample_is_no_measure():
    """Frames that start in the zeros before a signal leave rounding there, not loudness."""
    original = noise(0.5)
    original[:BLOCK] = 0
    rendered = original.astype(np.float64)
    rendered[:BLOCK] = 1e-9
    assert np.allclose(correct(original, rendered)[BLOCK:], original[BLOCK:], rtol=1e-5, atol=0)


def test_the_loop_adapts_within_its_memory():
    original, rendered = noise(4.0), noise(4.0, seed=4).astype(np.float64)
    rendered[2 * RATE :] *= 1.5
    out = correct(original, rendered)
    assert db(out[3 * RATE :]) == pytest.approx(db(original[3 * RATE :]), abs=0.5)


def test_neither_signal_is_changed():
    original, rendered = noise(0.5), noise(0.5, seed=1).astype(np.float64) * 9
    kept = original.copy(), rendered.copy()
    LevelLoop(BLOCK, RATE).correct(original, rendered)
    assert np.array_equal(original, kept[0])
    assert np.array_equal(rendered, kept[1])
