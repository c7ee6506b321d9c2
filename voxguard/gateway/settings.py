"""What a gateway is told: where to forward to, how to anonymize, how much to take."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from voxguard.anonymizers.base import DEFAULT
from voxguard.errors import ConfigurationError

Scope = Literal["request", "session", "api-key"]

_LIMITS = ("max_body_mb", "max_seconds", "max_waiting", "max_streams", "job_timeout_s",
           "upstream_timeout_s")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a gateway works.

    Args:
        upstream: Base URL of an OpenAI-compatible server, with or without ``/v1``.
        method: Anonymizes recordings.
        options: Of that method.
        live_method: Anonymizes live audio; by default ``method``, in its live mode.
        live_options: Of the live method; by default ``options`` where it is the same method.
        key: Secret key, for pseudo-voices that outlast the process; by default one is drawn that
            dies with it.
        scope: What keeps one pseudo-voice: a ``"request"``, a ``"session"`` (the header
            ``X-Voxguard-Session``) or an ``"api-key"``. A live connection is one request.
        max_body_mb: Largest body of a request, in MB.
        max_seconds: Longest recording, in seconds.
        max_waiting: Requests with audio at once; more are told to come later (429).
        max_streams: Live connections at once; more are told to come later (429). By default as
            many as the machine can carry, by the speed that the live method shows at the start.
        job_timeout_s: A recording that takes longer to anonymize is given up.
        upstream_timeout_s: How long the server may be silent before it is given up.
        audio_hosts: Hosts from which ``audio_url`` is fetched. An address that is not public is
            reached only where it is listed itself, as a literal.
        live_rate: Rate in Hz of live PCM for which the session does not state one.
        recording_workers: Processes that anonymize recordings; by default one a processor.
        live_workers: Processes that anonymize live audio; by default one a processor; 0: no live
            audio.

    Raises:
        ConfigurationError: A value that cannot be used.

    Example:
        >>> from voxguard.gateway.settings import Settings
        >>> Settings(upstream="https://api.example.com/v1").url("/v1/models")
        'https://api.example.com/v1/models'
    """

    upstream: str
    method: str = DEFAULT
    options: Mapping[str, Any] = field(default_factory=dict)
    live_method: str | None = None
    live_options: Mapping[str, Any] | None = None
    key: bytes | None = field(default=None, repr=False)
    scope: Scope = "request"
    max_body_mb: float = 32.0
    max_seconds: float = 600.0
    max_waiting: int = 64
    max_streams: int | None = None
    job_timeout_s: float = 120.0
    upstream_timeout_s: float = 600.0
    audio_hosts: tuple[str, ...] = ()
    live_rate: int = 24_000
    recording_workers: int | None = None
    live_workers: int | None = None

    def __post_init__(self) -> None:
        parts = urlsplit(self.upstream)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigurationError(
                f"upstream takes the URL of a server, such as https://api.openai.com; got "
                f"{self.upstream!r}"
            )
        if parts.query or parts.fragment or parts.username:
            raise ConfigurationError(
                "upstream takes a URL without query, fragment and user; keys travel in the headers "
                "of each request"
            )
        if self.scope not in get_args(Scope):
            raise ConfigurationError(
                f"scope takes {', '.join(get_args(Scope))}; got {self.scope!r}"
            )
        for name in _LIMITS:
            value = getattr(self, name)
            if name == "max_streams" and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
                raise ConfigurationError(f"{name} takes a number above 0, got {value!r}")
        for name, least in (("recording_workers", 1), ("live_workers", 0)):
            value = getattr(self, name)
            if value is not None and not value >= least:
                raise ConfigurationError(f"{name} takes a number from {least}, got {value!r}")

    def url(self, path: str, query: str = "") -> str:
        """Where a request for a path goes."""
        base = self.upstream.rstrip("/")
        if base.endswith("/v1") and path.startswith("/v1/"):
            base = base.removesuffix("/v1")
        return f"{base}{path}?{query}" if query else f"{base}{path}"

    @property
    def max_body(self) -> int:
        """Largest body in bytes."""
        return int(self.max_body_mb * 1e6)

    @property
    def workers(self) -> tuple[int, int]:
        """Processes for recordings, and for live audio."""
        processors = os.cpu_count() or 1
        recording, live = self.recording_workers, self.live_workers
        return (
            processors if recording is None else recording,
            processors if live is None else live,
        )
