"""Live connections: a WebSocket to the client, one to the upstream, and what passes between."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import websockets
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from websockets.asyncio.client import ClientConnection, connect

from voxguard.gateway.conversation import Conversation
from voxguard.gateway.forward import sent_headers
from voxguard.gateway.meters import Meters
from voxguard.gateway.refusals import RefusedError
from voxguard.gateway.settings import Settings
from voxguard.gateway.upwards import Upwards, tell

_OPEN_S = 10.0
_BROKEN = 1011
_NOT_UNDERSTOOD = 1003
_OURS = ("sec-websocket-", "x-voxguard-")
_UNSENDABLE = (1005, 1006, 1015)


async def relay(
    client: WebSocket, conversation: Conversation, settings: Settings, meters: Meters
) -> None:
    """Carry a conversation until one side ends it; raw audio goes neither way.

    Args:
        client: Not accepted yet.
        conversation: Of this connection.
        settings: Of the gateway.
        meters: Of the gateway.

    Raises:
        RefusedError: The upstream did not take the connection; the client is not accepted.
    """
    session = await conversation.voice.open()
    async with await _connected(client, settings) as server:
        await client.accept(
            server.subprotocol,
            [
                (b"x-voxguard-method", (settings.live_method or settings.method).encode()),
                (b"x-voxguard-latency-ms", f"{session.latency_ms:.1f}".encode()),
            ],
        )
        up = asyncio.create_task(Upwards(client, server, conversation, meters).run())
        down = asyncio.create_task(_downwards(client, server, conversation))
        try:
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (up, down):
                task.cancel()
            ends = await asyncio.gather(up, down, return_exceptions=True)
        code = server.close_code or 1000
        for failed in (end for end in ends if isinstance(end, Exception)):
            refusal = RefusedError.of(failed)
            meters.refusals.labels(refusal.code).inc()
            await tell(client, refusal, None)
            code = _NOT_UNDERSTOOD if refusal.status < 500 else _BROKEN
        await _close(client, _BROKEN if code in _UNSENDABLE else code)


async def _connected(client: WebSocket, settings: Settings) -> ClientConnection:
    url = settings.url(client.url.path, client.url.query)
    headers = [
        (name, value)
        for name, value in sent_headers(client.headers.items())
        if not name.startswith(_OURS)
    ]
    offered = client.scope.get("subprotocols") or None
    try:
        return await connect(
            "ws" + url.removeprefix("http"),
            additional_headers=headers,
            subprotocols=offered,
            user_agent_header=None,
            open_timeout=_OPEN_S,
            max_size=None,
        )
    except websockets.InvalidStatus as error:
        status = error.response.status_code
        if 300 <= status < 400:
            raise RefusedError(502, "upstream_redirects", "the upstream sends elsewhere") from None
        raise RefusedError(
            status, "upstream_refused", f"the upstream answered {status} to the live connection"
        ) from None
    except (OSError, TimeoutError, websockets.WebSocketException) as error:
        raise RefusedError(
            502, "upstream_unreachable", f"the upstream failed ({type(error).__name__})"
        ) from None


async def _downwards(
    client: WebSocket, server: ClientConnection, conversation: Conversation
) -> None:
    with suppress(websockets.ConnectionClosed, WebSocketDisconnect):
        async for message in server:
            if isinstance(message, bytes):
                await client.send_bytes(message)
                continue
            await conversation.from_server(message)
            await client.send_text(message)


async def _close(client: WebSocket, code: int) -> None:
    if client.application_state is not WebSocketState.DISCONNECTED:
        with suppress(RuntimeError, WebSocketDisconnect):
            await client.close(code)


async def deny(client: WebSocket, refusal: RefusedError) -> None:
    """Refuse a connection that is not accepted yet, with a reason that can be read."""
    denied: Callable[[Response], Awaitable[None]] = client.send_denial_response
    try:
        await denied(refusal.response())
    except RuntimeError:  # it is open already, or the server knows no such answers
        await _close(client, _BROKEN)
