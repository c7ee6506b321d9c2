"""``voxguard serve``: the gateway in front of an audio LLM."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from voxguard.cli.make import parse_options
from voxguard.cli.output import echo_warning
from voxguard.errors import ConfigurationError

HELP = """Stand in front of an OpenAI-compatible server and let no raw voice through.

\b
  voxguard serve --upstream https://api.openai.com
  voxguard serve --upstream http://localhost:8000 --live-rate 16000     # vLLM
  voxguard serve --upstream https://api.openai.com --scope session --key-file my.key

Then give clients the gateway's address: OPENAI_BASE_URL=http://127.0.0.1:8585/v1. Audio in chat
completions, responses, transcriptions, translations and live conversations is anonymized; what
could hold audio and is not understood is refused.
"""


def serve(
    upstream: Annotated[str, typer.Option(help="URL of the server, with or without /v1.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8585,
    method: Annotated[
        str | None, typer.Option(help="For recordings; see `voxguard methods`.  [voice_conversion]")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", "-o", metavar="NAME=VALUE", help="An option of the method."),
    ] = None,
    live_method: Annotated[
        str | None, typer.Option(help="For live audio.  [the same, in its live mode]")
    ] = None,
    live_option: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="An option of the live method.")
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(help="Secret key, for voices that outlast the process; `voxguard keygen`."),
    ] = None,
    scope: Annotated[
        Literal["request", "session", "api-key"],
        typer.Option(help="What keeps one pseudo-voice; a session is named by X-Voxguard-Session."),
    ] = "request",
    allow_audio_host: Annotated[
        list[str] | None,
        typer.Option(help="Host from which an audio_url is fetched; may be repeated."),
    ] = None,
    live_rate: Annotated[
        int, typer.Option(help="Hz of live PCM, where the session does not say.")
    ] = 24_000,
    max_body_mb: Annotated[float, typer.Option(help="Largest body of a request.")] = 32.0,
    max_seconds: Annotated[float, typer.Option(help="Longest recording.")] = 600.0,
    max_waiting: Annotated[int, typer.Option(help="Requests with a body at once.")] = 64,
    max_streams: Annotated[
        int | None, typer.Option(help="Live connections at once.  [by the speed of the method]")
    ] = None,
    job_timeout: Annotated[float, typer.Option(help="Seconds to anonymize a recording.")] = 120.0,
    upstream_timeout: Annotated[
        float, typer.Option(help="Seconds that the server may be silent.")
    ] = 600.0,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes for recordings.  [one a processor]")
    ] = None,
    live_jobs: Annotated[
        int | None, typer.Option(min=0, help="Processes for live audio.  [one a processor]")
    ] = None,
    ssl_certfile: Annotated[Path | None, typer.Option(help="TLS certificate.")] = None,
    ssl_keyfile: Annotated[Path | None, typer.Option(help="TLS key.")] = None,
    ssl_keyfile_password: Annotated[
        str | None, typer.Option(envvar="VOXGUARD_SSL_PASSWORD", help="Of the TLS key.")
    ] = None,
    log_level: Annotated[
        Literal["info", "warning", "error"], typer.Option(help="How much is said.")
    ] = "info",
) -> None:
    """Stand in front of an OpenAI-compatible server and let no raw voice through."""
    from voxguard.models.optional import optional

    for package in ("starlette", "uvicorn", "httpx2", "websockets", "prometheus_client"):
        optional(package, "gateway", "voxguard serve")
    from voxguard.anonymizers.base import DEFAULT
    from voxguard.gateway.server import run
    from voxguard.gateway.settings import Settings
    from voxguard.pseudonym import read_key

    if (ssl_certfile is None) != (ssl_keyfile is None):
        raise ConfigurationError("--ssl-certfile and --ssl-keyfile go together")
    settings = Settings(
        upstream=upstream,
        method=method or DEFAULT,
        options=parse_options(option or []),
        live_method=live_method,
        live_options=parse_options(live_option or []) if live_option or live_method else None,
        key=None if key_file is None else read_key(key_file),
        scope=scope,
        max_body_mb=max_body_mb,
        max_seconds=max_seconds,
        max_waiting=max_waiting,
        max_streams=max_streams,
        job_timeout_s=job_timeout,
        upstream_timeout_s=upstream_timeout,
        audio_hosts=tuple(allow_audio_host or ()),
        live_rate=live_rate,
        recording_workers=jobs,
        live_workers=live_jobs,
    )
    tls: dict[str, Any] = {}
    if ssl_certfile is not None:
        tls = {"ssl_certfile": str(ssl_certfile), "ssl_keyfile": str(ssl_keyfile),
               "ssl_keyfile_password": ssl_keyfile_password}  # fmt: skip
    elif host not in ("127.0.0.1", "::1", "localhost"):
        echo_warning(f"raw voices travel to {host} unencrypted; give --ssl-certfile")
    run(settings, host=host, port=port, log_level=log_level, **tls)
