"""What an audio file says about itself, checked against what is there.

libsndfile reads a truncated WAV, AIFF, AU or Ogg file to where it ends and reports success, and
believes a header that contradicts itself. This module reads the containers' own claims: headers
for the chunked formats (`boxes` beside it), frame by frame for the streams (`bitstreams`, `mpeg`).
Nothing here holds more than a megabyte of the file.
"""

from __future__ import annotations

import io
import os
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from voxguard.audio import bitstreams, boxes, mpeg
from voxguard.errors import AudioError, CorruptAudioError, UnsupportedAudioError

__all__ = ["Claims", "check_length", "check_wav_format", "chunks", "inspect"]

_MAX_CHUNKS = 10_000  # a file of zeros would otherwise be half a billion empty chunks
_HEADER_BYTES = 1024
# What writers that cannot seek back put for a length: ffmpeg and libsndfile, ALSA, sox.
_UNKNOWN_LENGTHS = (0xFFFF_FFFF, 0x8000_0000, 0x7FFF_FFFF, 0x7FFF_F000, 2**63 - 1, 2**64 - 1)
_WAV_PCM, _WAV_FLOAT, _WAV_ALAW, _WAV_ULAW, _WAV_EXTENSIBLE = 0x0001, 0x0003, 0x0006, 0x0007, 0xFFFE

_FOREIGN = (  # where the magic bytes stand, the bytes, what the file is
    (0, b"version https://git-lfs", "this is a git-LFS pointer, not audio: run git lfs pull"),
    (0, b"0&\xb2u\x8ef\xcf\x11", "WMA/ASF is not supported: convert it first, e.g. "
                                 "ffmpeg -i in.wma out.wav"),
    (0, b"#!AMR", "AMR is not supported: convert it first, e.g. ffmpeg -i in.amr out.wav"),
)  # fmt: skip


@dataclass(frozen=True)
class Claims:
    """What the container promises.

    Attributes:
        kind: container by its magic bytes, e.g. ``"RIFF"``, ``"MPEG"``; None where unknown.
        frames: samples per channel that decoding must give; None where the container does not
            say, or where libsndfile's own count can be relied on.
    """

    kind: str | None
    frames: int | None = None


def inspect(source: Path | io.BytesIO, name: str) -> Claims:
    """Read the claims of a file and hold them against its size.

    Args:
        source: the audio file, on disk or in memory.
        name: what messages call it.

    Returns:
        The claims that stood up.

    Raises:
        AudioError: no such file, no permission, a directory, a pipe.
        UnsupportedAudioError: not audio, or a layout that libsndfile would read wrongly.
        CorruptAudioError: cut short, or self-contradictory.
    """
    try:
        if isinstance(source, io.BytesIO):
            return _inspect(source, source.getbuffer().nbytes)
        _refuse_irregular(source.stat().st_mode)  # before open: a named pipe would block
        with source.open("rb") as stream:
            return _inspect(stream, os.fstat(stream.fileno()).st_size)
    except AudioError as error:
        raise type(error)(f"{name}: {error}") from None
    except OSError as error:
        raise AudioError(f"{name}: cannot be read: {error.strerror or error}") from None


def _refuse_irregular(mode: int) -> None:
    if not stat.S_ISREG(mode):
        what = "a directory" if stat.S_ISDIR(mode) else "not a regular file"
        raise AudioError(f"this is {what}; an audio file is needed")


