"""McAdams rendering against its description (b2.py), against physics, and where others give NaN."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import soundfile
from b2 import FRAME, HOP, snr_db
from b2 import render as reference
from scipy.signal import lfilter

import voxguard
from voxguard.dsp import mcadams
from voxguard.dsp.mcadams import Plan

ALPHAS = [0.5, 0.7, 0.9, 1.1]
RATES = [8_000, 16_000, 44_100, 48_000]
REAL_FILES = 4


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("speaker", range(4))
def test_equals_the_description(speaker, alpha, any_kernel, make_voice, make_plan, render):
    voice = make_voice(seconds=1.23, speaker=speaker, seed=speaker)
    ours = render(voice, make_plan(alpha=alpha, keep_level=False), any_kernel)
    assert snr_db(reference(voice, alpha), ours) > 120


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("number", range(REAL_FILES))
def test_equals_the_description_on_speech(
    number, alpha, any_kernel, shared_data, make_plan, render
):
    files = sorted((shared_data / "speech" / "eval").rglob("*.flac"))
    speech, rate = soundfile.read(files[number * len(files) // REAL_FILES], dtype="float32")
    assert rate == 16_000
    speech = speech[: 4 * rate]
    ours = render(speech, make_plan(alpha=alpha, keep_level=False), any_kernel)
    assert snr_db(reference(speech, alpha), ours) > 120


@pytest.mark.parametrize("alpha", ALPHAS)
def test_the_anonymizer_equals_the_description(alpha, make_voice):
    voice = make_voice(seconds=1.234, speaker=5)
    ours = voxguard.McAdams(coefficient=alpha, keep_level=False)(voice, 16_000)
    assert ours.shape == voice.shape
    whole = (len(voice) - FRAME) // HOP * HOP  # from here on, its last frame lacks a neighbour
    assert snr_db(reference(voice, alpha)[HOP:whole], ours[HOP:whole]) > 120
    assert ours[:HOP].any(), "where the description fades in"
    assert ours[whole + FRAME :].any(), "and where it has no frame"


def test_the_level_of_each_frame_is_kept(any_kernel, make_voice, make_plan, render):
    """Alone, a frame has the energy of the original, or less where it would burst."""
    voice = make_voice(seconds=0.5)
    plan = replace(make_plan(alpha=0.6), hop_ms=20.0)
    free = render(voice, replace(plan, keep_level=False), any_kernel)
    kept = render(voice, plan, any_kernel)
    limited = []
    for start in range(0, len(voice) - plan.frame + 1, plan.frame):
        part = slice(start, start + plan.frame)
        gain = (kept[part] @ free[part]) / (free[part] @ free[part])
        assert snr_db(kept[part], gain * free[part]) > 150, "a gain, nothing else"
        middle = slice(start + 16, start + plan.frame - 16)  # the window ends in zeros
        original = voice[part] * plan.analysis
        rendered = np.divide(kept[middle], plan.synthesis[16:-16])
        energy = np.sum(rendered**2) / np.sum(original**2)
        burst = np.abs(kept[part]).max() / np.abs(original * plan.synthesis).max()
        assert energy < 1.01
        assert burst < mcadams.MAX_BURST * 1.001
        limited.append(burst > mcadams.MAX_BURST * 0.999)
        assert limited[-1] or energy > 0.9
    assert 0 < sum(limited) < len(limited)


@pytest.mark.parametrize("prompt", [False, True])
@pytest.mark.parametrize("keep_level", [False, True])
@pytest.mark.parametrize("rate", RATES)
def test_a_coefficient_of_one_gives_the_input_back(
    rate, keep_level, prompt, any_kernel, make_voice, make_plan, render
):
    voice = make_voice(rate, seconds=0.3)
    plan = make_plan(rate, 1.0, keep_level=keep_level, prompt=prompt)
    out = render(voice, plan, any_kernel)
    weight = np.zeros(len(voice))
    for i in range(plan.count(len(voice))):
        weight[i * plan.hop : i * plan.hop + plan.frame] += plan.analysis * plan.synthesis
    inside = slice(plan.frame, (plan.count(len(voice)) - 1) * plan.hop)
    expected = weight * (voice.astype(np.float64) + mcadams.EPSILON)
    assert snr_db(expected[inside], out[inside]) > (80 if keep_level else 120)
    assert np.abs(weight[inside] - 1).max() < 0.01
    if prompt:
        assert snr_db(voice[inside].astype(np.float64), out[inside]) > 80


def _odd(rate):
    time = np.arange(rate // 2) / rate
    step = np.where(time > 0.2, 0.4, 0.0)
    return {
        "sine": 0.5 * np.sin(2 * np.pi * 440 * time),
        "sine at a bin": np.sin(2 * np.pi * 1000 * time),
        "silence": np.zeros(rate // 2),
        "DC": np.full(rate // 2, 0.3),
        "DC and a sine": 0.3 + 0.1 * np.sin(2 * np.pi * 100 * time),
        "step": step,
        "half the rate": 0.5 * (-1.0) ** np.arange(rate // 2),
        "one bit": np.sign(np.sin(2 * np.pi * 100 * time + 0.1)) / 32768,
        "clicks": (np.arange(rate // 2) % 997 == 0) * 0.9,
        "hardly anything": 1e-20 * np.sin(2 * np.pi * 200 * time),
        "far too loud": 1e15 * np.sin(2 * np.pi * 200 * time),
    }


@pytest.mark.parametrize("keep_level", [False, True])
@pytest.mark.parametrize("rate", [4_000, 8_000, 16_000, 48_000])
@pytest.mark.parametrize("name", _odd(8_000))
def test_finite_where_others_are_not(name, rate, keep_level, any_kernel, make_plan, render):
    samples = _odd(rate)[name]
    for alpha in (0.5, 0.9):
        out = render(samples, make_plan(rate, alpha, keep_level=keep_level), any_kernel)
        assert np.isfinite(out).all()
        if keep_level:  # two frames overlap
            assert np.abs(out).max() <= 2 * mcadams.MAX_BURST * np.abs(samples).max()


def predicted(hz, alpha):
    return 8_000 / np.pi * (hz * np.pi / 8_000) ** alpha


def resonance(hz, rate, seconds=3.0, bandwidth_hz=60.0):
    """Noise through one pair of poles."""
    radius = np.exp(-np.pi * bandwidth_hz / rate)
    noise = np.random.default_rng(1).standard_normal(int(seconds * rate))
    out = lfilter([1], [1, -2 * radius * np.cos(2 * np.pi * hz / rate), radius**2], noise)
    return (0.1 * out / out.std()).astype(np.float32)


def peak_hz(samples, rate, seconds=0.05):
    size = int(seconds * rate)
    frames = samples[: len(samples) // size * size].reshape(-1, size) * np.hanning(size)
    power = np.mean(np.abs(np.fft.rfft(frames, 8 * size)) ** 2, axis=0)
    return np.argmax(power) / (8 * seconds)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize(
    ("hz", "alpha"),
    [(700, 0.8), (700, 0.6), (1500, 0.7), (1500, 1.1), (3000, 0.8), (8_000 / np.pi, 0.6)],
)
def test_formants_move_as_predicted_at_any_rate(hz, alpha, rate):
    """In Hz as at 16 kHz, where the angle of 1 radian, 2546 Hz, stays."""
    samples = resonance(hz, rate)
    assert peak_hz(samples, rate) == pytest.approx(hz, rel=0.02)
    moved = peak_hz(voxguard.McAdams(coefficient=alpha)(samples, rate), rate)
    assert moved == pytest.approx(predicted(hz, alpha), rel=0.03)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("count", [3, 100])
def test_complex_poles_turn_and_real_ones_stay(rate, count):
    plan = Plan(rate, 20.0, 10.0, order=10, coefficient=0.7)
    hz = np.array([400.0, 1500.0, 8_000 / np.pi, 3500.0])
    radius, real = np.array([0.99, 0.95, 0.9, 0.85]), np.array([0.8, -0.6])
    upper = radius * np.exp(2j * np.pi * hz / rate)
    moved = radius * np.exp(2j * np.pi * predicted(hz, 0.7) / rate)

    def polynomial(pairs):
        return np.poly(np.concatenate([pairs, pairs.conj(), real])).real

    filters = np.repeat(polynomial(upper)[:, None], count, axis=1)
    product = np.ones(1)
    for section in mcadams.warp(filters, plan):
        product = np.convolve(product, section[:, 0])
    assert moved[2] == pytest.approx(upper[2])
    assert np.allclose(np.trim_zeros(product), polynomial(moved), rtol=0, atol=1e-6)


@pytest.mark.parametrize("count", [3, 100])
@pytest.mark.parametrize("order", [20, 25, 48, 64])
def test_sections_hold_all_poles(order, count):
    """Dealt out among short filters, all poles are there, however many of them are real."""
    for reals in (0, 2, 4, 6):
        reals += (order - reals) % 2
        rng = np.random.default_rng(reals)
        pairs = (order - reals) // 2
        angles = np.pi * (np.arange(pairs) + rng.uniform(0.3, 0.7, pairs)) / pairs
        upper = rng.uniform(0.9, 0.97, pairs) * np.exp(1j * angles)
        real = np.linspace(-0.9, 0.9, reals)
        roots = rng.permutation(np.concatenate([upper, upper.conj(), real]))
        a = np.poly(roots).real
        plan = Plan(16_000, 20.0, 10.0, order=order, coefficient=1.0)
        sections = mcadams.warp(np.repeat(a[:, None], count, axis=1), plan)
        assert len(sections) == plan.sections
        product = np.ones(1)
        for section in sections:
            product = np.convolve(product, section[:, -1])
        assert np.allclose(np.pad(product, (0, 64))[: order + 1], a, rtol=0, atol=1e-6)
        assert not product[order + 1 :].any()


@pytest.mark.parametrize("order", range(4, 65))
def test_sections_fit_the_compiled_kernel(order):
    plan = Plan(48_000, 20.0, 10.0, order=order, coefficient=0.7)
    assert 3 <= plan.section_order <= order
    assert plan.sections * (plan.section_order + 1) <= 128
    for reals in range(order % 2, order + 1, 2):
        pairs = (order - reals) // 2
        most = 2 * -(-pairs // plan.sections) + -(-reals // plan.sections)
        assert most <= plan.section_order


@pytest.mark.parametrize("length", [0, 1, 319, 320, 321, 479, 480, 481])
def test_only_whole_frames_are_rendered(length, any_kernel, make_plan, render):
    plan = make_plan()
    whole = {0: 0, 1: 0, 319: 0, 320: 1, 321: 1, 479: 1, 480: 2, 481: 2}[length]
    assert plan.count(length) == whole
    out = render(np.ones(length) * 0.1, plan, any_kernel)
    end = (whole - 1) * plan.hop + plan.frame if whole else 0
    assert not out[end:].any()
    assert out[:end].any() == bool(whole)
