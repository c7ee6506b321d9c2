"""Requests that nobody would write, against the real gateway: nothing raw ever gets through."""

from __future__ import annotations

import json

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nonsense import Nonsense, dressings
from servers import base64_of, holds_raw, pcm16
from websockets.sync.client import connect

from voxguard.audio import encode
from voxguard.dsp.voice import synthetic_voice

VOICE = synthetic_voice(seconds=0.6, sample_rate=16_000)[2000:8400]  # the loud part
WAV = encode(VOICE[None], 16_000, "wav")
RECORDINGS = dressings(WAV)
SAMPLES = base64_of(pcm16(VOICE))  # what a message of a conversation holds

TRIES = {"trees": 2000, "bytes": 2000, "forms": 2000, "events": 500}
tried = dict.fromkeys(TRIES, 0)
PATHS = [
    "/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/completions", "/v1/anything",
]  # fmt: skip


def fuzz(what):
    def decorate(test):
        return settings(
            max_examples=TRIES[what],
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )(given(seed=st.integers(0, 2**63))(test))

    return decorate


def is_error(answer):
    return set(answer.json()["error"]) == {"message", "type", "param", "code"}


def holds_it(everything):
    """Whether the recording is there raw, as samples, base64 or escaped text."""
    middle = len(WAV) // 2
    text = WAV[middle : middle + 64].decode("latin-1")
    return (
        holds_raw(everything, VOICE)
        or text.encode() in everything
        or json.dumps(text)[1:-1].encode() in everything
    )


@pytest.fixture(scope="module")
def http(gateway):
    with httpx2.Client(base_url=gateway.url, timeout=30) as client:
        yield client


def settle(upstream, answer, what):
    tried[what] += 1
    sent = upstream.everything
    upstream.forget()
    assert answer.status_code == 200 or is_error(answer)
    assert answer.status_code == 200 or not sent
    assert answer.status_code != 500, answer.text
    assert not holds_it(sent)


@fuzz("trees")
def test_trees(http, upstream, seed):
    made = Nonsense(seed, RECORDINGS)
    content = json.dumps(made.body()).encode()
    answer = http.post(
        made.choice(PATHS), content=content, headers={"content-type": "application/json"}
    )
    settle(upstream, answer, "trees")


VALID = json.dumps(
    {
        "model": "m",
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What?"},
                    {
                        "type": "input_audio",
                        "input_audio": {"data": RECORDINGS[0], "format": "wav"},
                    },
                ],
            }
        ],
    }
).encode()


@fuzz("bytes")
def test_damaged_bytes(http, upstream, seed):
    made = Nonsense(seed, RECORDINGS)
    answer = http.post(
        made.choice(PATHS),
        content=made.damaged(VALID),
        headers={"content-type": "application/json"},
    )
    settle(upstream, answer, "bytes")


FORM = (
    b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n'
    b"Content-Type: audio/wav\r\n\r\n" + WAV + b"\r\n--b--\r\n"
)


@fuzz("forms")
def test_damaged_forms(http, upstream, seed):
    made = Nonsense(seed, RECORDINGS)
    boundary = made.choice(["b", '"b"', "c", "b; charset=utf-7"])
    answer = http.post(
        "/v1/audio/transcriptions",
        content=made.damaged(FORM),
        headers={"content-type": f"multipart/form-data; boundary={boundary}"},
    )
    settle(upstream, answer, "forms")


@fuzz("events")
def test_events(gateway, upstream, seed):
    made = Nonsense(seed, RECORDINGS)
    sent = [made.event(SAMPLES) for _ in range(1 + seed % 6)]
    with connect(f"ws://127.0.0.1:{gateway.port}/v1/realtime") as socket:
        socket.recv(timeout=10)
        for event in sent:
            socket.send(json.dumps(event))
        socket.send(json.dumps({"type": "input_audio_buffer.commit", "event_id": "last"}))
        while json.loads(socket.recv(timeout=20))["type"] != "input_audio_buffer.committed":
            pass
    tried["events"] += 1
    everything = upstream.everything
    upstream.forget()
    assert not holds_it(everything)


def test_how_many_were_tried(outcomes, gateway, http):
    outcomes.append("gateway fuzzed with " + ", ".join(f"{n} {k}" for k, n in tried.items()))
    assert http.get("/healthz").json() == {"status": "ok"}
