"""Fetches the audio that a request names by URL, so that the upstream never does."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx2

from voxguard.gateway.refusals import RefusedError

_TIMEOUT_S = 30.0
_CODE = "audio_url_refused"


async def fetch_audio(url: str, hosts: tuple[str, ...], most: int, param: str | None) -> bytes:
    """Get a file from a host that is allowed, at an address that is public.

    The name is resolved once, every address is looked at, and the connection goes to the address
    that was looked at. Redirections are not followed.

    Args:
        url: ``http`` or ``https``.
        hosts: That are allowed. An address that is not public has to be listed itself.
        most: Bytes that are accepted.
        param: Place in the request, for messages.

    Raises:
        RefusedError: Not allowed, not reachable, too large.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or host not in hosts:
        raise RefusedError(
            400,
            _CODE,
            "audio is fetched from hosts that the gateway was told to allow (voxguard serve "
            "--allow-audio-host HOST); send it inline, as base64",
            param,
        )
    try:
        port = parts.port
    except ValueError:
        raise RefusedError(400, _CODE, "the audio's address has no such port", param) from None
    port = port or (443 if parts.scheme == "https" else 80)
    address = await _public_address(host, port, param)
    netloc = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    target = urlunsplit((parts.scheme, netloc, parts.path or "/", parts.query, ""))
    content = bytearray()
    try:
        async with (
            httpx2.AsyncClient(timeout=_TIMEOUT_S, trust_env=False) as client,
            client.stream(
                "GET",
                target,
                headers={"host": parts.netloc.rpartition("@")[2], "accept-encoding": "identity"},
                extensions={"sni_hostname": host},
            ) as response,
        ):
            if response.status_code != 200:
                raise RefusedError(
                    400, _CODE, f"the audio's host answered {response.status_code}", param
                )
            async for chunk in response.aiter_raw():
                content += chunk
                if len(content) > most:
                    raise RefusedError(413, "too_large", f"the audio is over {most} bytes", param)
    except httpx2.HTTPError as error:
        raise RefusedError(
            400, _CODE, f"the audio could not be fetched ({type(error).__name__})", param
        ) from None
    return bytes(content)


async def _public_address(host: str, port: int, param: str | None) -> str:
    try:
        literal = ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return str(literal)  # allowed as it stands: the list names it
    try:
        found: list[Any] = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )
    except OSError:
        raise RefusedError(400, _CODE, "the audio's host is not known", param) from None
    addresses = [_unmapped(entry[4][0].partition("%")[0]) for entry in found]
    if not addresses or not all(address.is_global for address in addresses):
        raise RefusedError(
            400, _CODE, "the audio's host has an address that is not public; send it inline", param
        )
    return str(addresses[0])


def _unmapped(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An address; one of IPv4 that is written as one of IPv6 is judged as what it is."""
    address = ipaddress.ip_address(text)
    return getattr(address, "ipv4_mapped", None) or address
