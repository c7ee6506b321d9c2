"""Sample rates: which are accepted, and conversion between them, whole and streamed."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from voxguard.arrays import Samples
from voxguard.errors import StreamError, UnsupportedAudioError

__all__ = [
    "MAX_SAMPLE_RATE",
    "MIN_SAMPLE_RATE",
    "StreamResampler",
    "check_sample_rate",
    "resample",
]


MIN_SAMPLE_RATE = 4_000  # Hz
MAX_SAMPLE_RATE = 384_000  # Hz

_QUALITY = "HQ"


def check_sample_rate(rate: Any) -> int:
    """Accept a sample rate or say what is wrong with it.

    Args:
        rate: Hz; any integer type, or a float of integral value.

    Returns:
        The rate as an int.

    Raises:
        UnsupportedAudioError: not a whole number, or outside 4 to 384 kHz.
    """
    accepted = f"accepted: a whole number of Hz from {MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE}"
    is_integral = isinstance(rate, float | np.floating) and float(rate).is_integer()
    try:
        whole = int(rate) if is_integral else operator.index(rate)
    except TypeError:
        whole = 0
    if isinstance(rate, bool | np.bool_) or not whole:
        raise UnsupportedAudioError(f"got sample rate {rate!r}; {accepted}")
    if not MIN_SAMPLE_RATE <= whole <= MAX_SAMPLE_RATE:
        raise UnsupportedAudioError(f"got sample rate {whole} Hz; {accepted}")
    return whole


def _length(frames: int, source_rate: int, target_rate: int) -> int:
    return round(frames * target_rate / source_rate)


def _check(samples: Samples) -> None:
    if samples.ndim != 2 or samples.dtype != np.float32:
        raise UnsupportedAudioError(
            f"got {samples.dtype} of shape {samples.shape}; accepted: float32 (channels, n)"
        )


def _fit(samples: Samples, frames: int) -> Samples:
    """Cut or pad with zeros to `frames`; soxr rounds lengths its own way."""
    missing = max(frames - samples.shape[1], 0)
    fitted: Samples = np.pad(samples[:, :frames], ((0, 0), (0, missing)))
    return fitted


def resample(samples: Samples, source_rate: int, target_rate: int) -> Samples:
    """Convert the sample rate (soxr, high quality).

    Args:
        samples: float32 ``(channels, n)``; not changed.
        source_rate: Hz.
        target_rate: Hz.

    Returns:
        float32 ``(channels, round(n * target_rate / source_rate))``, without delay.

    Raises:
        UnsupportedAudioError: another type or layout.
    """
    _check(samples)
    if source_rate == target_rate:
        return samples.copy()
    import soxr

    frames = _length(samples.shape[1], source_rate, target_rate)
    if samples.shape[1] == 0:
        return np.zeros((len(samples), 0), np.float32)
    # soxr's channels are columns
    converted = soxr.resample(
        np.ascontiguousarray(samples.T), source_rate, target_rate, quality=_QUALITY
    )
    return _fit(np.ascontiguousarray(converted.T), frames)


class StreamResampler:
    """Converts the sample rate of audio that comes in blocks.

    What `push` and `flush` return, concatenated, has `resample`'s length and alignment and differs
    from it by nothing (measured: equal bit for bit at ten rate pairs), however the input is cut.
    Output lags behind the input by 35 to 120 ms (16 to 48 kHz: 37 ms); `flush` gives the rest.
    """

    def __init__(self, source_rate: int, target_rate: int, channels: int) -> None:
        """Start at silence.

        Args:
            source_rate: Hz.
            target_rate: Hz.
            channels: number of channels.
        """
        import soxr

        self._rates = source_rate, target_rate
        self._channels = channels
        self._received = self._given = 0
        self._is_flushed = False
        self._soxr = (
            None
            if source_rate == target_rate
            else soxr.ResampleStream(
                source_rate, target_rate, channels, dtype="float32", quality=_QUALITY
            )
        )

    def push(self, block: Samples) -> Samples:
        """Convert the next block.

        Args:
            block: float32 ``(channels, n)``, any n.

        Returns:
            What is ready: float32 ``(channels, m)``, m may be 0.

        Raises:
            UnsupportedAudioError: another type, layout or channel count.
            StreamError: already flushed.
        """
        _check(block)
        if len(block) != self._channels:
            raise UnsupportedAudioError(
                f"got {len(block)} channels; this resampler was made for {self._channels}"
            )
        if self._is_flushed:
            raise StreamError("push after flush: make a new StreamResampler for new audio")
        self._received += block.shape[1]
        return self._convert(block, last=False)

    def flush(self) -> Samples:
        """End the stream.

        Returns:
            What was still inside: float32 ``(channels, m)``.
        """
        if self._is_flushed:
            return np.zeros((self._channels, 0), np.float32)
        self._is_flushed = True
        already = self._given
        rest = self._convert(np.zeros((self._channels, 0), np.float32), last=True)
        return _fit(rest, max(_length(self._received, *self._rates) - already, 0))

    def _convert(self, block: Samples, *, last: bool) -> Samples:
        if self._soxr is None:
            converted = block.copy()
        else:
            frames = self._soxr.resample_chunk(np.ascontiguousarray(block.T), last=last)
            converted = np.ascontiguousarray(frames.reshape(-1, self._channels).T)
        self._given += converted.shape[1]
        return converted
