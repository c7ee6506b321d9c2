"""A walk over MPEG audio (MP3, MP2), frame by frame, without decoding.

libsndfile reads an MP3 that is cut short to where it ends, and guesses the length of one without
a length tag; the frame headers tell both.
"""

from __future__ import annotations

from typing import BinaryIO, NamedTuple

from voxguard.errors import CorruptAudioError, UnsupportedAudioError

__all__ = ["count_mpeg", "is_mpeg", "skip_id3v2"]

_CHUNK = 1 << 20
_GET_AGAIN = "get the file again from its source"
_CONVERT = "convert the file first, e.g. with ffmpeg to WAV"
_LEAD_IN = 1 << 16  # bytes of padding or junk that are looked through for the first frame
_MPEG_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_MPEG_KBPS = {  # (is MPEG-1, layer) -> kbit/s by index; 0 is "free format"
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


class _MpegFrame(NamedTuple):
    kind: tuple[int, int, int, bool]  # version bits, layer, rate (Hz), is mono
    length: int  # bytes, with its header; 0: free format
    samples: int  # per channel


def _mpeg_frame(header: bytes) -> _MpegFrame | None:
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    rate_index, kbps_index = header[2] >> 2 & 3, header[2] >> 4
    if version == 1 or layer == 4 or rate_index == 3 or kbps_index == 15:
        return None
    is_v1, padding = version == 3, header[2] >> 1 & 1
    rate = _MPEG_RATES[version][rate_index]
    bits_per_s = 1000 * _MPEG_KBPS[is_v1, layer][kbps_index]
    samples = 384 if layer == 1 else 1152 if is_v1 or layer == 2 else 576
    if bits_per_s == 0:
        length = 0
    elif layer == 1:
        length = (12 * bits_per_s // rate + padding) * 4
    else:
        length = samples // 8 * bits_per_s // rate + padding
    return _MpegFrame((version, layer, rate, header[3] >> 6 == 3), length, samples)


def skip_id3v2(stream: BinaryIO) -> int:
    """Return where the content starts: behind any ID3v2 tags, bytes from the file's start."""
    position = 0
    while True:
        stream.seek(position)
        header = stream.read(10)
        if len(header) < 10 or header[:3] != b"ID3":
            return position
        length = 0
        for byte in header[6:]:
            length = length << 7 | byte & 0x7F
        position += 10 + length + (10 if header[5] & 0x10 else 0)


def is_mpeg(head: bytes) -> bool:
    """Tell whether the bytes start like an MPEG audio frame."""
    return _mpeg_frame(head[:4]) is not None


def _next_mpeg(stream: BinaryIO, position: int, end: int) -> int | None:
    """Return where the next two consecutive frames start in [position, end), if they do."""
    while position < end:
        stream.seek(position)
        window = stream.read(min(_CHUNK, end - position))
        at = window.find(b"\xff")
        while at >= 0:
            frame = _mpeg_frame(window[at : at + 4])
            if frame is not None and frame.length:
                stream.seek(position + at + frame.length)
                after = _mpeg_frame(stream.read(4))
                if after is not None and after.kind == frame.kind:
                    return position + at
            at = window.find(b"\xff", at + 1)
        position += max(len(window) - 3, 1)
    return None


def _encoder_tag(data: bytes, frame: _MpegFrame) -> tuple[int | None, int] | None:
    """Read an encoder's tag frame: audio frames it counts, samples that decoders trim."""
    version, _, _, is_mono = frame.kind
    side = (17 if is_mono else 32) if version == 3 else (9 if is_mono else 17)
    if data[36:40] == b"VBRI":
        return int.from_bytes(data[50:54]), 0
    tag = data[4 + side :]
    if tag[:4] not in (b"Xing", b"Info"):
        return None
    flags = int.from_bytes(tag[4:8])
    at = 8 + 4 * (flags & 1) + 4 * (flags >> 1 & 1) + 100 * (flags >> 2 & 1) + 4 * (flags >> 3 & 1)
    frames = int.from_bytes(tag[8:12]) if flags & 1 else None
    if frames is None or len(tag) < at + 24 or tag[at] == 0:
        return frames, 0
    delay_padding = int.from_bytes(tag[at + 21 : at + 24])
    decoder_delay = 529  # mpg123 drops it at the start and takes it off the padding
    padding = max((delay_padding & 0xFFF) - decoder_delay, 0)
    return frames, (delay_padding >> 12) + decoder_delay + padding


def count_mpeg(stream: BinaryIO, start: int, size: int) -> int:
    """Count the samples of an MPEG audio file by its frame headers.

    Args:
        stream: the file, seekable.
        start: behind any ID3v2 tag, bytes.
        size: the file's size, bytes.

    Returns:
        Samples per channel that a gapless decoder gives.

    Raises:
        CorruptAudioError: cut short, damaged, or its frames are not as many as its tag says.
        UnsupportedAudioError: free format, or a change of rate or channels on the way.
    """
    stream.seek(start)
    head = _mpeg_frame(stream.read(4))
    if head is not None and head.length == 0:
        raise UnsupportedAudioError(f"free-format MPEG audio is not supported: {_CONVERT}")
    position = start if head is not None else _next_mpeg(stream, start, min(start + _LEAD_IN, size))
    if position is None:
        raise CorruptAudioError(f"no MPEG audio frames found; {_GET_AGAIN}")
    count, total, first, tag = 0, 0, None, None
    while position < size:
        stream.seek(position)
        frame = _mpeg_frame(stream.read(4))
        if frame is None or frame.length == 0:
            if _next_mpeg(stream, position, size) is not None:
                raise CorruptAudioError(f"damaged at byte {position}; {_GET_AGAIN}")
            break  # ID3v1, APE, padding: what follows the audio
        if first is None:
            first = frame.kind
            stream.seek(position)
            tag = _encoder_tag(stream.read(frame.length), frame)
            count, total = (-1, -frame.samples) if tag else (0, 0)  # a tag is not audio
        if frame.kind != first:
            raise UnsupportedAudioError(
                f"the stream changes from {first[2]} to {frame.kind[2]} Hz, or its channels, "
                "on the way; split it first"
            )
        position, count, total = position + frame.length, count + 1, total + frame.samples
    if position > size:
        raise CorruptAudioError(f"cut short inside MPEG frame {count}; {_GET_AGAIN}")
    promised, trimmed = tag or (None, 0)
    if promised is not None and promised != count:
        raise CorruptAudioError(
            f"its header promises {promised} MPEG frames, {count} are there; {_GET_AGAIN}"
        )
    return max(total - trimmed, 0)