def _inspect(stream: BinaryIO, size: int) -> Claims:
    if size == 0:
        raise CorruptAudioError("the file is empty (0 bytes)")
    start = mpeg.skip_id3v2(stream)
    stream.seek(start)
    head = stream.read(_HEADER_BYTES)
    for offset, magic, message in _FOREIGN:
        if head.startswith(magic, offset):
            raise UnsupportedAudioError(message)
    magic = head[:4]
    if magic in (b"RIFF", b"RIFX", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return Claims("RIFF", _wav(stream, size, magic))
    if magic == b"riff" and len(head) >= 40:
        return Claims("W64", _wave64(stream, size))
    if magic == b"FORM":
        _iff(stream, size)
        return Claims("IFF")
    if magic in (b".snd", b"dns.") and len(head) >= 24:
        offset, length = struct.unpack(">II" if magic == b".snd" else "<II", head[4:12])
        check_length(length, size - offset)
        return Claims("AU")
    if magic == b"caff":
        _caf(stream, size)
        return Claims("CAF")
    if head.startswith(b"NIST_1A"):
        return Claims("NIST", _nist(head, size))
    if magic == b"fLaC":
        bitstreams.check_flac(stream, start)
        return Claims("FLAC")
    if magic == b"OggS":
        bitstreams.check_ogg(stream, start, size)
        return Claims("OGG")
    if head.startswith(b"ftyp", 4):
        boxes.check_mp4(stream, size)
        return Claims("MP4")
    if magic == b"\x1aE\xdf\xa3":
        boxes.check_webm(stream, size)
        return Claims("WebM")
    if mpeg.is_mpeg(head) or start:
        return Claims("MPEG", mpeg.count_mpeg(stream, start, size))
    return Claims(None)


def chunks(
    stream: BinaryIO, start: int, size: int, order: str = "<"
) -> Iterator[tuple[bytes, int, int]]:
    """Walk the chunks of a RIFF or IFF file.

    Args:
        stream: the file, seekable; its position is free to move between steps.
        start: where the first chunk's identifier stands, bytes.
        size: the file's size, bytes.
        order: ``"<"`` or ``">"``, of the length fields.

    Yields:
        Identifier, offset of the content, claimed length of the content (bytes).

    Raises:
        CorruptAudioError: more chunks than any real file has.
    """
    position = start
    for _ in range(_MAX_CHUNKS):
        stream.seek(position)
        header = stream.read(8)
        if len(header) < 8:
            return
        length = struct.unpack(order + "I", header[4:])[0]
        yield header[:4], position + 8, length
        position += 8 + length + (length & 1)
        if position >= size:
            return
    raise CorruptAudioError(f"the header holds more than {_MAX_CHUNKS} chunks")


def check_length(claimed: int, available: int, unit: int = 1) -> int | None:
    """Compare a claimed length of audio with what is there.

    Args:
        claimed: bytes, as the header has it.
        available: bytes between the start of the audio and the end of the file.
        unit: bytes in a frame or block; writers round their "unknown" down to it.

    Returns:
        The length in bytes, or None where the header says "unknown".

    Raises:
        CorruptAudioError: less is there than was claimed.
    """
    if claimed == 0 or any(0 <= unknown - claimed < unit for unknown in _UNKNOWN_LENGTHS):
        return None
    if claimed > available:
        raise CorruptAudioError(
            f"cut short: the header promises {claimed} bytes of audio, "
            f"{max(available, 0)} are there; get the file again from its source"
        )
    return claimed


def check_wav_format(content: bytes, order: str = "<") -> tuple[int, int, int, int, int]:
    """Parse a WAV ``fmt`` chunk and refuse one that contradicts itself.

    Args:
        content: the chunk's content, at least its first 16 bytes (26 where extensible).
        order: ``"<"`` or ``">"``.

    Returns:
        Codec tag (the sub-format's where extensible), channels, rate (Hz), bytes in a block, bits.

    Raises:
        CorruptAudioError: too short, zero channels or rate, block size against sample size.
    """
    if len(content) < 16:
        raise CorruptAudioError(f"the fmt chunk has {len(content)} bytes; at least 16 are needed")
    tag, channels, rate, _, block, bits = struct.unpack(order + "HHIIHH", content[:16])
    if tag == _WAV_EXTENSIBLE and len(content) >= 26:
        tag = struct.unpack(order + "H", content[24:26])[0]
    if channels == 0 or rate == 0 or block == 0:
        raise CorruptAudioError(
            f"the header claims {channels} channels at {rate} Hz in blocks of {block} bytes"
        )
    width = {_WAV_ALAW: 1, _WAV_ULAW: 1, _WAV_PCM: (bits + 7) // 8, _WAV_FLOAT: bits // 8}
    if tag in width and block != channels * width[tag]:
        raise CorruptAudioError(
            f"the header contradicts itself: {channels} channels of {bits} bits "
            f"in blocks of {block} bytes"
        )
    return tag, channels, rate, block, bits


def _wav_frames(content: bytes, order: str, claimed: int, available: int) -> int | None:
    tag, _, _, block, _ = check_wav_format(content, order)
    length = check_length(claimed, available, block)
    if length is None:
        return None
    if tag in (_WAV_PCM, _WAV_FLOAT, _WAV_ALAW, _WAV_ULAW):
        return length // block
    if length % block:  # libsndfile drops the last, incomplete block without a word
        raise UnsupportedAudioError(
            "the last ADPCM block is incomplete: convert the file first, e.g. "
            "ffmpeg -i in.wav -c:a pcm_s16le out.wav"
        )
    return None  # blocks pad the audio, and "fact" is often wrong


def _wav(stream: BinaryIO, size: int, magic: bytes) -> int | None:
    order = ">" if magic == b"RIFX" else "<"
    fmt: bytes | None = None
    long_length = 0
    for identifier, offset, length in chunks(stream, 12, size, order):
        stream.seek(offset)
        if identifier == b"ds64":
            content = stream.read(16)
            long_length = struct.unpack("<Q", content[8:])[0] if len(content) == 16 else 0
        elif identifier == b"fmt ":
            fmt = stream.read(min(length, 40))
        elif identifier == b"data" and fmt is not None:
            is_long = magic in (b"RF64", b"BW64") and length == 0xFFFF_FFFF
            return _wav_frames(fmt, order, long_length if is_long else length, size - offset)
    raise CorruptAudioError("the file ends before its fmt and data chunks; no audio in it")


def _wave64(stream: BinaryIO, size: int) -> int | None:
    fmt: bytes | None = None
    position = 40  # riff GUID, size, wave GUID
    for _ in range(_MAX_CHUNKS):
        if position + 24 > size:
            break
        stream.seek(position)
        header = stream.read(24)
        length = struct.unpack("<Q", header[16:])[0]  # counts its own 24 bytes
        if header.startswith(b"fmt "):
            fmt = stream.read(40)
        elif header.startswith(b"data") and fmt is not None:
            return _wav_frames(fmt, "<", max(length - 24, 0), size - position - 24)
        position += max(24, length + 7 & ~7)
    raise CorruptAudioError("the file ends before its fmt and data chunks; no audio in it")


def _iff(stream: BinaryIO, size: int) -> None:
    for identifier, offset, length in chunks(stream, 12, size, ">"):
        if identifier in (b"SSND", b"BODY"):
            check_length(length, size - offset)
            return
    raise CorruptAudioError("the file ends before its sound chunk; no audio in it")


def _caf(stream: BinaryIO, size: int) -> None:
    position = 8
    for _ in range(_MAX_CHUNKS):
        if position + 12 > size:
            break
        stream.seek(position)
        header = stream.read(12)
        length = struct.unpack(">Q", header[4:])[0]  # all ones: up to the end of the file
        if header.startswith(b"data"):
            check_length(length, size - position - 12)
            return
        position += 12 + length
    raise CorruptAudioError("the file ends before its data chunk; no audio in it")


def _nist(head: bytes, size: int) -> int | None:
    fields: dict[bytes, int] = {}
    for line in head.split(b"\n"):
        words = line.split()
        if len(words) == 3 and words[2].isdigit():
            fields[words[0]] = int(words[2])
    frames = fields.get(b"sample_count")
    if frames is None:
        return None
    width = fields.get(b"sample_n_bytes", 2) * fields.get(b"channel_count", 1)
    check_length(frames * width, size - _HEADER_BYTES)
    return frames
