"""Serves the page on this machine alone."""

from __future__ import annotations

import asyncio
import secrets
import socket
import threading
import webbrowser
from collections.abc import Callable

import uvicorn

from voxguard.demo.app import create_app
from voxguard.errors import VoxguardError

HOST = "127.0.0.1"

_TOKEN_BYTES = 16


def run(port: int, announce: Callable[[str], None], *, open_browser: bool) -> None:
    """Serve until Ctrl-C or a termination signal.

    Args:
        port: 0 for a free one.
        announce: Is told the page's address once the port is open.
        open_browser: Whether to show the page in the system's browser.

    Raises:
        VoxguardError: The port is taken.
    """
    listener = _listen(port)
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    address = f"http://{HOST}:{listener.getsockname()[1]}/{token}/"
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(token),
            log_config=None,
            log_level="critical",  # addresses hold the token, and tracebacks could hold audio
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=1,
        )
    )
    announce(address)
    try:
        asyncio.run(_serve(server, listener, address if open_browser else None))
    except KeyboardInterrupt:
        return
    finally:
        listener.close()


async def _serve(server: uvicorn.Server, listener: socket.socket, address: str | None) -> None:
    if address is not None:  # the port is open, so the browser may come at once
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
    await server.serve([listener])


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise VoxguardError(
            f"cannot listen on {HOST}:{port} ({error.strerror}); choose another --port"
        ) from None
    return listener
