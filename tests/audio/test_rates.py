"""Sample-rate conversion: a tone stays that tone, lengths are exact, streams equal wholes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxguard.audio import StreamResampler, resample
from voxguard.errors import StreamError, UnsupportedAudioError

PAIRS = [
    (16_000, 48_000), (48_000, 16_000), (44_100, 16_000), (16_000, 44_100), (8_000, 16_000),
    (11_025, 16_000), (192_000, 16_000), (4_000, 384_000), (22_050, 24_000), (16_000, 16_000),
    (16_000, 8_000),
]  # fmt: skip


def tone(rate: int, frames: int, hertz: float = 700.0) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(frames) / rate)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_tone_stays_the_tone_in_place(source: int, target: int) -> None:
    """Sample by sample against the tone computed at the target rate: no delay, no gain."""
    samples = tone(source, source)[np.newaxis].astype(np.float32)
    converted = resample(samples, source, target)
    expected = tone(target, target)
    middle = slice(target // 10, -target // 10)  # the ends see the silence outside
    assert np.abs(converted[0, middle] - expected[middle]).max() < 1e-4


def test_what_does_not_fit_is_removed() -> None:
    samples = tone(48_000, 48_000, 10_000)[np.newaxis].astype(np.float32)
    assert np.abs(resample(samples, 48_000, 16_000)[0, 1000:-1000]).max() < 1e-4


@pytest.mark.parametrize(("source", "target"), PAIRS)
@pytest.mark.parametrize("frames", [0, 1, 2, 999, 16_001])
def test_length_is_exact_and_the_input_kept(source: int, target: int, frames: int) -> None:
    samples = np.ones((3, frames), np.float32)
    converted = resample(samples, source, target)
    assert converted.shape == (3, round(frames * target / source))
    assert converted.dtype == np.float32
    assert converted.flags.c_contiguous
    assert not np.shares_memory(converted, samples)
    assert (samples == 1).all()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    pair=st.sampled_from(PAIRS),
    cuts=st.lists(st.integers(0, 9_000), min_size=0, max_size=8),
    channels=st.integers(1, 3),
)
def test_stream_equals_whole(pair: tuple[int, int], cuts: list[int], channels: int) -> None:
    rng = np.random.default_rng(0)
    blocks = [rng.standard_normal((channels, cut)).astype(np.float32) / 4 for cut in cuts]
    stream = StreamResampler(*pair, channels)
    pieces = [stream.push(block) for block in blocks]
    pieces.append(stream.flush())
    empty = np.zeros((channels, 0), np.float32)
    whole = resample(np.concatenate([empty, *blocks], axis=1), *pair)
    np.testing.assert_array_equal(np.concatenate(pieces, axis=1), whole)
    assert stream.flush().shape == (channels, 0)


@pytest.mark.parametrize("frames", [1, 3, 5, 1001, 1003])
def test_stream_of_half_a_sample_more_has_the_exact_length(frames: int) -> None:
    """Where n * target / source ends in .5, soxr does not round as Python does."""
    samples = np.ones((1, frames), np.float32)
    stream = StreamResampler(16_000, 8_000, 1)
    total = stream.push(samples).shape[1] + stream.flush().shape[1]
    assert total == resample(samples, 16_000, 8_000).shape[1] == round(frames / 2)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_stream_lag_is_bounded(source: int, target: int) -> None:
    stream = StreamResampler(source, target, 1)
    block = np.ones((1, source // 100), np.float32)
    given_s = sum(stream.push(block).shape[1] for _ in range(100)) / target
    assert len(block[0]) * 100 / source - given_s < 0.2


def test_refusals() -> None:
    stream = StreamResampler(16_000, 8_000, 2)
    with pytest.raises(UnsupportedAudioError, match="made for 2"):
        stream.push(np.zeros((1, 5), np.float32))
    with pytest.raises(UnsupportedAudioError, match="float32"):
        stream.push(np.zeros((2, 5), np.float64))  # type: ignore[arg-type]
    stream.flush()
    with pytest.raises(StreamError):
        stream.push(np.zeros((2, 5), np.float32))
    with pytest.raises(UnsupportedAudioError, match="channels, n"):
        resample(np.zeros(5, np.float32), 16_000, 8_000)
