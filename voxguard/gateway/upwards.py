"""From a live client to the server: each event anonymized, looked into, or refused by itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import websockets
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import ClientConnection

from voxguard.errors import AudioError
from voxguard.gateway.ahead import reading_ahead
from voxguard.gateway.conversation import Conversation, Event
from voxguard.gateway.meters import Meters
from voxguard.gateway.refusals import RefusedError
from voxguard.payloads.body import read_json, write_json

_LARGE = 1 << 16  # bytes of an event that is read beside the event loop
_TOGETHER_S = 1.0  # of audio that is anonymized at once
_OWN = ("audio", "event_id")  # what appended events may differ in


class Upwards:
    """One direction of a live connection.

    Audio that waits since its conversion is behind is anonymized together.

    Args:
        client: Whose events they are.
        server: Gets what is made of them.
        conversation: Of this connection.
        meters: Of the gateway.
    """

    def __init__(
        self,
        client: WebSocket,
        server: ClientConnection,
        conversation: Conversation,
        meters: Meters,
    ) -> None:
        self._client, self._server = client, server
        self._conversation, self._meters = conversation, meters
        self._events: list[Event] = []  # that append audio, alike and in a row
        self._audio = b""

    async def run(self) -> None:
        """Until one side has gone.

        Raises:
            VoxguardError: The connection cannot go on.
        """
        with suppress(websockets.ConnectionClosed):
            async with reading_ahead(partial(_received, self._client)) as ahead:
                while texts := await ahead.take():
                    for text in texts:
                        await self._take(text)
                    await self._push()

    async def _take(self, text: str) -> None:
        event: Any = None
        try:
            event = await _event(text)
            audio = self._conversation.appended(event)
        except (AudioError, RefusedError) as error:
            await self._refuse([event], error)
            return
        if audio is None or not self._joins(event, audio):
            await self._push()
        if audio is None:
            await self._forward([event], self._conversation.from_client(event))
            return
        self._events.append(event)
        self._audio += audio

    def _joins(self, event: Event, audio: bytes) -> bool:
        """Whether it goes with what waits."""
        wire = self._conversation.voice.wire
        most = round(_TOGETHER_S * wire.rate) * wire.width
        alike = not self._events or _but_own(event) == _but_own(self._events[0])
        return alike and len(self._audio) + len(audio) <= most

    async def _push(self) -> None:
        events, audio = self._events, self._audio
        self._events, self._audio = [], b""
        if events:
            await self._forward(events, self._conversation.append(events[-1], audio))

    async def _forward(self, events: Sequence[Event], making: Awaitable[list[Event]]) -> None:
        try:
            with self._meters.timed(self._meters.push_seconds):
                made = await making
        except (AudioError, RefusedError) as error:
            await self._refuse(events, error)
            return
        for event in made:
            await self._server.send(write_json(event).decode())

    async def _refuse(self, events: Sequence[Any], error: Exception) -> None:
        """These alone are at fault; the connection goes on."""
        refusal = RefusedError.of(error)
        for event in events:
            await tell(self._client, refusal, event)
            self._meters.refusals.labels(refusal.code).inc()


def _but_own(event: Event) -> Event:
    return {name: value for name, value in event.items() if name not in _OWN}


async def _event(text: str) -> Event:
    content = text.encode("utf-8", "surrogatepass")
    large = len(content) >= _LARGE
    event = await asyncio.to_thread(read_json, content) if large else read_json(content)
    if not isinstance(event, dict):
        raise RefusedError(400, "not_understood", "an event is a JSON object")
    return event


async def _received(client: WebSocket) -> str | None:
    """The next text; None: the client has gone."""
    message = await client.receive()
    if message["type"] == "websocket.disconnect":
        return None
    text = message.get("text")
    if text is None:
        raise RefusedError(
            400, "not_understood", "binary frames are not understood here; send events as JSON"
        )
    return str(text)


async def tell(client: WebSocket, refusal: RefusedError, event: Any) -> None:
    """An error event, about an event of the client or None."""
    about = event.get("event_id") if isinstance(event, dict) else None
    error = {**refusal.body, "event_id": about if isinstance(about, str) else None}
    with suppress(RuntimeError, WebSocketDisconnect):
        await client.send_text(json.dumps({"type": "error", "error": error}))
