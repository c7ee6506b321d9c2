"""Samples to and from raw bytes, and WAV headers for pipes.

Pipes cannot seek and their length is not known beforehand, which libsndfile needs; everything
that is a file goes through `voxguard.audio`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from voxguard.arrays import Samples
from voxguard.audio.containers import check_length, check_wav_format
from voxguard.errors import CorruptAudioError, NonFiniteAudioError, UnsupportedAudioError

__all__ = [
    "PCM_BITS",
    "WavHeader",
    "decode_pcm",
    "encode_pcm",
    "quantize",
    "read_wav_header",
    "wav_header",
]


PCM_BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}
_WIDTHS = {"PCM_16": 2, "PCM_24": 3, "PCM_32": 4, "FLOAT": 4}  # bytes a sample
_SUBTYPES = {(1, 16): "PCM_16", (1, 24): "PCM_24", (1, 32): "PCM_32", (3, 32): "FLOAT"}
_UNKNOWN = 0xFFFF_FFFF
_MAX_HEADER = 1 << 24  # bytes in front of the samples; cover pictures fit, a lying chunk does not


@dataclass(frozen=True)
class WavHeader:
    """What a WAV header says.

    Attributes:
        sample_rate: Hz.
        channels: number of channels.
        subtype: ``"PCM_16"``, ``"PCM_24"``, ``"PCM_32"`` or ``"FLOAT"``.
        frames: samples per channel; None where the writer did not know.
    """

    sample_rate: int
    channels: int
    subtype: str
    frames: int | None


def _width(subtype: str) -> int:
    if subtype not in _WIDTHS:
        raise UnsupportedAudioError(
            f"got sample type {subtype!r} for a pipe; accepted: {', '.join(_WIDTHS)}"
        )
    return _WIDTHS[subtype]


def _read_exactly(stream: BinaryIO, length: int) -> bytes:
    parts = []
    while length > 0 and (part := stream.read(length)):  # a pipe may give less than asked for
        parts.append(part)
        length -= len(part)
    if length > 0:
        raise CorruptAudioError("cut short: the stream ends inside its WAV header")
    return b"".join(parts)


def read_wav_header(stream: BinaryIO) -> WavHeader:
    """Read a WAV header and stop in front of the first sample.

    Args:
        stream: anything readable; it is not seeked.

    Returns:
        The header; ``frames`` is None for the lengths that streaming writers put.

    Raises:
        CorruptAudioError: cut short or self-contradictory.
        UnsupportedAudioError: not WAV, or a sample type that pipes do not take.
    """
    riff = _read_exactly(stream, 12)
    if riff[:4] != b"RIFF" or riff[8:] != b"WAVE":
        raise UnsupportedAudioError(
            f"got a stream that starts with {riff[:4]!r}; a WAV stream (RIFF) is accepted"
        )
    fmt: bytes | None = None
    budget = _MAX_HEADER
    while True:
        identifier, length = struct.unpack("<4sI", _read_exactly(stream, 8))
        if identifier == b"data":
            break
        budget -= 8 + length + (length & 1)
        if budget < 0:
            raise CorruptAudioError(f"the WAV header is longer than {_MAX_HEADER} bytes")
        content = _read_exactly(stream, length + (length & 1))[:length]
        if identifier == b"fmt ":
            fmt = content
    if fmt is None:
        raise CorruptAudioError("the WAV stream has samples in front of its fmt chunk")
    tag, channels, rate, block, bits = check_wav_format(fmt)
    subtype = _SUBTYPES.get((tag, bits))
    if subtype is None:
        raise UnsupportedAudioError(
            f"got WAV codec {tag} with {bits} bits; accepted: {', '.join(_WIDTHS)}"
        )
    claimed = check_length(length, length, block)
    return WavHeader(rate, channels, subtype, None if claimed is None else claimed // block)


def wav_header(sample_rate: int, channels: int, subtype: str, frames: int | None = None) -> bytes:
    """Build the WAV header that stands in front of the samples.

    Args:
        sample_rate: Hz.
        channels: number of channels.
        subtype: as in `WavHeader`.
        frames: samples per channel; None puts "unknown" (0xFFFFFFFF), which players of streams
            understand.

    Returns:
        The header's bytes, up to the first sample.

    Raises:
        UnsupportedAudioError: another subtype, or more samples than WAV can hold (4 GiB).
    """
    width = _width(subtype)
    block = width * channels
    is_float = subtype == "FLOAT"
    fmt = struct.pack(
        "<HHIIHH",
        3 if is_float else 1,
        channels,
        sample_rate,
        min(sample_rate * block, _UNKNOWN),
        block,
        8 * width,
    )
    chunks = struct.pack("<4sI", b"fmt ", len(fmt) + 2 * is_float) + fmt
    if is_float:  # anything but PCM has an extension size and a "fact" chunk
        chunks += struct.pack("<H4sII", 0, b"fact", 4, _UNKNOWN if frames is None else frames)
    length = _UNKNOWN if frames is None else frames * block
    total = _UNKNOWN if frames is None else 4 + len(chunks) + 8 + length + (length & 1)
    if total > _UNKNOWN:
        raise UnsupportedAudioError(f"got {frames} frames; a WAV stream holds up to 4 GiB")
    return struct.pack("<4sI4s", b"RIFF", total, b"WAVE") + chunks + struct.pack(
        "<4sI", b"data", length
    )  # fmt: skip


def decode_pcm(data: bytes, subtype: str, channels: int) -> Samples:
    """Turn interleaved little-endian samples into an array.

    Args:
        data: whole frames.
        subtype: as in `WavHeader`.
        channels: number of channels.

    Returns:
        float32 ``(channels, n)``, full scale at 1.

    Raises:
        CorruptAudioError: the data does not end with a whole frame.
        NonFiniteAudioError: NaN or infinity among floats.
    """
    width = _width(subtype)
    if len(data) % (width * channels):
        raise CorruptAudioError(
            f"got {len(data)} bytes; {subtype} with {channels} channels comes in multiples of "
            f"{width * channels}"
        )
    flat: Samples
    if subtype == "FLOAT":
        flat = np.frombuffer(data, "<f4").astype(np.float32)
        if not np.isfinite(flat).all():
            raise NonFiniteAudioError("got NaN or infinity among the samples")
    else:
        raw = np.zeros((len(data) // width, 4), np.uint8)  # little-endian, left-justified
        raw[:, 4 - width :] = np.frombuffer(data, np.uint8).reshape(-1, width)
        flat = raw.view("<i4")[:, 0].astype(np.float32) * np.float32(2.0**-31)
    return np.ascontiguousarray(flat.reshape(-1, channels).T)


def quantize(samples: npt.NDArray[Any], bits: int) -> npt.NDArray[np.int32]:
    """Round to `bits` and clip, left-justified in 32 bits (as libsndfile takes integers).

    libsndfile's own conversion truncates, which shifts everything by half a step.

    Args:
        samples: finite floats, any shape, full scale at 1.
        bits: 8, 16, 24 or 32.

    Returns:
        int32 of the same shape.
    """
    scale = 2.0 ** (bits - 1)
    rounded = np.rint(samples.astype(np.float64) * scale)
    return np.clip(rounded, -scale, scale - 1).astype(np.int32) << np.int32(32 - bits)


def encode_pcm(samples: Samples, subtype: str) -> bytes:
    """Turn an array into interleaved little-endian samples; integers are rounded and clipped.

    Args:
        samples: float ``(channels, n)``.
        subtype: as in `WavHeader`.

    Returns:
        Whole frames.

    Raises:
        UnsupportedAudioError: another subtype or layout.
        NonFiniteAudioError: NaN or infinity among the samples.
    """
    width = _width(subtype)
    if samples.ndim != 2:
        raise UnsupportedAudioError(f"got shape {samples.shape}; accepted: (channels, n)")
    if not np.isfinite(samples).all():
        raise NonFiniteAudioError("got NaN or infinity among the samples")
    frames = np.ascontiguousarray(samples.T)
    if subtype == "FLOAT":
        return frames.astype("<f4").tobytes()
    raw = quantize(frames, PCM_BITS[subtype]).astype("<i4").reshape(-1, 1).view(np.uint8)
    return raw[:, 4 - width :].tobytes()
