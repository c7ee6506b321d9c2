"""Sends a request on to the upstream, and its answer back as it comes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

import httpx2
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from voxguard.gateway.refusals import RefusedError
from voxguard.gateway.settings import Settings

_HOP = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
_NOT_SENT = _HOP | {"host", "content-length", "content-type", "expect"}
# What could make a client talk to somebody else, past the gateway, is not given back.
_NOT_GIVEN = _HOP | {"alt-svc", "content-location", "location", "date", "server"}
OURS = "x-voxguard-"


def sent_headers(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The headers of a request that are for the upstream; API keys are among them."""
    return [
        (name, value)
        for name, value in ((name.lower(), value) for name, value in headers)
        if name not in _NOT_SENT and not name.startswith(OURS)
    ]


class Upstream:
    """The server behind the gateway.

    Args:
        settings: Say where it is, and how long to wait for it.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = httpx2.AsyncClient(
            timeout=httpx2.Timeout(settings.upstream_timeout_s, connect=10.0),
            follow_redirects=False,
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=64),
        )

    async def close(self) -> None:
        """Close what is open."""
        await self._client.aclose()

    async def forward(
        self,
        request: Request,
        content: bytes | None,
        content_type: str | None,
        extra: Mapping[str, str],
    ) -> Response:
        """Send a body, which has been looked into, where the request wanted to go.

        Args:
            request: Gives method, path, query and headers.
            content: The body; None: there is none.
            content_type: Of the body.
            extra: Headers for the client, beside the upstream's.

        Returns:
            The upstream's answer, passed on chunk by chunk, unbuffered.

        Raises:
            RefusedError: The upstream cannot be reached, is silent too long, or sends elsewhere.
        """
        path = request.scope.get("raw_path", request.url.path.encode()).decode("ascii")
        headers = sent_headers(request.headers.items())
        if content_type is not None:
            headers.append(("content-type", content_type))
        try:
            built = self._client.build_request(
                request.method,
                self._settings.url(path.partition("?")[0], request.url.query),
                headers=headers,
                content=content,
            )
            answer = await self._client.send(built, stream=True)
        except httpx2.TimeoutException:
            raise RefusedError(
                504, "upstream_timeout", "the upstream did not answer in time"
            ) from None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise RefusedError(
                502, "upstream_unreachable", f"the upstream failed ({type(error).__name__})"
            ) from None
        if 300 <= answer.status_code < 400 and answer.status_code != 304:
            await answer.aclose()
            raise RefusedError(
                502,
                "upstream_redirects",
                "the upstream answered with a redirection, which would lead around the gateway; "
                "give voxguard serve --upstream the address that it leads to",
            )
        response = StreamingResponse(_chunks(answer), answer.status_code)
        kept = [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in answer.headers.multi_items()
            if name.lower() not in _NOT_GIVEN
        ]
        response.raw_headers = kept
        response.headers.update(extra)
        return response


async def _chunks(answer: Any) -> AsyncIterator[bytes]:
    try:
        async for chunk in answer.aiter_raw():
            yield chunk
    finally:
        await answer.aclose()
