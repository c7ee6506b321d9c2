"""The look through what is no audio part: a request goes out only if no recording hides in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from voxguard.errors import PayloadError
from voxguard.payloads.base64_audio import is_web_address
from voxguard.payloads.signs import (
    SHORT,
    audio_format,
    base64_runs,
    decoded_head,
    is_picture_or_page,
    looks_like_audio,
)

_DEEPEST = 100
_MOST_NUMBERS = 1600  # in a row that could be samples: 0.1 s at 16 kHz
_KINDS = ("input_audio", "audio_url", "audio", "output_audio", "input_video", "video_url", "video")
_CARRIERS = ("input_audio", "audio_url", "input_video", "video_url")  # keys that some servers go by
_MIME_KEYS = ("type", "format", "mime_type", "mimeType", "media_type", "content_type")
_HEARD = ("audio", "video", "voice", "speech", "wave", "pcm", "sound")  # in names of keys
_BYTES = ("data", "bytes", "b64", "base64", "content", "inline_data", "inlineData", "file_data")


def refuse_audio(value: Any, place: str = "") -> None:
    """Look through JSON in which no audio is expected.

    Refused are strings that look like audio (see
    :func:`~voxguard.payloads.signs.looks_like_audio`), parts whose type is one of audio or video,
    base64 of anything but pictures and PDFs under a name that says audio or bare data, addresses
    under such a name, and long rows of numbers that could be samples.

    Args:
        value: As ``json.loads`` gives it.
        place: Where it stands in the request, for the message.

    Raises:
        PayloadError: There is something that could be audio, or that is not JSON.

    Example:
        >>> from voxguard.payloads.openai import refuse_audio
        >>> refuse_audio({"input": "embed me", "model": "text-embedding-3-small"})
        >>> refuse_audio({"metadata": {"voice": "data:audio/wav;base64,UklGRiQAAABXQVZFZm10"}})
        Traceback (most recent call last):
            ...
        voxguard.errors.PayloadError: metadata.voice: looks like audio, in a place where none is ...
    """
    _look(value, place, 0)


def refuse(place: str, what: str) -> PayloadError:
    """The refusal of what stands at a place."""
    return PayloadError(
        f"{place or 'body'}: {what}, so it is not sent; audio goes into input_audio parts", place
    )


def at(place: str, key: object) -> str:
    """The place of what is inside a place."""
    if isinstance(key, int):
        return f"{place}[{key}]"
    name = str(key) if len(str(key)) <= 40 else f"{str(key)[:40]}..."
    return f"{place}.{name}" if place else name


def _look(value: Any, place: str, depth: int) -> None:
    if depth > _DEEPEST:
        raise refuse(place.partition(".")[0], "nested too deeply to look through")
    if isinstance(value, str):
        if looks_like_audio(value):
            raise refuse(place, "looks like audio, in a place where none is understood")
    elif isinstance(value, dict):
        _look_at_object(value, place)
        for key, inner in value.items():
            _look(inner, at(place, key), depth + 1)
    elif isinstance(value, list | tuple):
        _look_at_numbers(value, place)
        for number, inner in enumerate(value):
            _look(inner, at(place, number), depth + 1)
    elif value is not None and not isinstance(value, bool | int | float):
        raise refuse(place, f"a {type(value).__name__} is not JSON")


def _look_at_object(value: dict[Any, Any], place: str) -> None:
    if any(not isinstance(key, str) or looks_like_audio(key) for key in value):
        raise refuse(place, "a key looks like audio")
    if value.get("type") in _KINDS and isinstance(value["type"], str):
        raise refuse(place, f"a part of type {value['type']} is not understood here")
    for key in _CARRIERS:
        held = value.get(key)
        if isinstance(held, dict) and any(
            isinstance(held.get(name), str) for name in ("data", "url")
        ):
            raise refuse(at(place, key), "audio or video is not understood here")
        if isinstance(held, str) and is_web_address(held):
            raise refuse(at(place, key), "an address of audio or video is not understood here")
    for key in _MIME_KEYS:
        kind = value.get(key)
        if isinstance(kind, str) and kind.lower().startswith(("audio/", "video/")):
            raise refuse(at(place, key), "audio or video is not understood here")
    for key, held in value.items():
        if (
            isinstance(held, str)
            and (_says_audio(key) or key in _BYTES)
            and _could_be_samples(held)
        ):
            raise refuse(at(place, key), "could be audio, in a place where none is understood")


def _says_audio(key: str) -> bool:
    return any(word in key.lower() for word in _HEARD)


def _could_be_samples(text: str) -> bool:
    """Whether a text is base64 and nothing else, of what is no picture and no PDF."""
    run = next(base64_runs(text), "")
    if len(run) < max(SHORT, 0.9 * len(text)):
        return False
    head = decoded_head(run)
    return audio_format(head) is not None or not is_picture_or_page(head)


def _look_at_numbers(values: Iterable[Any], place: str) -> None:
    """Tokens are whole numbers from 0; samples swing."""
    numbers = [value for value in values if isinstance(value, int | float)]
    if len(numbers) >= _MOST_NUMBERS and any(
        value < 0 or isinstance(value, float) for value in numbers
    ):
        raise refuse(place, "a long row of numbers could be samples")
