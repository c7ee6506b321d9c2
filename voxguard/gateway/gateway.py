"""The gateway: takes requests apart, anonymizes what is audio, forwards what it understands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.websockets import WebSocket

from voxguard.anonymizers.base import option_defaults, registry
from voxguard.gateway.bodies import take_body
from voxguard.gateway.conversation import Conversation
from voxguard.gateway.fetch import fetch_audio
from voxguard.gateway.forward import Upstream
from voxguard.gateway.meters import Meters
from voxguard.gateway.realtime import relay
from voxguard.gateway.refusals import RefusedError
from voxguard.gateway.settings import Settings
from voxguard.gateway.voices import voice_name
from voxguard.gateway.workers import Worker, Workers
from voxguard.payloads.body import protect_body, read_body
from voxguard.payloads.clip import Clip
from voxguard.payloads.generic import refuse_audio
from voxguard.pseudonym import generate_key

_BODY_S = 60.0  # for a client to send its body
_LIVE = ("/realtime", "/realtime/translations")


class Gateway:
    """All of a gateway but the server that it runs in.

    Args:
        settings: What it is told.

    Raises:
        ConfigurationError: The method or its options cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.meters = Meters()
        self._upstream = Upstream(settings)
        self._busy = 0
        self._streams = 0
        # One secret for all workers: a voice does not depend on which of them is free.
        key = settings.key or generate_key()
        recording, live = settings.workers
        options = {**settings.options, "key": key}
        self.workers = Workers(
            [Worker(settings.method, options, live=False) for _ in range(recording)],
            [Worker(self.live_method, self._live_options(key), live=True) for _ in range(live)],
        )

    @property
    def live_method(self) -> str:
        """Name of the method for live audio."""
        return self.settings.live_method or self.settings.method

    def _live_options(self, key: bytes) -> dict[str, Any]:
        given = self.settings.live_options
        if given is None:
            given = self.settings.options if self.live_method == self.settings.method else {}
        options = {**given, "key": key}
        if "live" in option_defaults(registry.get(self.live_method)):
            options.setdefault("live", True)
        return options

    async def start(self) -> None:
        """Start the workers and have each try its method out.

        Raises:
            VoxguardError: A method does not work.
        """
        try:
            await self.workers.start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End the workers and close what is open."""
        await self.workers.stop()
        await self._upstream.close()

    async def answer(self, request: Request) -> Response:
        """Answer a request.

        Raises:
            RefusedError: It is not forwarded.
            VoxguardError: Its audio cannot be anonymized.
        """
        if "/realtime" in request.url.path:
            raise RefusedError(
                400,
                "not_understood",
                "this would open a live connection past the gateway; connect to the gateway's own "
                "WebSocket at /v1/realtime",
            )
        if _has_body(request):
            started = perf_counter()
            async with self._place():
                clips = Clips(self, voice_name(self.settings.scope, request.headers))
                body = await self._body(request)
                content, content_type = await self._protected(request, body, clips)
            if await request.is_disconnected():
                raise ClientDisconnect
            extra = {}
            if clips.count:
                extra = {
                    "x-voxguard-method": self.settings.method,
                    "server-timing": f"voxguard;dur={1000 * (perf_counter() - started):.1f}",
                }
            return await self._upstream.forward(request, content, content_type, extra)
        _look_into_head(request)
        return await self._upstream.forward(request, None, None, {})

    async def converse(self, client: WebSocket) -> None:
        """Carry a live connection.

        Raises:
            RefusedError: It is not opened.
        """
        if not client.url.path.endswith(_LIVE):
            raise RefusedError(
                404, "not_understood", "live connections are understood at /v1/realtime"
            )
        if not self.workers.live_streams:
            raise RefusedError(
                503, "not_configured", "this gateway was started without live workers"
            )
        _look_into_head(client)
        if self._streams >= (self.settings.max_streams or self.workers.live_streams):
            raise RefusedError(
                429, "too_many_streams", "too many live connections; try again later"
            )
        self._streams += 1
        self.meters.streams.set(self._streams)
        conversation = Conversation(
            self.workers, voice_name(self.settings.scope, client.headers), self.settings
        )
        try:
            await relay(client, conversation, self.settings, self.meters)
        finally:
            self._streams -= 1
            self.meters.streams.set(self._streams)
            await conversation.voice.close()

    async def _body(self, request: Request) -> bytes:
        try:
            async with asyncio.timeout(_BODY_S):
                return await take_body(request, self.settings.max_body)
        except TimeoutError:
            raise RefusedError(
                408, "too_slow", f"the body took over {_BODY_S:g} s to come"
            ) from None

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """One of the places for requests that hold memory."""
        if self._busy >= self.settings.max_waiting:
            raise RefusedError(429, "too_many_requests", "too much audio at once; try again later")
        self._busy += 1
        self.meters.waiting.set(self._busy)
        try:
            yield
        finally:
            self._busy -= 1
            self.meters.waiting.set(self._busy)

    async def _protected(
        self, request: Request, content: bytes, clips: Clips
    ) -> tuple[bytes | None, str | None]:
        """The body without raw voices, and its type."""
        _look_into_head(request)
        if not content:
            return None, None
        if request.method not in ("POST", "PUT", "PATCH"):
            raise RefusedError(400, "not_understood", f"a {request.method} request has a body")
        stated = request.headers.get("content-type", "")
        # Beside the event loop: the other requests need not wait for a large body.
        body = await asyncio.to_thread(read_body, request.url.path, stated, content)
        made = await protect_body(body, clips.convert)
        content_type, written = await asyncio.to_thread(made.write)
        return written, content_type


def _has_body(request: Request) -> bool:
    headers = request.headers
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


def _look_into_head(request: Request | WebSocket) -> None:
    """Path, query and headers hold no audio either; a name can be there twice."""
    query = [list(pair) for pair in request.query_params.multi_items()]
    refuse_audio({"path": request.url.path, "query": query})
    refuse_audio({"headers": [list(pair) for pair in request.headers.items()]})


class Clips:
    """The recordings of one request, all in one voice.

    Args:
        gateway: Whose workers and limits.
        speaker: Names the voice.
    """

    def __init__(self, gateway: Gateway, speaker: str) -> None:
        self._gateway, self._speaker = gateway, speaker
        self.count = 0

    async def convert(self, clip: Clip) -> Clip:
        """Anonymize one; fetched first if it is named by URL.

        Raises:
            RefusedError: It may not be fetched.
            VoxguardError: It cannot be anonymized.
        """
        gateway, settings = self._gateway, self._gateway.settings
        content = clip.content
        if content is None:
            content = await fetch_audio(
                clip.url or "", settings.audio_hosts, settings.max_body, None
            )
        meters = gateway.meters
        with meters.timed(meters.clip_seconds):
            made, suffix = await gateway.workers.recording(
                "recording",
                content,
                self._speaker,
                settings.max_seconds,
                timeout_s=settings.job_timeout_s,
            )
        self.count += 1
        meters.clips.inc()
        return Clip(content=made, format=suffix)
