"""The compiled kernels: the same as numpy, frame by frame, and safe whatever they are given."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from b2 import snr_db
from hypothesis import given, settings
from hypothesis import strategies as st

import voxguard
from voxguard.dsp import kernel
from voxguard.errors import ConfigurationError

RATES = [4_000, 8_000, 16_000, 22_050, 44_100, 48_000]
COMPILED = kernel.available()[:-1]
needs_compiled = pytest.mark.skipif(not COMPILED, reason="no compiled kernel here")


@pytest.fixture
def fresh_name():
    """The choice is made once; here it is made anew."""
    kernel.name.cache_clear()
    yield kernel.name
    kernel.name.cache_clear()


def arguments(plan, length, frames=None):
    """What the compiled function takes, by name and in its order; samples are an easy noise."""
    samples = np.random.default_rng(length).standard_normal(length).astype(np.float32)
    return {
        "kernel": COMPILED[0],
        "samples": samples,
        "analysis": plan.analysis,
        "synthesis": plan.synthesis,
        "floor": plan.floor,
        "hop": plan.hop,
        "order": plan.order,
        "sections": plan.sections,
        "section_order": plan.section_order,
        "coefficient": plan.coefficient,
        "stretch": plan.stretch,
        "keep_level": plan.keep_level,
        "out": np.zeros(length),
        "unsolved": np.ones(plan.count(length) if frames is None else frames, np.uint8),
    }


# Agreement


@needs_compiled
@pytest.mark.parametrize("options", [{}, {"keep_level": False}, {"prompt": True}], ids=str)
@pytest.mark.parametrize("rate", RATES)
def test_equals_numpy(rate, options, make_voice, make_plan, render):
    voice = make_voice(rate, seconds=0.6, speaker=2)
    for alpha in (0.1, 0.5, 0.75, 0.9, 1.1, 1.5):
        plan = make_plan(rate, alpha, **options)
        expected = render(voice, plan, "numpy")
        for name in COMPILED:
            assert snr_db(expected, render(voice, plan, name)) > 120, (name, alpha)


@needs_compiled
@pytest.mark.parametrize(("frame_ms", "hop_ms"), [(10, 2), (25, 7.3), (50, 25), (20, 2.5)])
@pytest.mark.parametrize("order", [4, 5, 7, 9, 13, 30])
def test_equals_numpy_with_other_frames(frame_ms, hop_ms, order, make_voice, make_plan, render):
    voice = make_voice(seconds=0.3)
    plan = make_plan(frame_ms=frame_ms, hop_ms=hop_ms, lpc_order=order)
    expected = render(voice, plan, "numpy")
    for name in COMPILED:
        assert snr_db(expected, render(voice, plan, name)) > 120, name


def test_equals_numpy_on_noise_and_pauses(compiled, make_voice, make_plan, render):
    """Silent, noisy, predictable and voiced frames side by side."""
    signal = np.array(make_voice(seconds=1.0, speaker=3))
    signal[3000:5000] = 0
    signal[7000:9000] = 0.1 * np.random.default_rng(0).standard_normal(2000)
    signal[11_000:12_000] = 0.2 * np.sin(0.1 * np.arange(1000))
    plan = make_plan()
    assert snr_db(render(signal, plan, "numpy"), render(signal, plan, compiled)) > 100


def mixed(plan, count):
    """Frames, end to end, that take each path there is: any lane may finish first."""
    rng, time_ = np.random.default_rng(9), np.arange(plan.frame)
    kinds = [
        lambda: 0.1 * rng.standard_normal(plan.frame),
        lambda: 0.3 * np.sin(rng.uniform(0.1, 2) * time_),
        lambda: np.zeros(plan.frame),
        lambda: np.full(plan.frame, 0.2),
        lambda: np.cumsum(rng.standard_normal(plan.frame)) / 50,
        lambda: (time_ == 77) * 0.5,
    ]
    frames = [kinds[i]() for i in rng.integers(0, len(kinds), count)]
    return np.concatenate(frames).astype(np.float32)


@pytest.mark.parametrize("rate", [16_000, 48_000])
def test_a_frame_gives_the_same_bits_in_any_company(rate, compiled, make_plan, render):
    plan = replace(make_plan(rate), hop_ms=20.0)
    size, count = plan.frame, 37
    samples = mixed(plan, count)
    together = render(samples, plan, compiled).reshape(count, size)
    assert len(np.flatnonzero(together.any(axis=1))) > 20
    for i in range(count):
        alone = render(samples[i * size : (i + 1) * size], plan, compiled)
        assert np.array_equal(alone, together[i])
    for first, last in [(1, 37), (2, 17), (3, 11), (5, 7), (6, 15), (7, 36)]:
        part = render(samples[first * size : last * size], plan, compiled)
        assert np.array_equal(part.reshape(-1, size), together[first:last])
    order = np.random.default_rng(1).permutation(count)
    shuffled = samples.reshape(count, size)[order].reshape(-1)
    assert np.array_equal(render(shuffled, plan, compiled).reshape(count, size), together[order])


def test_numpy_gives_a_frame_nearly_the_same_in_any_company(make_plan, render, make_voice):
    """Not the same bits: few roots are found otherwise than many."""
    voice, plan = make_voice(seconds=0.9, speaker=4), replace(make_plan(), hop_ms=20.0)
    together = render(voice, plan, "numpy")
    for first, last in [(0, 1), (3, 9), (1, 40)]:
        part = slice(first * plan.frame, last * plan.frame)
        assert snr_db(together[part], render(voice[part], plan, "numpy")) > 120


def test_it_adds(any_kernel, make_voice, make_plan, render):
    voice, plan = make_voice(seconds=0.2), make_plan()
    out = np.full(len(voice), 3.0)
    kernel.overlap_add(voice, plan, out, kernel=any_kernel)
    assert np.allclose(out - 3.0, render(voice, plan, any_kernel), rtol=0, atol=1e-15)


def test_samples_need_not_be_contiguous(any_kernel, make_voice, make_plan, render):
    voice, plan = make_voice(seconds=0.2), make_plan()
    pair = np.stack([voice, -voice], axis=1)
    assert np.array_equal(render(pair[:, 0], plan, any_kernel), render(voice, plan, any_kernel))


# Choice


def test_numpy_is_always_there_and_last():
    assert kernel.available()[-1] == "numpy"
    assert len(set(kernel.available())) == len(kernel.available())


def test_the_fastest_is_the_default(fresh_name, monkeypatch):
    monkeypatch.delenv("VOXGUARD_KERNEL", raising=False)
    assert fresh_name() == kernel.available()[0]


def test_the_environment_chooses(
    any_kernel, fresh_name, monkeypatch, make_voice, make_plan, render
):
    monkeypatch.setenv("VOXGUARD_KERNEL", any_kernel)
    assert fresh_name() == any_kernel
    voice, plan = make_voice(seconds=0.1), make_plan()
    assert np.array_equal(render(voice, plan), render(voice, plan, any_kernel))


@pytest.mark.parametrize("wrong", ["avx1024", "NUMPY", " "])
def test_an_unknown_kernel_is_refused(wrong, fresh_name, monkeypatch, make_voice):
    monkeypatch.setenv("VOXGUARD_KERNEL", wrong)
    with pytest.raises(ConfigurationError, match=f"VOXGUARD_KERNEL={wrong}.*numpy"):
        fresh_name()
    with pytest.raises(ConfigurationError):
        voxguard.McAdams()(make_voice(seconds=0.1), 16_000)


WITHOUT = """
import sys
sys.modules["voxguard.dsp._kernel"] = None  # the import fails
import numpy as np, voxguard
from voxguard.dsp import kernel
assert kernel.available() == ["numpy"] and kernel.name() == "numpy"
method = voxguard.McAdams(coefficient=0.7)
voice = voxguard.synthetic_voice(seconds=0.5)
with method.stream(16_000, max_latency_ms=5.0) as stream:
    live = np.concatenate([stream.push(voice), stream.flush()])
