"""The form of a transcription: its recording is anonymized, its other fields looked into."""

from __future__ import annotations

import httpx2
from starlette.datastructures import FormData, UploadFile

from voxguard.gateway.refusals import RefusedError
from voxguard.payloads.openai import Clip, Convert, refuse_audio

_FILE = "file"


async def protect_form(form: FormData, convert: Convert) -> tuple[bytes, str]:
    """The form anew, with the recording anonymized, under a name that says nothing.

    Args:
        form: As it came.
        convert: Anonymizes the recording.

    Returns:
        The body, and its content type.

    Raises:
        RefusedError: There is no recording, or another file.
        VoxguardError: It cannot be anonymized.
    """
    uploads = [name for name, value in form.multi_items() if isinstance(value, UploadFile)]
    if uploads != [_FILE]:
        raise RefusedError(
            400, "not_understood", f"one file named {_FILE!r} is accepted, got {uploads}", _FILE
        )
    fields: list[tuple[str, tuple[str | None, bytes | str] | tuple[str, bytes, str]]] = []
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            clip = await convert(Clip(content=await value.read()))
            fields.append((name, (f"audio.{clip.format}", clip.content or b"")))
        elif name in (_FILE, "known_speaker_references", "known_speaker_references[]"):
            raise RefusedError(
                400, "not_understood", f"{name} is not forwarded: it is, or names, a voice", name
            )
        else:
            refuse_audio({name: value})
            fields.append((name, (None, value)))
    request = httpx2.Request("POST", "http://nowhere", files=fields)
    return request.read(), request.headers["content-type"]
