"""A gateway and an upstream that records, both real servers on loopback."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from servers import Running, Upstream, body, post, recordings

from voxguard.anonymizers.base import registry
from voxguard.audio import encode
from voxguard.gateway.app import create_app
from voxguard.gateway.settings import Settings

RATE = 16_000
PLUGIN = Path(__file__).parents[1] / "plugin"


@pytest.fixture
def plugin(monkeypatch):
    """Methods that break on demand; workers inherit the path."""
    monkeypatch.setattr(sys, "path", [str(PLUGIN), *sys.path])
    monkeypatch.setattr(registry, "_searched", False)
    monkeypatch.setattr(registry, "_references", dict(registry._references))
    monkeypatch.setattr(registry, "_classes", dict(registry._classes))


@pytest.fixture(scope="session")
def _upstream():
    upstream = Upstream()
    with Running(upstream.app) as running:
        upstream.url = running.url
        yield upstream


@pytest.fixture
def upstream(_upstream):
    _upstream.forget()
    return _upstream


@pytest.fixture(scope="session")
def gateway(_upstream):
    """With McAdams, which is quick; one process of each kind."""
    settings = Settings(
        upstream=_upstream.url,
        method="mcadams",
        max_body_mb=4.0,
        max_seconds=20.0,
        max_streams=3,
        max_waiting=4,
        job_timeout_s=20.0,
        upstream_timeout_s=2.0,
        recording_workers=1,
        live_workers=1,
    )
    app = create_app(settings)
    with Running(app) as running:
        running.gateway = app.state.gateway
        yield running


@pytest.fixture
def make_gateway(upstream):
    """Starts a gateway with other settings; ended with the test."""
    started = []

    def make(**options):
        settings = {"upstream": upstream.url, "method": "mcadams", "recording_workers": 1,
                    "live_workers": 0, "max_seconds": 20.0, **options}  # fmt: skip
        app = create_app(Settings(**settings))
        running = Running(app)
        started.append(running)
        running.__enter__()
        running.gateway = app.state.gateway
        return running

    yield make
    for running in started:
        running.__exit__()


@pytest.fixture
def works(gateway, upstream, wav):
    """Checks that the next request works."""

    def check(server=gateway):
        upstream.forget()
        answer = post(server, body(wav))
        assert answer.status_code == 200, answer.text
        assert len(recordings(upstream.requests[0][3])) == 1

    return check


@pytest.fixture(scope="session")
def wav(make_voice):
    """Two seconds of a voice, as a WAV file's content."""
    return encode(make_voice(seconds=2.0)[None], RATE, "wav")


@pytest.fixture(scope="session")
def mp3(make_voice):
    """The same as MP3."""
    return encode(make_voice(seconds=2.0)[None], RATE, "mp3")
