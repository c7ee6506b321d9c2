"""Takes out of a written file what libsndfile puts in beside the sound.

Float WAV, RF64 and AIFF files get a PEAK chunk that says when they were written. Ogg files get a
stream serial number that is drawn from the clock and, within a process, each from the last: it
tells the time and which files belong together.
"""

from __future__ import annotations

import secrets
import struct
from functools import cache
from typing import BinaryIO

from voxguard.audio import containers

__all__ = ["forget_origin"]

_CRC_POLYNOMIAL = 0x1_04C1_1DB7  # Ogg's: most significant bit first, starting from zero


def forget_origin(stream: BinaryIO, kind: str) -> None:
    """Overwrite timestamps and clock-made numbers, in place.

    Args:
        stream: the complete file, readable and writable.
        kind: its container in soundfile's terms.
    """
    if kind in ("WAV", "RF64", "AIFF"):
        _forget_peak_time(stream, ">" if kind == "AIFF" else "<")
    elif kind == "OGG":
        _renumber_ogg(stream)


def _forget_peak_time(stream: BinaryIO, order: str) -> None:
    size = stream.seek(0, 2)
    for identifier, offset, _ in containers.chunks(stream, 12, size, order):
        if identifier == b"PEAK":
            stream.seek(offset + 4)  # behind the version
            stream.write(bytes(4))
            return


def _times(left: int, right: int) -> int:
    """Multiply two polynomials over GF(2), modulo the checksum's."""
    product = 0
    while right:
        if right & 1:
            product ^= left
        left <<= 1
        if left >> 32:
            left ^= _CRC_POLYNOMIAL
        right >>= 1
    return product


@cache
def _shifted(bits: int) -> int:
    """X to the power `bits`, modulo the checksum's polynomial."""
    if bits == 0:
        return 1
    half = _shifted(bits // 2)
    square = _times(half, half)
    return _times(square, 2) if bits & 1 else square


def _renumber_ogg(stream: BinaryIO) -> None:
    """Give the stream a random serial number.

    A checksum is linear: it changes by the checksum of the change, which depends on the page's
    length alone, so that no page's content has to be read.
    """
    serial = secrets.token_bytes(4)
    size = stream.seek(0, 2)
    position = 0
    while position + 27 <= size:
        stream.seek(position)
        header = bytearray(stream.read(27))
        length = 27 + header[26] + sum(stream.read(header[26]))
        change = int.from_bytes(header[14:18]) ^ int.from_bytes(serial)
        behind = 8 * (length - 18)
        checksum = struct.unpack("<I", header[22:26])[0] ^ _times(change, _shifted(behind + 32))
        header[14:18], header[22:26] = serial, struct.pack("<I", checksum)
        stream.seek(position)
        stream.write(header)
        position += length
