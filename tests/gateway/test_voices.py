"""Who keeps which pseudo-voice, and for how long."""

from __future__ import annotations

import httpx2
import numpy as np
import pytest
from servers import base64_of, recordings

from voxguard.gateway.voices import voice_name


@pytest.fixture
def heard(upstream, wav):
    """Sends one recording; gives what arrived."""

    def send(server, **headers):
        upstream.forget()
        part = {"type": "input_audio", "input_audio": {"data": base64_of(wav), "format": "wav"}}
        answer = httpx2.post(
            f"{server.url}/v1/chat/completions",
            json={"messages": [{"role": "user", "content": [part]}]},
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )
        assert answer.status_code == 200, answer.text
        arrived = upstream.requests[0][2]
        assert not any(name.startswith("x-voxguard") for name in arrived)
        return recordings(upstream.requests[0][3])[0]

    return send


def test_by_request(make_gateway, heard):
    server = make_gateway()
    same = {"authorization": "Bearer a", "x_voxguard_session": "call"}
    assert not np.array_equal(heard(server, **same), heard(server, **same))


def test_by_session(make_gateway, heard):
    server = make_gateway(scope="session")
    anna = {"authorization": "Bearer a", "x_voxguard_session": "call 1"}
    first = heard(server, **anna)
    assert np.array_equal(heard(server, **anna), first)
    for other in (
        {**anna, "x_voxguard_session": "call 2"},
        {**anna, "authorization": "Bearer b"},  # whose session bears the same name
        {"authorization": "Bearer a"},
    ):
        assert not np.array_equal(heard(server, **other), first)


def test_by_api_key(make_gateway, heard):
    server = make_gateway(scope="api-key")
    first = heard(server, authorization="Bearer a")
    assert np.array_equal(heard(server, authorization="Bearer a"), first)
    assert np.array_equal(heard(server, api_key="a"), heard(server, api_key="a"))
    assert not np.array_equal(heard(server, authorization="Bearer b"), first)
    assert not np.array_equal(heard(server), heard(server))


def test_gone_at_a_restart_unless_a_key_is_given(make_gateway, heard):
    options = {"scope": "api-key"}
    key = bytes(range(32))
    first, again = make_gateway(**options), make_gateway(**options)
    assert not np.array_equal(
        heard(first, authorization="Bearer a"), heard(again, authorization="Bearer a")
    )
    first, again = make_gateway(**options, key=key), make_gateway(**options, key=key)
    assert np.array_equal(
        heard(first, authorization="Bearer a"), heard(again, authorization="Bearer a")
    )


def test_names_show_nothing():
    headers = {"authorization": "Bearer sk-secret", "x-voxguard-session": "Anna"}
    for scope in ("request", "session", "api-key"):
        name = voice_name(scope, headers)
        assert "secret" not in name
        assert "Anna" not in name


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"authorization": "ab", "x-voxguard-session": "c"},
         {"authorization": "a", "x-voxguard-session": "bc"}),
    ],
)  # fmt: skip
def test_parts_do_not_run_together(first, second):
    assert voice_name("session", first) != voice_name("session", second)
