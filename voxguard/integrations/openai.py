"""The OpenAI SDK: a client that sends no raw voice, whatever method it is sent by.

The guard sits under the SDK's resources, where requests leave: each one is taken apart by its
route, its audio anonymized, and what could be a voice and is not understood is refused.
"""

from __future__ import annotations

from collections.abc import Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from voxguard.anonymizers.base import Anonymizer, create
from voxguard.errors import ConfigurationError, PayloadError
from voxguard.models.optional import optional
from voxguard.payloads.body import protect_body, read_body
from voxguard.payloads.clip import Clip, Convert
from voxguard.payloads.generic import refuse_audio
from voxguard.payloads.render import render_clip

if TYPE_CHECKING:
    import anyio
    import httpx2
    import openai
else:
    openai = optional("openai", "openai", "the guard of the OpenAI SDK")
    httpx2 = optional("httpx2", "openai", "the guard of the OpenAI SDK")
    anyio = optional("anyio", "openai", "the guard of the OpenAI SDK")

__all__ = ["protect"]

ClientT = TypeVar("ClientT", bound="openai.OpenAI | openai.AsyncOpenAI")
T = TypeVar("T")

_LIVE = ("/realtime", "/live")
_BY_LIVE = (
    "a live connection does not pass this guard; run `voxguard serve` and give the client its "
    "address as base_url"
)


def protect(
    client: ClientT, anonymizer: Anonymizer | None = None, *, speaker: str | None = None
) -> ClientT:
    """A client that works as the given one, and sends only anonymized audio.

    Chat completions and responses with audio parts, transcriptions and translations are sent with
    the audio anonymized; of other requests those pass that hold no audio; live connections,
    uploads in parts and files that cannot be looked into are refused.

    Args:
        client: ``openai.OpenAI``, ``openai.AsyncOpenAI`` or a subclass. It stays as it is, and
            unprotected: use the one that is returned. They share their connections.
        anonymizer: Does the work; by default ``voxguard.create()``.
        speaker: Who speaks, to keep one pseudo-voice over all requests.

    Returns:
        A client of a subclass of the given one's class. Copies that it makes with
        ``with_options`` are protected too.

    Raises:
        ConfigurationError: The client is something else, or one on the old ``httpx``.

    Example:
        >>> import openai, voxguard
        >>> from voxguard.integrations.openai import protect
        >>> client = protect(openai.OpenAI(api_key="sk-..."), voxguard.McAdams())
        >>> client.chat.completions.create(
        ...     model="gpt-audio",
        ...     messages=[{"role": "user", "content": [{"type": "audio", "audio": "UklGR..."}]}],
        ... )
        Traceback (most recent call last):
            ...
        voxguard.errors.PayloadError: messages[0].content[0]: a part of type 'audio' is not ...
    """
    if not isinstance(client, openai.OpenAI | openai.AsyncOpenAI):
        raise ConfigurationError(
            f"protect takes an openai.OpenAI or openai.AsyncOpenAI, got {type(client).__name__}"
        )
    if isinstance(client, _Protected):
        raise ConfigurationError("the client is protected already")
    guard = _Guard(anonymizer or create(), speaker)
    kind = type(client)
    protected_kind = type(f"Protected{kind.__name__}", (_Protected, kind), {})
    copied = client.copy(http_client=cast(Any, _guarded(client._client, guard)))
    protected: Any = object.__new__(protected_kind)
    vars(protected).update(vars(copied))
    return cast(ClientT, _closed(protected))


