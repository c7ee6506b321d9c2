"""Walks over FLAC and Ogg streams, header by header, without decoding.

They find what libsndfile passes over in silence: a FLAC whose rate changes on the way, an Ogg file
that stops before its end, lacks pages or holds a second stream.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from voxguard.errors import CorruptAudioError, UnsupportedAudioError

__all__ = ["check_flac", "check_ogg"]

_CHUNK = 1 << 20
_GET_AGAIN = "get the file again from its source"
_CONVERT = "convert the file first, e.g. with ffmpeg to WAV"


# --- FLAC ------------------------------------------------------------------------------------

_FLAC_SYNC = re.compile(rb"\xff[\xf8\xf9]")
_FLAC_HEADER = 16  # bytes, the longest frame header
_FLAC_RATES = (0, 88200, 176400, 192000, 8000, 16000, 22050, 24000, 32000, 44100, 48000, 96000)


class _FlacFrame(NamedTuple):
    number: int  # of the frame, or of its first sample where block sizes vary
    step: int  # to the next frame's number
    rate: int  # Hz; 0: as in STREAMINFO
    channels: int


def _crc8(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x07 if crc & 0x80 else crc << 1) & 0xFF
    return crc


def _flac_frame(data: bytes) -> _FlacFrame | None:
    if len(data) < 6 or data[3] & 1:
        return None
    block_code, rate_code, channel_code = data[2] >> 4, data[2] & 15, data[3] >> 4
    lead = data[4]
    extra = 0 if lead < 0x80 else 8 - (lead ^ 0xFF).bit_length() - 1
    if block_code == 0 or rate_code == 15 or channel_code > 10 or extra < 0 or lead == 0xFF:
        return None
    number = lead if lead < 0x80 else lead & (0x3F >> extra)
    for byte in data[5 : 5 + extra]:
        number = number << 6 | byte & 0x3F
    at = 5 + extra
    block_width = {6: 1, 7: 2}.get(block_code, 0)
    rate_width = {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    end = at + block_width + rate_width
    if end >= len(data) or _crc8(data[:end]) != data[end]:
        return None
    if block_width:
        block = int.from_bytes(data[at : at + block_width]) + 1
    elif block_code == 1:
        block = 192
    else:
        block = 576 << block_code - 2 if block_code < 6 else 256 << block_code - 8
    coded = int.from_bytes(data[at + block_width : end])
    rate = coded * {12: 1000, 13: 1, 14: 10}[rate_code] if rate_width else _FLAC_RATES[rate_code]
    channels = channel_code + 1 if channel_code < 8 else 2
    return _FlacFrame(number, block if data[1] & 1 else 1, rate, channels)


def _flac_frames(stream: BinaryIO, start: int) -> Iterator[_FlacFrame]:
    """Yield the frames from `start` on whose numbers follow on each other.

    Sync code and an 8-bit checksum also turn up by chance inside the audio; the number sequence
    does not.
    """
    stream.seek(start)
    tail, expected = b"", None
    while data := stream.read(_CHUNK):
        window = tail + data
        last = len(data) < _CHUNK
        for match in _FLAC_SYNC.finditer(window):
            at = match.start()
            if at > len(window) - _FLAC_HEADER and not last:
                break
            frame = _flac_frame(window[at : at + _FLAC_HEADER])
            if frame is not None and expected in (None, frame.number):
                expected = frame.number + frame.step
                yield frame
        tail = window[-_FLAC_HEADER + 1 :]


def check_flac(stream: BinaryIO, start: int) -> None:
    """Refuse a FLAC stream whose sample rate or channel count changes on the way.

    Args:
        stream: the file, seekable.
        start: where the ``fLaC`` marker stands, bytes.

    Raises:
        UnsupportedAudioError: it changes; decoded as one rate it would be garbage.
    """
    position, is_last, stream_rate = start + 4, False, 0
    while not is_last:
        stream.seek(position)
        header = stream.read(4 + 18)
        if len(header) < 4:
            return  # the decoder has a better message for a file without frames
        is_last = bool(header[0] & 0x80)
        if header[0] & 0x7F == 0 and len(header) == 22:
            stream_rate = int.from_bytes(header[14:17]) >> 4
        position += 4 + int.from_bytes(header[1:4])
    first: tuple[int, int] | None = None
    for frame in _flac_frames(stream, position):
        found = (frame.rate or stream_rate, frame.channels)
        first = first or (stream_rate or found[0], frame.channels)
        if found != first:
            raise UnsupportedAudioError(
                f"the stream changes from {first[0]} Hz, {first[1]} channels to {found[0]} Hz, "
                f"{found[1]} channels on the way; split it first"
            )


# --- Ogg -------------------------------------------------------------------------------------


def check_ogg(stream: BinaryIO, start: int, size: int) -> None:
    """Refuse an Ogg file that is cut short, has pages missing, or holds several streams.

    Args:
        stream: the file, seekable.
        start: where the first page stands, bytes.
        size: the file's size, bytes.

    Raises:
        CorruptAudioError: no page that ends the stream, or a gap between pages.
        UnsupportedAudioError: a second stream, which libsndfile would leave out.
    """
    position, expected, ended = start, 0, False
    while position + 27 <= size:
        stream.seek(position)
        header = stream.read(27)
        if header[:4] != b"OggS":
            break
        flags, sequence, segments = header[5], struct.unpack("<I", header[18:22])[0], header[26]
        position += 27 + segments + sum(stream.read(segments))
        if position > size:
            break
        if flags & 2 and expected:
            raise UnsupportedAudioError(
                f"several streams in one Ogg file; one is accepted: {_CONVERT}"
            )
        if not ended and sequence != expected:
            raise CorruptAudioError(f"Ogg page {expected} is missing; {_GET_AGAIN}")
        expected += 1
        ended = ended or bool(flags & 4)
    if not ended:
        raise CorruptAudioError(f"cut short: no page ends the Ogg stream; {_GET_AGAIN}")
