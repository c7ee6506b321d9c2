from __future__ import annotations

import sys
import types

import numpy as np
import pytest

from voxguard.arrays import MAX_CHANNELS, Form, check_finite, fit
from voxguard.errors import NonFiniteAudioError, UnsupportedAudioError


def round_trip(samples):
    taken, form = Form.take(samples)
    assert taken.dtype == np.float32
    assert taken.flags.c_contiguous
    assert not np.shares_memory(taken, samples)
    return form.give(taken)


@pytest.mark.parametrize("shape", [(7,), (1, 7), (2, 7), (1, 1), (MAX_CHANNELS, 100)])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int16", "int32"])
def test_round_trip(shape, dtype):
    rng = np.random.default_rng(0)
    samples = rng.uniform(-1, 1, shape)
    if dtype.startswith("int"):  # of int32, what float32 can hold
        samples = (samples * 2**15).astype(dtype) * (2**16 if dtype == "int32" else 1)
    samples = samples.astype(dtype)
    back = round_trip(samples)
    assert back.dtype == samples.dtype
    assert back.shape == samples.shape
    assert np.allclose(back, samples, rtol=1e-6)
    if dtype != "float64":
        assert np.array_equal(back, samples)


def test_integers_at_their_limits():
    for dtype in (np.int16, np.int32):
        limits = np.iinfo(dtype)
        taken, form = Form.take(np.array([limits.min, 0, limits.max], dtype))
        assert taken[0, 0] == -1.0
        assert taken[0, 2] <= 1.0
        loud = form.give(np.array([[-2.0, 0.0, 2.0]], np.float32))
        assert loud.tolist() == [limits.min, 0, limits.max]
        assert form.give(np.array([[-1.0, 1.0]], np.float32)).tolist() == [limits.min, limits.max]


def test_integers_are_rounded():
    form = Form(np.dtype(np.int16), flat=True)
    assert form.give(np.array([[0.6, -0.6, 1.4]], np.float32) / 32768).tolist() == [1, -1, 1]


@pytest.mark.parametrize(
    "shape",
    [(), (0,), (1, 0), (2, 0), (0, 9), (2, 2), (3, 2), (9, 1), (500, 2), (65, 900), (1, 1, 9)],
)
def test_refused_shapes(shape):
    with pytest.raises(UnsupportedAudioError, match="shape"):
        Form.take(np.zeros(shape, np.float32))


def test_hints():
    with pytest.raises(UnsupportedAudioError, match="transpose"):
        Form.take(np.zeros((16_000, 2), np.float32))
    with pytest.raises(UnsupportedAudioError, match="anonymize_file"):
        Form.take("speech.wav")
    with pytest.raises(UnsupportedAudioError, match=r"uint8.*int16"):
        Form.take(np.zeros(9, np.uint8))


def test_empty_on_request():
    taken, form = Form.take(np.zeros(0, np.int16), allow_empty=True)
    assert taken.shape == (1, 0)
    assert form.give(taken).shape == (0,)
    assert Form.take(np.zeros((2, 0), np.float32), allow_empty=True)[0].shape == (2, 0)


@pytest.mark.parametrize("shape", [(2, 1), (2, 2), (3, 2)])
def test_short_chunks_of_known_channels_are_not_ambiguous(shape):
    chunk = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    taken, form = Form.take(chunk, allow_empty=True, channels=shape[0])
    assert np.array_equal(form.give(taken), chunk)
    with pytest.raises(UnsupportedAudioError):
        Form.take(chunk, channels=shape[0] + 1)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("bad", [[np.nan], [np.inf], [-np.inf], [np.inf, -np.inf], [np.nan] * 3])
def test_non_finite(dtype, bad):
    samples = np.zeros((2, 50), dtype)
    samples[1, 20 : 20 + len(bad)] = bad
    with pytest.raises(NonFiniteAudioError, match=rf"{len(bad)} of 100 .* index 20\b"):
        Form.take(samples)
    with pytest.raises(NonFiniteAudioError, match="index 20"):
        Form.take(samples[1])


def test_too_large_for_float32():
    with pytest.raises(NonFiniteAudioError):
        Form.take(np.array([0.0, 1e300]))


def test_large_but_finite_is_accepted():
    check_finite(np.full((2, 1000), np.float32(3e38)))
    huge = np.full(4, 1.7e308)  # the sum is infinite, the samples are not
    with np.errstate(over="ignore"):
        check_finite(huge)


def test_the_message_holds_no_samples():
    with pytest.raises(NonFiniteAudioError) as caught:
        Form.take(np.array([0.123456, np.nan]))
    assert "0.12" not in str(caught.value)


def test_fit():
    samples = np.ones((2, 5), np.float32)
    assert fit(samples, 3).shape == (2, 3)
    assert fit(samples, 5).shape == (2, 5)
    longer = fit(samples, 7)
    assert longer.shape == (2, 7)
    assert longer.dtype == np.float32
    assert not longer[:, 5:].any()


class FakeTensor:
    """The few methods of a torch tensor that are used, so that this runs without torch."""

    def __init__(self, array, device="cpu"):
        self.array, self.device = array, device

    def detach(self):
        return FakeTensor(self.array, self.device)

    def cpu(self):
        return FakeTensor(self.array)

    def numpy(self):
        assert self.device == "cpu", "torch refuses to give a CUDA tensor to numpy"
        return self.array

    def to(self, device):
        return FakeTensor(self.array, device)


def test_a_tensor_comes_back_to_its_device(monkeypatch):
    torch = types.SimpleNamespace(Tensor=FakeTensor, from_numpy=FakeTensor)
    monkeypatch.setitem(sys.modules, "torch", torch)
    taken, form = Form.take(FakeTensor(np.array([0.5, 0.25]), "cuda:1"))
    assert taken.tolist() == [[0.5, 0.25]]
    back = form.give(taken)
    assert isinstance(back, FakeTensor)
    assert back.device == "cuda:1"
    assert back.array.dtype == np.float64


def test_real_torch():
    torch = pytest.importorskip("torch")
    for dtype in (torch.float16, torch.float32, torch.float64, torch.int16, torch.int32):
        samples = torch.tensor([[0, 1, 0], [1, 0, 0]], dtype=dtype)
        taken, form = Form.take(samples)
        back = form.give(taken)
        assert back.dtype == dtype
        assert torch.equal(back, samples)
    with pytest.raises(UnsupportedAudioError):
        Form.take(torch.zeros(9, dtype=torch.uint8))