class _Guard:
    """Makes the request that may leave of the one that came."""

    def __init__(self, anonymizer: Anonymizer, speaker: str | None) -> None:
        self._render = partial(render_clip, anonymizer=anonymizer, speaker=speaker)

    async def convert_here(self, clip: Clip) -> Clip:
        return self._render(clip)

    async def convert_beside(self, clip: Clip) -> Clip:
        """In a thread, so that the event loop goes on."""
        return await anyio.to_thread.run_sync(self._render, clip)

    async def protected(self, request: Any, convert: Convert) -> Any:
        """A new request with the same head; the body is written anew, never passed on."""
        path = request.url.path
        if any(f"{name}/" in f"{path}/" for name in _LIVE):
            raise PayloadError(_BY_LIVE)
        refuse_audio(
            {"url": path, "query": [list(pair) for pair in request.url.params.multi_items()]}
        )
        if not request.content:
            return request
        if "content-encoding" in request.headers:
            raise PayloadError("a compressed body cannot be looked into, so it is not sent")
        body = read_body(path, request.headers.get("content-type", ""), request.content)
        stated, content = (await protect_body(body, convert)).write()
        left_out = (b"content-length", b"content-type", b"transfer-encoding")
        headers = [pair for pair in request.headers.raw if pair[0].lower() not in left_out]
        return httpx2.Request(
            request.method,
            request.url,
            headers=[*headers, (b"content-type", stated.encode())],
            content=content,
            extensions=request.extensions,
        )


def _at_once(work: Coroutine[Any, Any, T]) -> T:
    """Run what never waits, inside or outside of an event loop."""
    try:
        work.send(None)
    except StopIteration as done:
        return cast(T, done.value)
    work.close()
    raise RuntimeError("it waited")


def _guarded(client: Any, guard: _Guard) -> Any:
    """An HTTP client that sends through another one."""
    if isinstance(client, httpx2.Client):
        return _GuardedClient(client, guard)
    if isinstance(client, httpx2.AsyncClient):
        return _GuardedAsyncClient(client, guard)
    raise ConfigurationError(
        f"the client sends through {type(client).__module__}.{type(client).__name__}; give it an "
        "http_client of httpx2, or none"
    )


def _settings(client: Any) -> dict[str, Any]:
    names = ("base_url", "timeout", "headers", "cookies", "params", "follow_redirects")
    return {name: getattr(client, name) for name in names} | {"trust_env": False}


class _Nowhere(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """What does not go through the guard goes nowhere."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        raise PayloadError("this way around the guard is closed")

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        raise PayloadError("this way around the guard is closed")


class _GuardedClient(httpx2.Client):
    def __init__(self, inner: httpx2.Client, guard: _Guard) -> None:
        super().__init__(**_settings(inner), transport=_Nowhere())
        self._inner, self.guard = inner, guard

    def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        request.read()
        made = _at_once(self.guard.protected(request, self.guard.convert_here))
        return self._inner.send(made, **options)

    def close(self) -> None:
        super().close()
        self._inner.close()


class _GuardedAsyncClient(httpx2.AsyncClient):
    def __init__(self, inner: httpx2.AsyncClient, guard: _Guard) -> None:
        super().__init__(**_settings(inner), transport=_Nowhere())
        self._inner, self.guard = inner, guard

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        await request.aread()
        made = await self.guard.protected(request, self.guard.convert_beside)
        return await self._inner.send(made, **options)

    async def aclose(self) -> None:
        await super().aclose()
        await self._inner.aclose()


class _Protected:
    """Keeps copies of a client protected, and closes the ways past HTTP."""

    _client: Any
    websocket_base_url: Any

    def copy(self, **options: Any) -> Any:
        """As the SDK's; an ``http_client`` that is given is guarded too."""
        client = options.get("http_client")
        if client is not None and not hasattr(client, "guard"):
            options["http_client"] = _guarded(client, self._client.guard)
        return _closed(super().copy(**options))  # type: ignore[misc]

    with_options = copy

    def _refuse_live(self, *_: Any, **__: Any) -> Any:
        raise PayloadError(_BY_LIVE)

    # What the SDK calls on its way to a WebSocket.
    _websocket_query_params = _configure_realtime = _refuse_live
    _configure_realtime_with_api_key = _refuse_live

    def _prepare_options(self, options: Any) -> Any:
        if str(options.url).startswith(("ws:", "wss:")):
            raise PayloadError(_BY_LIVE)
        return super()._prepare_options(options)  # type: ignore[misc]


def _closed(client: Any) -> Any:
    client.websocket_base_url = "refused://voxguard.invalid"  # should all else on the way change
    return client
