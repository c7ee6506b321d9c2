"""Walks over the boxes of MP4 and the elements of WebM, without decoding.

FFmpeg reads a file that is cut short to where it ends. What a box or an element says of its length
is held against the file here.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

from voxguard.errors import CorruptAudioError, UnsupportedAudioError

__all__ = ["check_mp4", "check_webm"]

_CUT = "cut short: {what} promises {claimed} bytes, {there} are there; get the file again"
_PICTURES = (b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis")
_SEGMENT, _CLUSTER = 0x18538067, 0x1F43B675
_ELEMENTS = 10_000  # so many of any size, and one for 16 bytes of file: audio has no more


def check_mp4(stream: BinaryIO, size: int) -> None:
    """Refuse an MP4 file that is cut short, and a picture in MP4 boxes.

    Args:
        stream: The file, seekable.
        size: Its size, bytes.

    Raises:
        CorruptAudioError: A box is longer than the file, or there is no ``moov``.
        UnsupportedAudioError: It is a picture.
    """
    position, boxes = 0, set()
    for _ in range(_ELEMENTS + size // 16):  # a long recording in fragments has thousands
        stream.seek(position)
        header = stream.read(16)
        if len(header) < 8:
            break
        length, name = struct.unpack(">I4s", header[:8])
        if name == b"ftyp" and header[8:12] in _PICTURES:
            raise UnsupportedAudioError("this is a picture, not audio")
        if length == 1 and len(header) == 16:
            length = struct.unpack(">Q", header[8:])[0]
        elif length == 0:  # up to the end of the file
            length = size - position
        boxes.add(name)
        _check_fits(f"the box {name.decode('latin-1')}", max(length, 8), size - position)
        position += max(length, 8)
    if b"moov" not in boxes:
        raise CorruptAudioError("cut short: what describes the audio (moov) is missing")


def check_webm(stream: BinaryIO, size: int) -> None:
    """Refuse a WebM or Matroska file that ends within an element.

    A browser records without knowing the length: such a file that ends behind an element is whole
    as far as anybody can tell.

    Args:
        stream: The file, seekable.
        size: Its size, bytes.

    Raises:
        CorruptAudioError: It is cut short, or is no sequence of elements.
    """
    position = 0
    for _ in range(_ELEMENTS + size // 16):
        stream.seek(position)
        header = stream.read(12)
        if not header:
            return
        name, start = _number(header, 0, keeps_mark=True)
        length, start = _number(header, start)
        unknown = length == (1 << 7 * (start - _width(name))) - 1
        position += start
        if name in (_SEGMENT, _CLUSTER) and unknown:
            continue
        _check_fits("an element", length, size - position)
        position += length
    raise CorruptAudioError("the file holds more elements than audio has")


def _number(header: bytes, at: int, *, keeps_mark: bool = False) -> tuple[int, int]:
    """A number of EBML, whose leading zero bits tell its width; and where it ends."""
    width = 9 - header[at].bit_length() if at < len(header) else 9
    if width > 8 or at + width > len(header):
        raise CorruptAudioError("cut short, or damaged: no element begins where one should")
    value = int.from_bytes(header[at : at + width])
    return (value if keeps_mark else value & (1 << 7 * width) - 1), at + width


def _width(name: int) -> int:
    """Bytes of an element's name."""
    return (name.bit_length() + 7) // 8


def _check_fits(what: str, claimed: int, there: int) -> None:
    if claimed > there:
        raise CorruptAudioError(_CUT.format(what=what, claimed=claimed, there=max(there, 0)))
