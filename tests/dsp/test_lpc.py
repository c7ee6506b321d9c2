"""Burg's method against a textbook, against closed forms, and on frames that break textbooks."""

from __future__ import annotations

import numpy as np
import pytest

from voxguard.dsp import lpc
from voxguard.dsp.lpc import burg, plain_burg
from voxguard.dsp.voice import synthetic_voice

RNG = np.random.default_rng(5)
SIZE = 320
WINDOW = np.sqrt(np.hanning(SIZE))
TIME = np.arange(SIZE)
BOTH = pytest.mark.parametrize("method", [burg, plain_burg])


def textbook(frame, order):
    """Sample by sample and order by order, in extended precision."""
    forward = [np.longdouble(x) for x in frame]
    backward, a = list(forward), [np.longdouble(1)]
    for m in range(1, order + 1):
        cross = energy = np.longdouble(0)
        for n in range(m, len(frame)):
            cross += forward[n] * backward[n - 1]
            energy += forward[n] ** 2 + backward[n - 1] ** 2
        k = -2 * cross / energy
        a = [x + k * y for x, y in zip([*a, 0], [0, *a[::-1]], strict=True)]
        for n in range(len(frame) - 1, m - 1, -1):
            f, b = forward[n], backward[n - 1]
            forward[n], backward[n] = f + k * b, b + k * f
    return np.array(a, dtype=np.float64)


def frames_of(samples, window=WINDOW, count=None):
    views = np.lib.stride_tricks.sliding_window_view(np.asarray(samples, np.float64), SIZE)[::160]
    return (views[:count] * window).T.copy()


def largest_pole(filters):
    return max(np.abs(np.roots(a)).max(initial=0.0) for a in filters.T)


@BOTH
@pytest.mark.parametrize("order", [1, 2, 5, 20])
def test_textbook(method, order):
    frames = frames_of(synthetic_voice(seconds=0.15, seed=3))
    frames[:, 0] = RNG.standard_normal(SIZE)
    expected = np.stack([textbook(frame, order) for frame in frames.T], axis=1)
    assert np.allclose(method(frames, order), expected, rtol=0, atol=1e-9)


@BOTH
def test_a_small_frame_and_the_highest_order(method):
    frames = RNG.standard_normal((9, 4))
    for order in (1, 7, 8):
        expected = np.stack([textbook(frame, order) for frame in frames.T], axis=1)
        assert np.allclose(method(frames, order), expected, rtol=0, atol=1e-7)


@BOTH
@pytest.mark.parametrize("ratio", [0.3, -0.9, 0.999])
def test_exponential(method, ratio):
    """x[n] = r x[n - 1] makes the first reflection -2 r / (1 + r^2)."""
    a = method(ratio ** TIME[:, None], 1)
    assert np.allclose(a[:, 0], [1, -2 * ratio / (1 + ratio**2)], rtol=0, atol=1e-12)


@BOTH
@pytest.mark.parametrize("poles", [[0.9], [-0.7], [0.95 * np.exp(0.8j), 0.95 * np.exp(-0.8j)]])
def test_autoregressive_noise_gives_its_poles_back(method, poles):
    a = np.poly(poles).real
    noise, size = np.random.default_rng(1).standard_normal(30_000), len(poles)
    samples = np.zeros(noise.size)
    for n in range(size, noise.size):
        samples[n] = noise[n] - a[1:] @ samples[n - size : n][::-1]
    assert np.allclose(method(samples[:, None], size)[:, 0], a, rtol=0, atol=0.02)
    surplus = method(samples[:, None], size + 3)[:, 0]
    assert np.allclose(surplus, [*a, 0, 0, 0], rtol=0, atol=0.03)


ODD = {
    "zeros": np.zeros(SIZE),
    "DC": np.full(SIZE, 0.3),
    "sine": np.sin(0.3 * TIME + 0.2),
    "two sines": np.sin(0.3 * TIME) + 0.1 * np.sin(1.1 * TIME),
    "half the sample rate": (-1.0) ** TIME,
    "impulse": (TIME == 100) * 1.0,
    "first sample": (TIME == 0) * 1.0,
    "last sample": (TIME == SIZE - 1) * 1.0,
    "step": (TIME > 200) * 0.5,
    "ramp": TIME / SIZE,
    "denormal": np.full(SIZE, 1e-310),
}


