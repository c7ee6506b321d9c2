"""Tells what looks like audio: the first bytes of a file, base64 and data URIs inside text."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

from voxguard.audio.mpeg import is_mpeg

SHORT = 256  # characters of base64 that say nothing: 5 ms of 16-bit audio at 16 kHz, header aside
HEAD = 64  # bytes that a signature is looked for in

_STARTS = (
    (b"fLaC", "flac"),
    (b"OggS", "ogg"),
    (b"RF64", "wav"),
    (b"BW64", "wav"),
    (b".snd", "au"),
    (b"dns.", "au"),
    (b"caff", "caf"),
    (b"riff\x2e\x91\xcf\x11", "w64"),
    (b"\x1aE\xdf\xa3", "webm"),
    (b"0&\xb2u\x8ef\xcf\x11", "wma"),
    (b"#!AMR", "amr"),
    (b"wvpk", "wavpack"),
    (b"MAC ", "ape"),
    (b"NIST_1A", "sphere"),
    (b"FLV\x01", "flv"),
    (b"\x00\x00\x01\xba", "mpeg video"),
)
_STILL_BRANDS = (b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis")  # pictures in MP4 boxes
_OTHER = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8", b"%PDF-", b"II*\x00", b"MM\x00*")
# Signatures that are long enough to be looked for anywhere, in bytes and in base64.
_INSIDE = re.compile(rb"RIFF[\s\S]{4}WAVE|fLaC\x00\x00\x00\x22|OggS\x00\x02")
_FLAC_OGG_INSIDE = ("ZkxhQwAAACI", "T2dnUwAC")
_WAVE_INSIDE = re.compile(r"UklGR[\w+/-]{5,6}XQVZF")
# Base64, also in lines as mail has it; and what JSON inside text makes of slashes and line ends.
_RUN = re.compile(r"(?:[A-Za-z0-9+/_-]{32,}+\s*+)++[A-Za-z0-9+/_=-]*+")
_ESCAPED = re.compile(r"\\+([/nr])")
_URI = re.compile(
    r"data:\s*(?:audio|video|application/(?:octet-stream|ogg))[^,]{0,200},\S{16}", re.I
)
_URI_START = re.compile(r"\s*data:\s*(?:audio|video|application/(?:octet-stream|ogg))", re.I)
_URL_SAFE = str.maketrans("-_", "+/")


def audio_format(head: bytes) -> str | None:
    r"""The format of an audio or video file, by its first bytes.

    Args:
        head: At least 12 bytes, better 64.

    Returns:
        A name for messages, ``"wav"`` and ``"mp3"`` among them; None where it looks like neither.

    Example:
        >>> from voxguard.payloads.signs import audio_format
        >>> audio_format(b"RIFF\x24\x00\x00\x00WAVEfmt "), audio_format(b"%PDF-1.7 and so on")
        ('wav', None)
    """
    if head[:4] in (b"RIFF", b"RIFX"):
        return {b"WAVE": "wav", b"WEBP": None}.get(head[8:12], "avi")
    if head[:4] == b"FORM" and head[8:11] == b"AIF":
        return "aiff"
    if head[:3] == b"ID3" and head[3:4] in (b"\x02", b"\x03", b"\x04"):
        return "mp3"
    if head[4:8] == b"ftyp":
        return None if head[8:12] in _STILL_BRANDS else "mp4"
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return "aac"
    if is_mpeg(head):
        return "mp3"
    return next((name for start, name in _STARTS if head.startswith(start)), None)


def holds_audio(content: bytes) -> bool:
    """Whether a file is audio, or has a WAV, FLAC or Ogg file somewhere inside."""
    return audio_format(content[:HEAD]) is not None or _INSIDE.search(content) is not None


def is_picture_or_page(head: bytes) -> bool:
    """Whether the first bytes are those of a picture or a PDF."""
    if head.startswith(b"BM"):
        return head[6:10] == bytes(4)  # two letters alone would let samples through
    return head.startswith(_OTHER) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


def base64_runs(text: str) -> Iterator[str]:
    """The pieces of a text that could be base64 of more than a moment, as one line each."""
    if len(text) < SHORT:
        return
    if "\\" in text:
        text = _ESCAPED.sub(lambda match: "/" if match[1] == "/" else "\n", text)
    for match in _RUN.finditer(text):
        if len(match.group()) >= SHORT:
            run = "".join(match.group().split())
            if "-" in run or "_" in run:
                run = run.translate(_URL_SAFE)
            if len(run) >= SHORT:
                yield run


def decoded_head(run: str) -> bytes:
    """The first bytes of what base64 holds."""
    return base64.b64decode(run[: HEAD // 3 * 4])


def looks_like_audio(text: str, _depth: int = 0) -> bool:
    """Whether a text is, or has somewhere inside, a recording.

    Looked for are data URIs of audio, video or just bytes, and base64 of :data:`SHORT` characters
    or more that begins as an audio file does; also in JSON inside the text. Raw samples without a
    header cannot be told by their looks.

    Example:
        >>> import base64
        >>> from voxguard.payloads.signs import looks_like_audio
        >>> recording = base64.b64encode(b"fLaC" + bytes(300)).decode()
        >>> looks_like_audio('{"note": "' + recording + '"}'), looks_like_audio("A flac file.")
        (True, False)
    """
    if _URI_START.match(text) or _holds_uri(text):
        return True
    if len(text) < SHORT:
        return False
    if audio_format(text[:HEAD].encode("latin-1", "replace")) and not text.isprintable():
        return True  # the file itself, taken for text
    for run in base64_runs(text):
        if audio_format(decoded_head(run)) or _holds_file(run):
            return True
    if _depth < 4 and text.lstrip()[:1] in ("{", "[", '"'):
        return any(looks_like_audio(inner, _depth + 1) for inner in _strings(text))
    return False


# A regular expression looks at each character; a picture has millions, and live audio waits.


def _holds_uri(text: str) -> bool:
    """``_URI.search``, by way of the places where a URI could begin."""
    if not text.isascii():  # positions in small letters may be others
        return _URI.search(text) is not None
    return any(_URI.match(text, at) for at in _places("data:", text.lower()))


def _holds_file(run: str) -> bool:
    """Whether base64 has a WAV, FLAC or Ogg file inside."""
    if any(mark in run for mark in _FLAC_OGG_INSIDE):
        return True
    return any(_WAVE_INSIDE.match(run, at) for at in _places("UklGR", run))


def _places(mark: str, text: str) -> Iterator[int]:
    at = text.find(mark)
    while at != -1:
        yield at
        at = text.find(mark, at + 1)


def _strings(text: str) -> Iterator[str]:
    """The strings in a text that is JSON."""
    try:
        waiting: list[Any] = [json.loads(text)]
    except (ValueError, RecursionError):
        return
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, dict):
            waiting.extend(value)
            waiting.extend(value.values())
