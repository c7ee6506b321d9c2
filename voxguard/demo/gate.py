"""Who may talk to the page's server: the page itself, and whoever holds its address."""

from __future__ import annotations

import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HOSTS = frozenset(("127.0.0.1", "localhost"))
_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'self'; media-src 'self' blob:; object-src 'none'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "microphone=(self), camera=(), geolocation=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}


class Gate:
    """Turns away what does not come from the page, and puts its headers on every answer.

    The name that was asked for is checked, since another site can have its own name point to
    127.0.0.1; the origin is, since any site can send requests here; the token in the path is, since
    other users of the machine can too.

    Args:
        app: What is behind it.
        token: First part of every path.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        refusal = self._refusal(scope)
        answer = self._app if refusal is None else PlainTextResponse(refusal, 403)
        await answer(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> str | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if host.rpartition(":")[0] not in _HOSTS and host not in _HOSTS:
            return "This server answers to 127.0.0.1 only."
        if headers.get("origin", f"http://{host}") != f"http://{host}":
            return "This server answers its own page only."
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return "This server answers its own page only; open its address in a new tab."
        first = scope["path"].split("/")[1]
        if not secrets.compare_digest(first.encode(), self._token):
            return "The page has an address of its own: take the one that `voxguard demo` printed."
        return None