@BOTH
@pytest.mark.parametrize("windowed", [False, True])
@pytest.mark.parametrize("offset", [0.0, np.finfo(np.float32).eps])
def test_odd_frames_are_finite_and_stable(method, windowed, offset):
    frames = np.stack(list(ODD.values()), axis=1) * (WINDOW[:, None] if windowed else 1.0) + offset
    filters = method(frames, 20)
    assert np.isfinite(filters).all()
    assert np.array_equal(filters[0], np.ones(len(ODD)))
    assert largest_pole(filters) < 1.03  # on the circle, but for the digits that `roots` loses


@BOTH
def test_zeros_predict_nothing(method):
    assert np.array_equal(method(np.zeros((SIZE, 2)), 20), np.eye(21)[:, :1].repeat(2, axis=1))


@BOTH
def test_a_sine_is_predicted_by_a_pair_of_poles_at_its_frequency(method):
    a = method(np.sin(0.3 * np.arange(4000.0))[:, None], 2)[:, 0]
    assert np.angle(np.roots(a)).max() == pytest.approx(0.3, abs=1e-3)
    assert np.abs(np.roots(a)) == pytest.approx(1.0, abs=1e-4)


@BOTH
@pytest.mark.parametrize("scale", [2.0**-400, 2.0**-40, 2.0**40, 2.0**400])
def test_scale_changes_nothing(method, scale):
    frames = frames_of(synthetic_voice(seconds=0.2))
    assert np.array_equal(method(frames * scale, 20), method(frames, 20))


@BOTH
def test_the_input_stays_as_it_is(method):
    frames = np.stack(list(ODD.values()), axis=1)
    before = frames.copy()
    method(frames, 20)
    assert np.array_equal(frames, before)


def predictable(count):
    """Noise under a quarter of the band: nothing above it but rounding."""
    noise = np.random.default_rng(2).standard_normal((SIZE, count))
    spectrum = np.fft.rfft(noise, axis=0)
    spectrum[40:] = 0
    return np.fft.irfft(spectrum, SIZE, axis=0)


def test_where_the_fast_recursion_is_trusted_it_is_right():
    signals = [synthetic_voice(seconds=2.0, speaker=s) for s in range(4)]
    signals.append(0.1 * RNG.standard_normal(16_000))
    odd = np.stack([*ODD.values()], axis=1) + np.finfo(np.float32).eps
    batch = np.concatenate([*map(frames_of, signals), odd, predictable(20)], axis=1)
    batch = np.concatenate([batch, batch + 1e-3 * RNG.standard_normal(batch.shape)], axis=1)
    fast, trusted = lpc._fast_burg(batch, 20)
    plain = plain_burg(batch, 20)
    assert 0.7 < trusted.mean() < 1
    assert np.abs(fast - plain)[:, trusted].max() < 1e-8
    assert np.array_equal(burg(batch, 20)[:, trusted], fast[:, trusted])


def test_predictable_frames_take_the_plain_path(monkeypatch):
    frames = np.concatenate([predictable(30), RNG.standard_normal((SIZE, 10))], axis=1)
    fast, trusted = lpc._fast_burg(frames, 20)
    assert np.array_equal(trusted, np.arange(40) >= 30)
    plain = plain_burg(frames, 20)
    assert not np.abs(fast - plain)[:, :30].max() < 1e-3, "the fast path would have done"
    seen = []

    def spy(part, order):
        seen.append(part.shape[1])
        return plain_burg(part, order)

    monkeypatch.setattr(lpc, "plain_burg", spy)
    filters = burg(frames, 20)
    assert seen == [30]
    assert np.isfinite(filters).all()
    assert largest_pole(filters) < 1.03
    left = [np.convolve(x, a, "valid") for x, a in zip(frames.T[:30], filters.T, strict=False)]
    assert np.sum(np.square(left)) < 1e-6 * np.sum(frames[:, :30] ** 2), "they are predicted"


def test_a_frame_alone_gives_the_same_bits_as_among_others():
    """Predictable frames blow every rounding up; a stream, frame by frame, must equal a file."""
    frames = np.cumsum(np.cumsum(RNG.standard_normal((SIZE, 60)), axis=0), axis=0) * WINDOW[:, None]
    together = plain_burg(frames, 20)
    for first, last in [(0, 1), (7, 8), (3, 5), (10, 27)]:
        assert np.array_equal(plain_burg(frames[:, first:last], 20), together[:, first:last])
