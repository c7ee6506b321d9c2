"""Audio as base64 and as data URIs, there and back, strictly."""

from __future__ import annotations

import base64
import binascii
import re

from voxguard.errors import PayloadError
from voxguard.payloads.clip import Clip
from voxguard.payloads.signs import HEAD, audio_format

_MIMES = {
    "wav": ("audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave"),
    "mp3": ("audio/mpeg", "audio/mp3"),
    "flac": ("audio/flac", "audio/x-flac"),
    "ogg": ("audio/ogg", "application/ogg", "audio/opus"),
    "aiff": ("audio/aiff", "audio/x-aiff"),
    "mp4": ("audio/mp4", "audio/m4a", "audio/x-m4a"),
    "webm": ("audio/webm",),
}
_READ_ONLY = ("mp4", "webm")  # what comes in them goes on as WAV
_LABELS = {
    **{name: name for name in _MIMES}, "opus": "ogg", "mpeg": "mp3", "wave": "wav", "m4a": "mp4",
}  # fmt: skip
_OF_MIME = {mime: name for name, mimes in _MIMES.items() for mime in mimes}
_ANY = ("", "application/octet-stream")
_URI = re.compile(r"data:([^;,]*)((?:;[^;,]*)*),", re.IGNORECASE)


def is_web_address(text: str) -> bool:
    """Whether a text is an http or https URL."""
    return text.lstrip()[:8].lower().startswith(("http://", "https://"))


def decode(text: str, place: str) -> bytes:
    """Base64 by the book.

    Raises:
        PayloadError: It is something else.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise PayloadError(
            f"{place}: this is not base64 (RFC 4648, no line breaks)", place
        ) from None


def read_base64(text: str, label: object, place: str) -> Clip:
    """A clip from base64 and its label.

    Raises:
        PayloadError: Not base64, no label that is known, or not what the label says.
    """
    if not isinstance(label, str) or label.lower() not in _LABELS:
        raise PayloadError(f"{place}: format takes {_listed(_LABELS)}", place)
    return _checked(Clip(decode(text, place), label), _LABELS[label.lower()], place)


def read_uri(uri: str, label: object, place: str) -> Clip:
    """A clip from a data URI; a label beside it is optional.

    Raises:
        PayloadError: Not a data URI of audio in base64, or not what it says.
    """
    match = _URI.match(uri)
    if match is None or not match[2].lower().endswith(";base64"):
        raise PayloadError(f"{place}: takes a data URI with base64, or base64", place)
    mime = match[1].strip().lower()
    if mime not in _OF_MIME and mime not in _ANY:
        raise PayloadError(
            f"{place}: the data URI's type must be one of {_listed(_OF_MIME)}", place
        )
    encoded = uri[match.end() :]
    if label is not None:
        clip = read_base64(encoded, label, place)
    else:
        clip = _checked(Clip(decode(encoded, place)), None, place)
    return _checked(clip, _OF_MIME.get(mime), place)


def to_base64(clip: Clip) -> str:
    """The content of a clip."""
    return base64.b64encode(clip.content or b"").decode("ascii")


def to_uri(clip: Clip) -> str:
    """The clip as a data URI."""
    name = _LABELS.get((clip.format or "wav").lower(), "wav")
    return f"data:{_MIMES[name][0]};base64,{to_base64(clip)}"


def kept_label(clip: Clip) -> str | None:
    """The label under which a clip goes on when it is anonymized; None: under another one.

    Example:
        >>> from voxguard.payloads.base64_audio import kept_label
        >>> from voxguard.payloads.clip import Clip
        >>> kept_label(Clip(b"...", "opus")), kept_label(Clip(b"...", "m4a"))
        ('opus', None)
    """
    label = clip.format or ""
    return None if clip.url is not None or _LABELS.get(label.lower()) in _READ_ONLY else clip.format


def same_format(clip: Clip, label: str) -> bool:
    """Whether a clip is what a label says."""
    return audio_format((clip.content or b"")[:HEAD]) == _LABELS.get(label.lower())


def _checked(clip: Clip, expected: str | None, place: str) -> Clip:
    found = audio_format((clip.content or b"")[:HEAD])
    if found is None or found not in _MIMES or expected not in (None, found):
        raise PayloadError(
            f"{place}: the content is {found or 'not a known audio file'}, "
            f"{f'the label says {expected}' if expected else f'accepted are {_listed(_MIMES)}'}",
            place,
        )
    return Clip(clip.content, clip.format or found)


def _listed(names: object) -> str:
    return ", ".join(names) if isinstance(names, dict) else str(names)
