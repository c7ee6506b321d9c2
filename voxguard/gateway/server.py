"""Runs a gateway on uvicorn, so that it logs nothing of what passes and ends in order."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import uvicorn

from voxguard.errors import VoxguardError
from voxguard.gateway.app import create_app
from voxguard.gateway.gateway import Gateway
from voxguard.gateway.settings import Settings

_DRAIN_S = 60
_EVENT_BYTES = 20_000_000  # OpenAI takes 15 MiB an event


def run(settings: Settings, *, host: str, port: int, log_level: str, **tls: Any) -> None:
    """Serve until a signal ends it; what is under way is finished first.

    Args:
        settings: What the gateway is told.
        host: Address to listen on.
        port: Port to listen on.
        log_level: ``"info"``, ``"warning"`` or ``"error"``. There is no more to hear: libraries
            log frames on ``"debug"``.
        **tls: uvicorn's options whose names begin with ``ssl_``.

    Raises:
        VoxguardError: It could not start: a method does not work, or the port is taken.
    """
    app = create_app(settings)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            log_level=log_level,
            access_log=False,  # paths and queries can hold keys
            server_header=False,
            date_header=False,
            lifespan="off",
            ws="websockets-sansio",
            ws_max_size=_EVENT_BYTES,
            timeout_graceful_shutdown=_DRAIN_S,
            **tls,
        )
    )
    logging.getLogger("uvicorn.error").addFilter(_says_nothing_of_what_passes)
    logging.getLogger("voxguard").setLevel(log_level.upper())
    try:
        asyncio.run(_serve(server, app.state.gateway))
    except KeyboardInterrupt:
        return
    except SystemExit:
        raise VoxguardError(f"cannot listen on {host}:{port}; see the line above") from None


async def _serve(server: uvicorn.Server, gateway: Gateway) -> None:
    await gateway.start()  # here, so that what is wrong is an error and no server comes up
    try:
        await server.serve()
    finally:
        await gateway.stop()


def _says_nothing_of_what_passes(record: logging.LogRecord) -> bool:
    """Drops lines with paths, whose queries can hold keys; of foreign errors leaves the type."""
    if record.levelno < logging.INFO or "WebSocket %s" in str(record.msg):
        return False
    if record.exc_info:
        kind = record.exc_info[0]
        record.msg, record.args = f"failed: {kind.__name__ if kind else 'unknown'}", ()
        record.exc_info = record.exc_text = None
    return True
