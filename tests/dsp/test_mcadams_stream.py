"""Frames on a live signal: how long a sample waits, and that none is lost or comes too early."""

from __future__ import annotations

import numpy as np
import pytest

from voxguard.dsp.mcadams_stream import FrameStream

RATES = [4_000, 8_000, 11_025, 16_000, 22_050, 44_100, 48_000]
PROMPT = pytest.mark.parametrize("prompt", [False, True])


def run(plan, samples, size):
    """What comes out in all, and how many samples are out after each chunk."""
    samples = np.atleast_2d(samples)
    stream, parts, out = FrameStream(plan, len(samples)), [], []
    for start in range(0, samples.shape[1], size):
        parts.append(stream.push(samples[:, start : start + size]))
        out.append(sum(part.shape[1] for part in parts))
    parts.append(stream.flush())
    assert all(part.dtype == np.float32 for part in parts)
    return np.concatenate(parts, axis=1), out


@PROMPT
@pytest.mark.parametrize("rate", RATES)
def test_windows_add_up_to_one(rate, prompt, make_plan):
    """Over the whole signal, from its first sample on."""
    plan = make_plan(rate, prompt=prompt)
    product = plan.analysis * plan.synthesis
    assert plan.frame == len(product) == int(rate * 0.02)
    total = np.zeros(plan.lead + 20 * plan.frame)
    for start in range(0, len(total) - plan.frame + 1, plan.hop):
        total[start : start + plan.frame] += product
    assert plan.lead % plan.hop == 0
    used = plan.frame - plan.latency
    assert not product[:used].any()
    tolerance = 0.01 if rate > 4_000 else 0.013  # B2's window is symmetric: 1 / frame off
    assert np.abs(total[plan.lead : -plan.frame] - 1).max() < tolerance


@PROMPT
@pytest.mark.parametrize(
    ("frame_ms", "hop_ms"), [(20, 10), (20, 5), (30, 10), (25, 5), (10, 2), (50, 25)]
)
def test_other_windows_add_up_to_one(frame_ms, hop_ms, prompt, make_plan):
    plan = make_plan(frame_ms=frame_ms, hop_ms=hop_ms, prompt=prompt)
    total = np.zeros(30 * plan.frame)
    for start in range(0, len(total) - plan.frame + 1, plan.hop):
        total[start : start + plan.frame] += plan.analysis * plan.synthesis
    inside = total[plan.frame : -2 * plan.frame]
    assert np.abs(inside - 1).max() < 0.012
    assert inside.mean() == pytest.approx(1.0, abs=2e-3)


@PROMPT
@pytest.mark.parametrize("rate", RATES)
def test_no_sample_waits_longer_than_the_latency(rate, prompt, make_plan):
    plan = make_plan(rate, prompt=prompt)
    samples = np.random.default_rng(0).standard_normal(3 * plan.frame).astype(np.float32)
    whole, out = run(plan, samples, 1)
    waits = np.arange(1, len(samples) + 1) - out
    assert waits.max() < plan.latency == FrameStream(plan, 1).latency_samples
    assert waits.max() >= plan.latency - plan.hop, "the latency is no more than it must be"
    assert waits.min() >= 0
    assert whole.shape == (1, len(samples))
    assert plan.latency == (2 * plan.hop if prompt else plan.frame)


@PROMPT
@pytest.mark.parametrize("alpha", [0.6, 0.8])
def test_what_is_out_never_changes(alpha, prompt, make_plan, make_voice):
    """Output up to a moment does not hang on what comes after; nor on how it was cut up."""
    plan, voice = make_plan(alpha=alpha, prompt=prompt), make_voice(seconds=0.4)
    whole, out = run(plan, voice, 1000)
    other = voice.copy()
    other[3000:] = 0.1 * np.random.default_rng(1).standard_normal(len(voice) - 3000)
    changed, _ = run(plan, other, 1000)
    assert np.array_equal(changed[:, : out[2]], whole[:, : out[2]])
    assert not np.array_equal(changed, whole)


@PROMPT
@pytest.mark.parametrize("size", [1, 7, 159, 160, 161, 320, 333, 5000])
def test_chunks_make_no_difference(size, prompt, make_plan, make_voice):
    plan, voice = make_plan(prompt=prompt), make_voice(seconds=0.15)
    exact = run(plan, voice, 10**6)[0]
    chunked = run(plan, voice, size)[0]
    assert exact.shape == (1, len(voice))
    assert np.abs(chunked - exact).max() < 1e-7


@pytest.mark.parametrize("keep_level", [False, True])
@pytest.mark.parametrize("rate", [8_000, 16_000])
def test_chunks_make_no_difference_to_predictable_frames(rate, keep_level, make_plan):
    """Every rounding shows in them, so they must be the same bits of arithmetic."""
    time = np.arange(rate // 4) / rate
    plan = make_plan(rate, keep_level=keep_level)
    for signal in (np.full(time.size, 0.3), np.where(time > 0.1, 0.4, 0.0), 1e-20 * np.sin(time)):
        samples = signal.astype(np.float32)
        whole = run(plan, samples, 10**6)[0]
        assert whole.any()
        for size in (37, plan.hop, 3 * plan.hop + 1):
            assert np.allclose(run(plan, samples, size)[0], whole, rtol=1e-6, atol=0)


@PROMPT
@pytest.mark.parametrize("rate", [11_025, 16_000, 22_050])
def test_any_length(rate, prompt, make_plan, make_voice):
    plan = make_plan(rate, prompt=prompt)
    voice = make_voice(rate, seconds=0.5, seed=1)
    voice = voice[np.flatnonzero(np.abs(voice) > 0.02)[0] :]
    edges = [plan.hop, plan.frame, plan.frame + plan.hop, 2 * plan.frame, plan.lead]
    for length in {0, 1, 2, *(edge + d for edge in edges for d in (-1, 0, 1))}:
        for size in (64, 10**6):
            out, _ = run(plan, voice[:length], size)
            assert out.shape == (1, length)
            assert np.isfinite(out).all()
            assert out.any() == (length > 0)


@PROMPT
def test_a_coefficient_of_one_gives_the_signal_back_in_time(prompt, make_plan, make_voice):
    """The first and the last sample are as good as any other, and none is late."""
    plan = make_plan(alpha=1.0, prompt=prompt)
    voice = make_voice(seconds=0.37)
    out, _ = run(plan, voice, 100)
    assert np.abs(out[0] - voice).max() < 0.01 * np.abs(voice).max()


@PROMPT
def test_channels_are_apart(prompt, make_plan, make_voice):
    plan = make_plan(prompt=prompt)
    both = np.stack([make_voice(seconds=0.3, speaker=s) for s in (1, 2)])
    out, _ = run(plan, both, 777)
    for channel, alone in zip(out, both, strict=True):
        assert np.array_equal(channel, run(plan, alone, 777)[0][0])


def test_empty_chunks(make_plan, make_voice):
    stream, voice = FrameStream(make_plan(), 1), make_voice(seconds=0.1)[None]
    empty = voice[:, :0]
    out = [stream.push(empty), stream.push(voice), stream.push(empty), stream.flush()]
    assert out[0].shape == out[2].shape == (1, 0)
    assert np.array_equal(np.concatenate(out, axis=1), run(make_plan(), voice, 10**6)[0])
