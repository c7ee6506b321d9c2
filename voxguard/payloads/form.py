"""Multipart forms as bytes: taken apart strictly, and made anew."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from email.message import Message

from voxguard.errors import PayloadError
from voxguard.payloads.clip import Clip, Convert, is_new
from voxguard.payloads.files import is_document
from voxguard.payloads.generic import refuse, refuse_audio

_VOICES = ("known_speaker_references", "known_speaker_references[]")  # recordings that name people


@dataclass(frozen=True, repr=False)
class Field:
    """One field of a form.

    Attributes:
        name: Of the field.
        content: Its value, or the file.
        filename: Of a file; None for a value.
        content_type: Of a file, if it says.
    """

    name: str
    content: bytes
    filename: str | None = None
    content_type: str | None = None


async def protect_transcription(fields: Iterable[Field], convert: Convert) -> list[Field]:
    """The form of ``/v1/audio/transcriptions`` or ``/translations`` with its recording anonymized.

    Args:
        fields: As :func:`parse_form` gives them.
        convert: Anonymizes the recording.

    Returns:
        The fields to send; the file's name says nothing.

    Raises:
        PayloadError: There is not exactly one file, named ``file``, or a value looks like audio.
        VoxguardError: The recording cannot be anonymized.
    """
    fields = list(fields)
    files = [field.name for field in fields if field.filename is not None]
    if files != ["file"]:
        raise PayloadError(f"one file named 'file' is accepted, got {len(files)} files", "file")
    made = []
    for field in fields:
        if field.filename is None:
            _look(field)
            made.append(field)
            continue
        raw = Clip(field.content)
        clip = await convert(raw)
        if clip.content is None or not is_new(clip, raw):
            raise PayloadError("file: the anonymizer gave nothing new", "file")
        made.append(Field("file", clip.content, f"audio.{clip.format}"))
    return made


def check_upload(fields: Iterable[Field]) -> None:
    """Let a form pass whose files are documents without audio.

    Raises:
        PayloadError: A file is something else, or a value looks like audio.
    """
    for field in fields:
        if field.filename is None:
            _look(field)
        elif not is_document(field.content) or _is_sound(field.content_type):
            raise refuse(field.name, "only PDF, text and pictures without audio pass as files")
        else:
            refuse_audio(field.filename, f"{field.name} (name)")


def _look(field: Field) -> None:
    if field.name in _VOICES:
        raise refuse(field.name, "this holds or names a voice")
    try:
        refuse_audio({field.name: field.content.decode()})
    except UnicodeDecodeError:
        raise refuse(field.name, "this is no text") from None


def _is_sound(content_type: str | None) -> bool:
    return content_type is not None and content_type.lower().startswith(("audio/", "video/"))


def parse_form(content_type: str, body: bytes) -> list[Field]:
    """Take a form apart.

    Args:
        content_type: The header, with the boundary.
        body: The form.

    Raises:
        PayloadError: It is not one by the book.

    Example:
        >>> from voxguard.payloads.form import Field, build_form, parse_form
        >>> parse_form(*build_form([Field("model", b"whisper-1")]))[0].name
        'model'
    """
    header = Message()
    header["content-type"] = content_type
    boundary = header.get_boundary()
    if header.get_content_type() != "multipart/form-data" or not boundary:
        raise _malformed()
    delimiter = b"\r\n--" + boundary.encode("latin-1", "replace")
    first, *parts = (b"\r\n" + body).split(delimiter)
    if first or len(parts) < 1 or parts[-1].rstrip(b"\r\n") != b"--":
        raise _malformed()
    return [_field(part) for part in parts[:-1]]


def _field(part: bytes) -> Field:
    head, separator, content = part.partition(b"\r\n\r\n")
    if not separator or not head.startswith(b"\r\n"):
        raise _malformed()
    header = Message()
    for line in head[2:].split(b"\r\n"):
        label, colon, value = line.decode("utf-8", "replace").partition(":")
        if not colon or label.lower() not in ("content-disposition", "content-type"):
            raise _malformed()
        header[label] = value.strip()
    name = header.get_param("name", header="content-disposition")
    filename = header.get_param("filename", header="content-disposition")
    if not isinstance(name, str) or not isinstance(filename, str | None):
        raise _malformed()
    return Field(name, content, filename, header.get("content-type"))


def build_form(fields: Iterable[Field]) -> tuple[str, bytes]:
    """Make a form.

    Args:
        fields: What it holds.

    Returns:
        The content type, and the body.
    """
    boundary = secrets.token_hex(16)
    made = []
    for field in fields:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(field.name)}"'
        if field.filename is not None:
            head += f'; filename="{_quoted(field.filename)}"'
            head += f"\r\nContent-Type: {field.content_type or 'application/octet-stream'}"
        made += [head.encode(), b"\r\n\r\n", field.content, b"\r\n"]
    made.append(f"--{boundary}--\r\n".encode())
    return f"multipart/form-data; boundary={boundary}", b"".join(made)


def _quoted(name: str) -> str:
    """As browsers escape it."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A").replace("\\", "%5C")


def _malformed() -> PayloadError:
    return PayloadError("the multipart form cannot be taken apart, so it is not sent")
