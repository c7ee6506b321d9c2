"""File parts: a document that can be looked into may pass, all else may hold a voice."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from voxguard.payloads.generic import at, refuse, refuse_audio
from voxguard.payloads.signs import HEAD, holds_audio, is_picture_or_page, looks_like_audio

_URI = re.compile(r"data:(application/pdf|application/json|text/[\w.+-]+|image/[\w.+-]+)"
                  r"(?:;[^;,]*)*;base64,", re.IGNORECASE)  # fmt: skip
_FAR = ("file_id", "file_url")


def check_file(part: dict[str, Any], place: str) -> None:
    """Let a file part pass, or refuse it.

    Args:
        part: ``{"type": "file", "file": {...}}`` or ``{"type": "input_file", ...}``.
        place: Where it stands.

    Raises:
        PayloadError: It points to content that is elsewhere, or holds what is no document.
    """
    held: Any = part
    if part.get("type") == "file":
        held, place = part.get("file"), at(place, "file")
    if not isinstance(held, dict):
        raise refuse(place, "this is no object")
    for name in _FAR:
        if held.get(name) is not None:
            raise refuse(
                at(place, name), "what is behind it cannot be seen here and could be a voice"
            )
    refuse_audio({name: value for name, value in held.items() if name != "file_data"}, place)
    text = held.get("file_data")
    if not isinstance(text, str):
        raise refuse(at(place, "file_data"), "this is no text")
    content = _content(text)
    if content is None or not is_document(content):
        raise refuse(
            at(place, "file_data"), "only PDF, text and pictures without audio pass as files"
        )


def is_document(content: bytes) -> bool:
    """Whether a file is text, a picture or a PDF, and has no audio inside that can be seen.

    Example:
        >>> from voxguard.payloads.files import is_document
        >>> is_document(b"Minutes of the meeting"), is_document(b"RIFF1234WAVEfmt ")
        (True, False)
    """
    if holds_audio(content):
        return False
    if is_picture_or_page(content[:HEAD]):
        return True
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return False
    return "\0" not in text and not looks_like_audio(text)


def _content(text: str) -> bytes | None:
    """What the file is; None where it is not one of the documents that are known."""
    match = _URI.match(text)
    try:
        content = base64.b64decode(text[match.end() :] if match else text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return content if match or is_picture_or_page(content[:HEAD]) else None
