"""Takes the body of a request, up to a limit."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.requests import Request

from voxguard.gateway.refusals import RefusedError


async def take_body(request: Request, most: int) -> bytes:
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