np.save(sys.argv[1], [method(voice, 16_000), live])
"""


def test_without_the_compiled_module(tmp_path):
    path = tmp_path / "out.npy"
    subprocess.run([sys.executable, "-W", "error", "-c", WITHOUT, path], check=True)
    whole, live = np.load(path)
    method = voxguard.McAdams(coefficient=0.7)
    voice = voxguard.synthetic_voice(seconds=0.5)
    assert snr_db(method(voice, 16_000), whole) > 100
    with method.stream(16_000, max_latency_ms=5.0) as stream:
        expected = np.concatenate([stream.push(voice), stream.flush()])
    assert snr_db(expected, live) > 100


# What the root finder leaves


class Lazy:
    """A compiled module that leaves some frames undone."""

    def __init__(self, real, left):
        self.real, self.left, self.available = real, left, real.available

    def overlap_add(self, name, samples, *options):
        *options, out, unsolved = options
        frame, hop = len(options[0]), options[3]
        for i in range(len(unsolved)):
            part = slice(i * hop, i * hop + frame)
            if not self.left(i):
                self.real.overlap_add(name, samples[part], *options, out[part], unsolved[i : i + 1])


@pytest.mark.parametrize("left", [lambda i: i % 3 == 1, lambda i: i == 5, lambda i: True])
def test_numpy_does_what_is_left(left, compiled, monkeypatch, make_voice, make_plan, render):
    voice, plan = make_voice(seconds=0.5), make_plan()
    expected = render(voice, plan, compiled)
    monkeypatch.setattr(kernel, "_kernel", Lazy(kernel._kernel, left))
    out = render(voice, plan, compiled)
    assert not np.array_equal(out, expected), "numpy had a hand in it"
    assert snr_db(expected, out) > 120


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_frames_with_nan_are_left_and_spoil_no_other(bad, compiled, make_plan):
    taken = arguments(make_plan(), 8000)
    taken["kernel"] = compiled
    kernel._kernel.overlap_add(*taken.values())
    clean = taken["out"].copy()
    taken["samples"][4000] = bad
    taken["out"][:] = 0
    kernel._kernel.overlap_add(*taken.values())
    hit = np.arange(len(taken["unsolved"])) * 160
    hit = (hit <= 4000) & (hit + 320 > 4000)
    assert np.array_equal(taken["unsolved"].astype(bool), hit)
    apart = np.ones(8000, bool)
    apart[np.flatnonzero(hit)[0] * 160 : np.flatnonzero(hit)[-1] * 160 + 320] = False
    assert np.array_equal(taken["out"][apart], clean[apart])
    assert np.isfinite(taken["out"]).all()


# The compiled function itself

EDGE = np.ones(24)  # samples a frame, for order 20
WRONG = {
    "unknown kernel": ({"kernel": "mmx"}, ValueError),
    "numpy": ({"kernel": "numpy"}, ValueError),
    "no text": ({"kernel": 3}, TypeError),
    "hop 0": ({"hop": 0}, ValueError),
    "hop below": ({"hop": -160}, ValueError),
    "hop too long": ({"hop": 2**31 - 1}, ValueError),
    "hop past int": ({"hop": 2**31}, OverflowError),
    "hop a float": ({"hop": 1.5}, TypeError),
    "order 3": ({"order": 3, "section_order": 3}, ValueError),
    "order 65": ({"order": 65}, ValueError),
    "order below": ({"order": -1}, ValueError),
    "order lowest": ({"order": -(2**31)}, ValueError),
    "no sections": ({"sections": 0}, ValueError),
    "many sections": ({"sections": 100}, ValueError),
    "sections that wrap": ({"order": 63, "sections": 2**26, "section_order": 63}, ValueError),
    "section order 2": ({"section_order": 2}, ValueError),
    "section order above order": ({"section_order": 21}, ValueError),
    "section order highest": ({"section_order": 2**31 - 1}, ValueError),
    "synthesis short": ({"synthesis": np.ones(319)}, ValueError),
    "analysis short": ({"analysis": np.ones(319)}, ValueError),
    "analysis empty": ({"analysis": np.ones(0)}, ValueError),
    "analysis float32": ({"analysis": np.ones(320, np.float32)}, ValueError),
    "frame within order": (dict.fromkeys(["analysis", "synthesis", "floor"], EDGE), ValueError),
    "floor long": ({"floor": np.ones(321)}, ValueError),
    "out short": ({"out": np.zeros(1599)}, ValueError),
    "out long": ({"out": np.zeros(1601)}, ValueError),
    "out float32": ({"out": np.zeros(1600, np.float32)}, ValueError),
    "out read-only": ({"out": bytes(12_800)}, (BufferError, TypeError)),
    "out strided": ({"out": np.zeros(3200)[::2]}, (BufferError, TypeError)),
    "out None": ({"out": None}, TypeError),
    "samples short": ({"samples": np.ones(1599, np.float32)}, ValueError),
    "samples empty": ({"samples": np.ones(0, np.float32), "out": np.zeros(0)}, ValueError),
    "samples strided": ({"samples": np.ones(3200, np.float32)[::2]}, (BufferError, ValueError)),
    "samples a list": ({"samples": [0.0] * 1600}, TypeError),
    "a frame too many": ({"unsolved": np.ones(10, np.uint8)}, ValueError),
    "no frame": ({"unsolved": np.ones(0, np.uint8)}, ValueError),
    "flags strided": ({"unsolved": np.ones(18, np.uint8)[::2]}, (BufferError, TypeError)),
    "coefficient text": ({"coefficient": "0.7"}, TypeError),
}


@needs_compiled
@pytest.mark.parametrize(("change", "error"), WRONG.values(), ids=WRONG.keys())
def test_wrong_arguments_raise(change, error, make_plan):
    taken = arguments(make_plan(), 1600)
    assert len(taken["unsolved"]) == 9
    with pytest.raises(error):
        kernel._kernel.overlap_add(*(taken | change).values())
    assert not taken["out"].any()
    assert taken["unsolved"].all()
    kernel._kernel.overlap_add(*taken.values())
    assert not taken["unsolved"].any()


@needs_compiled
def test_the_number_of_arguments(make_plan):
    taken = list(arguments(make_plan(), 1600).values())
    for wrong in ([], taken[:-1], [*taken, 1]):
        with pytest.raises(TypeError):
            kernel._kernel.overlap_add(*wrong)


GUARD = 64  # samples on either side that nobody may write to


@needs_compiled
@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_sizes(data):
    """Either an error, or the frames and nothing beside them are written."""
    small = st.integers(-2, 70)
    frame, length = data.draw(st.integers(0, 140)), data.draw(st.integers(0, 900))
    hop, order = data.draw(st.integers(-1, 150)), data.draw(small)
    fits = hop > 0 and frame <= length
    frames = data.draw(st.just((length - frame) // hop + 1) if fits else st.integers(0, 9))
    frames = max(0, frames + data.draw(st.sampled_from([0, 0, 0, -1, 1])))
    odd = data.draw(st.sampled_from([0] * 6 + [1, -1]))  # a buffer that does not fit the others
    which = data.draw(st.sampled_from(["synthesis", "floor", "out"]))
    sections, section_order = data.draw(st.sampled_from([(1, order), (2, order), None])) or (
        data.draw(small),
        data.draw(small),
    )
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    size = {"synthesis": frame, "floor": frame, "out": length}
    size[which] = max(0, size[which] + odd)
    out, flags = np.full(size["out"] + 2 * GUARD, 7.0), np.full(frames + 2 * GUARD, 7, np.uint8)
    inside, flagged = slice(GUARD, -GUARD), slice(GUARD, frames + GUARD)
    try:
        kernel._kernel.overlap_add(
            data.draw(st.sampled_from(COMPILED)),
            rng.standard_normal(length).astype(np.float32),
            rng.uniform(0, 1, frame),
            rng.uniform(0, 1, size["synthesis"]),
            np.zeros(size["floor"]),
            hop,
            order,
            sections,
            section_order,
            data.draw(st.floats(0.1, 1.5)),
            data.draw(st.sampled_from([0.25, 1.0, 3.0])),
            data.draw(st.booleans()),
            out[inside],
            flags[flagged],
        )
    except ValueError:
        assert (out == 7).all()
        assert (flags == 7).all()
        return
    assert 4 <= order <= 64
    assert frames > 0
    assert (frames - 1) * hop + frame <= length
    assert size == {"synthesis": frame, "floor": frame, "out": length}
    assert np.isfinite(out).all()
    assert np.isin(flags[flagged], [0, 1]).all()
    end = GUARD + (frames - 1) * hop + frame
    assert (np.concatenate([out[:GUARD], out[end:]]) == 7).all()
    assert (np.delete(flags, np.arange(GUARD, frames + GUARD)) == 7).all()


def test_other_threads_run_meanwhile(compiled, make_voice, make_plan, render):
    samples, plan = np.tile(make_voice(seconds=2.0), 15), make_plan()
    ticks, done = [], threading.Event()

    def tick():
        while not done.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        start = time.perf_counter()
        render(samples, plan, compiled)
        took = time.perf_counter() - start
    finally:
        done.set()
        thread.join()
    middle = [t for t in ticks if 0.3 * took < t - start < 0.7 * took]
    assert middle, f"nothing else ran in {took:.3f} s"


def test_threads_do_not_disturb_each_other(compiled, make_voice, make_plan, render):
    plan = make_plan()
    voices = [make_voice(seconds=2.0, speaker=s) for s in range(3)]
    expected = [render(voice, plan, compiled) for voice in voices]
    results = [[] for _ in voices]

    def work(i):
        results[i] = [render(voices[i], plan, compiled) for _ in range(5)]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(voices))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, many in zip(expected, results, strict=True):
        assert len(many) == 5
        assert all(np.array_equal(one, other) for other in many)
