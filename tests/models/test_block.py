"""The compiled step of the live network against numpy, and when which is used."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import tiny_converter

import voxguard
from voxguard.dsp import kernel
from voxguard.models import block
from voxguard.models.block import BlockWeights, LiveBlock
from voxguard.models.network_live import LiveNetwork
from voxguard.models.network_numpy import Layer
from voxguard.models.shipped import pretrained

WIDTH = 48
needs_compiled = pytest.mark.skipif(
    not block.is_compiled(), reason="no compiled step on this processor"
)


def make_layer(width=WIDTH, dilation=2, kind=np.float16):
    """A layer whose weights are what a type can hold."""
    rng = np.random.default_rng(3)
    shapes = {
        "scale": (width,),
        "taps.weight": (width, width, 3),
        "taps.bias": (width,),
        "mix.weight": (width, width, 1),
        "mix.bias": (width,),
    }
    arrays = {
        f"x.{name}": (0.2 * rng.standard_normal(shape)).astype(kind).astype(np.float32)
        for name, shape in shapes.items()
    }
    return Layer(arrays, "x", dilation)


def make_pair(monkeypatch, layer):
    """The same block twice: compiled where it can be, and in numpy."""
    bias = np.linspace(-1.0, 1.0, layer.width, dtype=np.float32)
    compiled = LiveBlock(BlockWeights(layer), layer.scale, bias)
    monkeypatch.setattr(block, "is_compiled", lambda: False)
    return compiled, LiveBlock(BlockWeights(layer), layer.scale, bias)


@needs_compiled
@pytest.mark.parametrize("dilation", [1, 2, 16])
@pytest.mark.parametrize("width", [8, 48, 256, 1024])
def test_it_is_what_numpy_gives(monkeypatch, width, dilation):
    compiled, plain = make_pair(monkeypatch, make_layer(width, dilation))
    assert compiled._halves is not None
    assert plain._halves is None
    rng = np.random.default_rng(0)
    for codes in (1, 1, 2, 1, 16, 17, 1, 5, 60, 3, 1):  # of many, numpy does both
        x = rng.standard_normal((codes, width)).astype(np.float32)
        there, here = compiled.push(x), plain.push(x)
        assert np.abs(there - here).max() < 2e-6 * np.abs(here).max()
        assert np.abs(compiled.past.rows - plain.past.rows).max() < 1e-5


@needs_compiled
@pytest.mark.parametrize("scale", [0.0, 1e-30, 1e-3, 1e4, 1e15])
def test_signals_of_any_size(monkeypatch, scale):
    compiled, plain = make_pair(monkeypatch, make_layer())
    x = np.float32(scale) * np.random.default_rng(0).standard_normal((4, WIDTH)).astype(np.float32)
    expected = plain.push(x)
    assert np.isfinite(expected).all()
    assert np.abs(compiled.push(x) - expected).max() <= 2e-6 * np.abs(expected).max()


@needs_compiled
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_stays_so(monkeypatch, wrong):
    """What comes out is looked at: a finite number would hide that something broke."""
    compiled, _ = make_pair(monkeypatch, make_layer())
    x = np.ones((1, WIDTH), np.float32)
    x[0, 5] = wrong
    assert not np.isfinite(compiled.push(x)).any()


@needs_compiled
def test_what_is_pushed_is_left_as_it_was(monkeypatch):
    compiled, _ = make_pair(monkeypatch, make_layer())
    x = np.ones((2, WIDTH), np.float32)
    compiled.push(x)
    assert (x == 1.0).all()


@pytest.mark.parametrize(
    "layer",
    [make_layer(kind=np.float32), make_layer(width=12), make_layer(width=1032)],
    ids=["finer than float16", "no whole registers", "wider than there is room"],
)
def test_other_weights_are_left_to_numpy(monkeypatch, layer):
    compiled, plain = make_pair(monkeypatch, layer)
    assert compiled._halves is None
    x = np.ones((3, layer.width), np.float32)
    assert np.array_equal(compiled.push(x), plain.push(x))


@needs_compiled
@pytest.mark.parametrize("number", range(8))
@pytest.mark.parametrize("cut", [1, 4, None])
def test_what_does_not_fit_is_refused(number, cut):
    layer = make_layer()
    weights = BlockWeights(layer)
    (taps, mix), row = weights.halves, np.ones(WIDTH, np.float32)
    given = [np.ones((1, WIDTH), np.float32), np.ones((4, WIDTH), np.float32), row, row,
             taps, row, mix, row]  # fmt: skip
    block._block.push(*given)
    flat = given[number].reshape(-1).view(np.uint8).copy()
    given[number] = flat[:-cut] if cut else flat[:0]
    if number == 0 and cut is None:  # no code at all
        block._block.push(*given)
        return
    with pytest.raises(ValueError, match="do not make a block"):
        block._block.push(*given)


def test_the_environment_chooses(monkeypatch):
    block.is_compiled.cache_clear()
    for chosen in kernel.available():
        kernel.name.cache_clear()
        block.is_compiled.cache_clear()
        monkeypatch.setenv("VOXGUARD_KERNEL", chosen)
        assert block.is_compiled() == (chosen in ("avx2", "avx512") and block._block is not None)
    monkeypatch.undo()
    kernel.name.cache_clear()
    block.is_compiled.cache_clear()


def test_every_layer_of_a_network_has_its_block(tmp_path):
    pytest.importorskip("torch")
    tiny_converter.save_converter(tmp_path / "w.safetensors", causal=True)
    network = LiveNetwork(pretrained(tmp_path / "w.safetensors", ""))
    for weights in (*network.hearing, *network.saying):
        assert (weights.halves is not None) == block.is_compiled()
    assert [weights.layer for weights in network.hearing] == network.encoder
    assert [weights.layer for weights in network.saying] == network.decoder


WITHOUT = """
import sys
if sys.argv[2]:
    sys.modules["voxguard.models._block"] = None  # the import fails
import numpy as np, voxguard
from voxguard.models import block
assert not block.is_compiled()
with voxguard.create("voice_conversion", live=True, key=b"k" * 16).stream(
    16_000, speaker="a"
) as stream:
    voice = voxguard.synthetic_voice(seconds=1.0)
    np.save(sys.argv[1], np.concatenate([stream.push(voice), stream.flush()]))
"""


@needs_compiled
@pytest.mark.parametrize(("kernels", "gone"), [("numpy", ""), ("", "gone")])
def test_a_live_voice_without_it(tmp_path, kernels, gone):
    path = tmp_path / "out.npy"
    environment = {**os.environ, "VOXGUARD_KERNEL": kernels}
    command = [sys.executable, "-W", "error", "-c", WITHOUT, path, gone]
    subprocess.run(command, check=True, env=environment)
    voice = voxguard.synthetic_voice(seconds=1.0)
    method = voxguard.create("voice_conversion", live=True, key=b"k" * 16)
    with method.stream(16_000, speaker="a") as stream:
        here = np.concatenate([stream.push(voice), stream.flush()])
    there = np.load(path)
    assert here.shape == there.shape
    assert np.abs(here - there).max() < 1e-3 * np.abs(here).max()
