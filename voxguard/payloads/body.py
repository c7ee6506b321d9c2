"""The body of a request, whatever its route: taken apart, its audio anonymized, made anew.

One decision for every way on which requests leave, the gateway and the SDK's guard alike: what a
body is goes by its route and its type, and what is not understood is not sent.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from voxguard.errors import PayloadError
from voxguard.payloads.clip import Convert
from voxguard.payloads.form import (
    Field,
    build_form,
    check_upload,
    parse_form,
    protect_transcription,
)
from voxguard.payloads.generic import refuse_audio
from voxguard.payloads.openai import protect_chat, protect_responses

JSON, FORM = "application/json", "multipart/form-data"


class MalformedBodyError(PayloadError):
    """A body that is not what its type says."""


class UnknownBodyError(PayloadError):
    """A body of a type in which audio cannot be told from anything else."""


class UnknownRouteError(PayloadError):
    """A route on which audio cannot be told from anything else."""


@dataclass(frozen=True, repr=False)
class Body:
    """A body that was taken apart.

    Attributes:
        path: The route of the request.
        content: As ``json.loads`` gives it, or the fields of a form.
        form: Which of the two.
    """

    path: str
    content: Any
    form: bool = False

    def write(self) -> tuple[str, bytes]:
        """The content type, and the body: always made anew, never passed on as it came.

        Raises:
            MalformedBodyError: It holds a number that JSON cannot.
        """
        return build_form(self.content) if self.form else (JSON, write_json(self.content))


def read_body(path: str, content_type: str, content: bytes) -> Body:
    """Take a body apart.

    Args:
        path: The route of the request, such as ``/v1/chat/completions``.
        content_type: The header.
        content: The body, not empty, not compressed.

    Raises:
        MalformedBodyError: It is not what its type says.
        UnknownBodyError: It is neither JSON nor a form, and could be a voice.

    Example:
        >>> from voxguard.payloads.body import read_body
        >>> read_body("/v1/embeddings", "application/json", b'{"input": "embed me"}').content
        {'input': 'embed me'}
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == JSON:
        return Body(path, read_json(content))
    if kind == FORM:
        return Body(path, parse_form(content_type, content), form=True)
    raise UnknownBodyError(
        f"a body of type {kind or 'unknown'} is not understood at {path}, could be a voice, and is "
        "not sent"
    )


async def protect_body(body: Body, convert: Convert) -> Body:
    """Anonymize the audio of a body by its route, and look through all else.

    Args:
        body: From :func:`read_body`; not changed.
        convert: Anonymizes one clip.

    Raises:
        PayloadError: Audio, or what could be audio, in a place or form that is not understood.
        VoxguardError: A clip cannot be anonymized.

    Example:
        >>> import asyncio
        >>> from voxguard.payloads.body import protect_body, read_body
        >>> async def convert(clip):
        ...     raise NotImplementedError
        >>> body = read_body("/v1/embeddings", "application/json", b'{"input": "embed me"}')
        >>> asyncio.run(protect_body(body, convert)).write()
        ('application/json', b'{"input":"embed me"}')
    """
    protect = _protect_form if body.form else _protect_json
    return replace(body, content=await protect(body.path, body.content, convert))


async def _protect_json(path: str, content: Any, convert: Convert) -> Any:
    if path.endswith("/chat/completions"):
        return await protect_chat(content, convert)
    if path.endswith("/responses") or "/responses/" in path:
        return await protect_responses(content, convert)
    refuse_audio(content)
    return content


async def _protect_form(path: str, fields: list[Field], convert: Convert) -> list[Field]:
    if path.endswith(("/audio/transcriptions", "/audio/translations")):
        return await protect_transcription(fields, convert)
    if "/uploads/" in path:
        raise UnknownRouteError(
            "a part of an upload cannot be told from a voice, so it is not sent; send the file "
            "whole"
        )
    check_upload(fields)
    return fields


def read_json(content: bytes) -> Any:
    """JSON by the book: UTF-8, no NaN, no key twice, which two readers could read differently.

    Raises:
        MalformedBodyError: It is something else.

    Example:
        >>> from voxguard.payloads.body import read_json
        >>> read_json(b'{"a": 1, "a": 2}')
        Traceback (most recent call last):
            ...
        voxguard.payloads.body.MalformedBodyError: the body is no JSON that can be looked into ...
    """
    try:
        return json.loads(
            content.decode("utf-8"), parse_constant=_refuse_constant, object_pairs_hook=_once
        )
    except RecursionError:
        raise _malformed("it is nested too deeply") from None
    except MalformedBodyError:
        raise
    except ValueError:
        raise _malformed("not by the book, or not in UTF-8") from None


def write_json(value: Any) -> bytes:
    """JSON as bytes.

    Raises:
        MalformedBodyError: It holds a number that JSON cannot.

    Example:
        >>> from voxguard.payloads.body import write_json
        >>> write_json({"a": [1, None]})
        b'{"a":[1,null]}'
    """
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
    except ValueError:
        raise MalformedBodyError("the JSON holds a number too large") from None


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _malformed("a key is there twice in one object")
    return found


def _malformed(why: str) -> MalformedBodyError:
    return MalformedBodyError(f"the body is no JSON that can be looked into ({why}), so not sent")
