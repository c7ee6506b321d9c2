"""The gateway as an ASGI application."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from voxguard.gateway.gateway import Gateway
from voxguard.gateway.meters import CONTENT_TYPE
from voxguard.gateway.realtime import deny
from voxguard.gateway.refusals import RefusedError
from voxguard.gateway.settings import Settings

METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]
_CLIENT_GONE = 499  # in the counts alone: nobody is there to read it

log = logging.getLogger(__name__)


def create_app(settings: Settings) -> Starlette:
    """Make the application; its workers start with it.

    Args:
        settings: What the gateway is told.

    Raises:
        ConfigurationError: The method or its options cannot be used.
    """
    gateway = Gateway(settings)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await gateway.start()
        try:
            yield
        finally:
            await gateway.stop()

    routes = [
        Route("/healthz", _health, methods=["GET"]),
        Route("/metrics", _metrics, methods=["GET"]),
        Route("/{path:path}", _request, methods=METHODS),
        WebSocketRoute("/{path:path}", _connection),
    ]
    app = Starlette(routes=routes, lifespan=lifespan)
    app.router.redirect_slashes = False
    app.state.gateway = gateway
    return app


async def _health(request: Request) -> Response:
    """Whether recordings can be anonymized."""
    alive = request.app.state.gateway.workers.is_alive
    return JSONResponse({"status": "ok" if alive else "no worker is alive"}, 200 if alive else 503)


async def _metrics(request: Request) -> Response:
    gateway: Gateway = request.app.state.gateway
    gateway.meters.restarts.set(gateway.workers.restarts)
    return Response(gateway.meters.text(), headers={"content-type": CONTENT_TYPE})


async def _request(request: Request) -> Response:
    gateway: Gateway = request.app.state.gateway
    try:
        response = await gateway.answer(request)
        status = response.status_code
    except ClientDisconnect:
        response, status = Response(), _CLIENT_GONE
    except Exception as error:  # whatever it is, its message stays here
        refusal = RefusedError.of(error)
        gateway.meters.refusals.labels(refusal.code).inc()
        response, status = refusal.response(), refusal.status
        log.warning("%s refused: %s, %s", request.method, refusal.status, refusal.code)
    gateway.meters.requests.labels(_route(request.url.path), str(status)).inc()
    return response


async def _connection(client: WebSocket) -> None:
    gateway: Gateway = client.app.state.gateway
    status = 101
    try:
        await gateway.converse(client)
    except Exception as error:
        refusal = RefusedError.of(error)
        status = refusal.status
        gateway.meters.refusals.labels(refusal.code).inc()
        log.warning("live connection refused: %s, %s", refusal.status, refusal.code)
        await deny(client, refusal)
    gateway.meters.requests.labels("realtime", str(status)).inc()


def _route(path: str) -> str:
    """The route as a label: a few known ones, since a path can hold anything."""
    for known in ("chat/completions", "responses", "audio/transcriptions", "audio/translations"):
        if path.endswith(f"/{known}"):
            return known
    return "other"
