"""Takes the body of a request, up to a limit, and reads it as JSON."""

from __future__ import annotations

import asyncio
import json
from typing import Any, NoReturn

from starlette.datastructures import Headers
from starlette.requests import Request

from voxguard.gateway.refusals import RefusedError

_LARGE = 1 << 16  # bytes of JSON that are read beside the event loop


async def read_body(request: Request, most: int) -> bytes:
    """The body, if it is not over ``most`` bytes.

    Raises:
        RefusedError: Too large, by its length or by what its header claims, or compressed.
    """
    check_head(request.headers, most)
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > most:
            raise too_large(most)
    return bytes(content)


def check_head(headers: Headers, most: int) -> None:
    """Refuse by the headers what need not be read.

    Raises:
        RefusedError: The body claims to be over ``most`` bytes, or is compressed.
    """
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise RefusedError(415, "compressed", "send the body uncompressed; it is looked into here")
    claimed = headers.get("content-length", "0")
    if not claimed.isdecimal() or int(claimed) > most:
        raise too_large(most)


def too_large(most: int) -> RefusedError:
    """The refusal of a body over ``most`` bytes."""
    return RefusedError(
        413, "too_large", f"the body is over the {most} bytes that are accepted here"
    )


async def parse_json(content: bytes) -> Any:
    """JSON by the book: UTF-8, no NaN, no key twice.

    Raises:
        RefusedError: It is something else.
    """
    if len(content) < _LARGE:
        return _parse(content)
    return await asyncio.to_thread(_parse, content)


def dump_json(value: Any) -> bytes:
    """JSON as bytes; what is forwarded is always written anew, never passed on as it came.

    Raises:
        RefusedError: It holds a number that JSON cannot.
    """
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
    except ValueError:
        raise RefusedError(400, "invalid_json", "the JSON holds a number too large") from None


def _parse(content: bytes) -> Any:
    try:
        return json.loads(
            content.decode("utf-8"), parse_constant=_refuse_constant, object_pairs_hook=_once
        )
    except RecursionError:
        raise RefusedError(400, "invalid_json", "the JSON is nested too deeply") from None
    except ValueError:
        raise RefusedError(400, "invalid_json", "the body is not JSON in UTF-8") from None


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys are there once: two readers could take different ones."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise RefusedError(400, "invalid_json", "a key is there twice in one object of the JSON")
    return found
