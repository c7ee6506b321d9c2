"""The page and what it asks for, as an ASGI application."""

from __future__ import annotations

import asyncio
import random
from importlib.resources import files
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from voxguard.audio import encode
from voxguard.demo.choice import Choice
from voxguard.demo.desk import BusyError, Desk
from voxguard.demo.gate import Gate
from voxguard.demo.job import MAX_BYTES, MAX_SECONDS, TooLongError, playable, process
from voxguard.dsp.voice import synthetic_voice
from voxguard.errors import (
    AudioError,
    ConfigurationError,
    UnknownNameError,
    UnsupportedAudioError,
    VoxguardError,
)

_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript",
          ".svg": "image/svg+xml"}  # fmt: skip
_STATUS = ((BusyError, 429), (TooLongError, 413), (UnsupportedAudioError, 415), (AudioError, 400),
           (UnknownNameError, 404), (ConfigurationError, 409), (VoxguardError, 500))  # fmt: skip
_VOICE_S, _VOICE_RATE, _VOICES = 5.0, 16_000, 1000


def create_app(token: str) -> Starlette:
    """Make the application. It keeps no audio: what is sent is forgotten with the answer.

    Args:
        token: First part of every path; without it nothing is answered.

    Returns:
        An application for 127.0.0.1. Under ``/TOKEN/`` is the page, and ``api/methods``,
        ``api/voice`` (a made voice, WAV), ``api/recording`` (the content of an audio file in, what
        a browser can play out) and ``api/anonymize?method=`` (the same in, JSON out).
    """
    work = _Work()
    page = files("voxguard.demo") / "static"
    static = {entry.name: entry.read_bytes() for entry in page.iterdir() if entry.is_file()}

    async def file(request: Request) -> Response:
        name = request.path_params.get("name", "index.html")
        if name not in static:
            raise HTTPException(404)
        suffix = name[name.rfind(".") :]
        return Response(static[name], media_type=_TYPES.get(suffix, "text/plain"))

    routes = [
        Route("/", file),
        Route("/{name}", file),
        Route("/api/methods", work.methods),
        Route("/api/voice", work.voice, methods=["POST"]),
        Route("/api/recording", work.recording, methods=["POST"]),
        Route("/api/anonymize", work.anonymize, methods=["POST"]),
    ]
    app = Starlette(
        routes=[Mount("/{token}", routes=routes)],
        middleware=[Middleware(Gate, token=token)],
        exception_handlers={VoxguardError: _refuse, ClientDisconnect: _gone},
    )
    app.router.redirect_slashes = False
    return app


class _Work:
    """What the page asks for."""

    def __init__(self) -> None:
        self._choice = Choice()
        self._desk = Desk()
        self._listing = asyncio.Lock()
        self._methods: list[dict[str, Any]] = []

    async def methods(self, _: Request) -> Response:
        async with self._listing:  # a page that is opened twice waits, and is not told "busy"
            if not self._methods:
                self._methods = await self._desk.run("the methods", self._choice.describe)
        limits = {"max_seconds": MAX_SECONDS, "max_bytes": MAX_BYTES}
        return JSONResponse({"methods": self._methods, **limits})

    async def voice(self, _: Request) -> Response:
        return Response(await _quickly("the voice", _made_voice), media_type="audio/wav")

    async def recording(self, request: Request) -> Response:
        content = await _body(request)
        wav, about = await _quickly("the recording", playable, content)
        headers = {f"x-{name.replace('_', '-')}": f"{value:g}" for name, value in about.items()}
        return Response(wav, media_type="audio/wav", headers=headers)

    async def anonymize(self, request: Request) -> Response:
        method = request.query_params.get("method", "")
        content = await _body(request)

        def work() -> dict[str, Any]:
            return process(content, self._choice.get(method))

        async with self._listing:
            pass
        return JSONResponse(await self._desk.run(method or "the method", work))


async def _quickly(what: str, function: Any, *arguments: Any) -> Any:
    """What takes little time has a desk of its own, so that it never finds one busy."""
    return await Desk().run(what, function, *arguments)


def _made_voice() -> bytes:
    voice = synthetic_voice(
        seconds=_VOICE_S,
        sample_rate=_VOICE_RATE,
        speaker=random.randrange(_VOICES),  # noqa: S311
    )
    return encode(voice[None], _VOICE_RATE, "wav", subtype="PCM_16")


async def _body(request: Request) -> bytes:
    """The whole body, no further than the limit."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BYTES:
            raise TooLongError(
                f"the file is larger than the {MAX_BYTES // 1_000_000} MB that this page takes; "
                "cut the recording, or use `voxguard anonymize`"
            )
        parts.append(part)
    if not size:
        raise UnsupportedAudioError("nothing was sent; send the content of an audio file")
    return b"".join(parts)


async def _refuse(_: Request, error: Exception) -> Response:
    """Says what went wrong; there is no audio in it."""
    status = next(status for kind, status in _STATUS if isinstance(error, kind))
    headers = {"connection": "close"} if status == 413 else {}
    return JSONResponse({"error": str(error)}, status, headers)


async def _gone(_: Request, __: Exception) -> Response:
    return Response(status_code=499)
