"""Requests that nobody would write, against the real gateway: nothing raw ever gets through."""

from __future__ import annotations

import json

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from servers import base64_of, holds_raw, pcm16
from websockets.sync.client import connect

from voxguard.audio import encode
from voxguard.dsp.voice import synthetic_voice

VOICE = synthetic_voice(seconds=0.6, sample_rate=16_000)[2000:8400]  # the loud part
WAV = encode(VOICE[None], 16_000, "wav")
RAW = pcm16(VOICE)
ENCODED = base64_of(WAV)

TRIES = {"trees": 2000, "bytes": 2000, "forms": 2000, "events": 500}
tried = dict.fromkeys(TRIES, 0)


def fuzz(what, **strategies):
    def decorate(test):
        return settings(
            max_examples=TRIES[what],
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )(given(**strategies)(test))

    return decorate


# Bare samples as base64 in a text are not among these: nothing tells them from other base64.
audio = st.sampled_from(
    [
        ENCODED,
        f"data:audio/wav;base64,{ENCODED}",
        f"data:;base64,{ENCODED}",
        f"data:text/plain;base64,{ENCODED}",
        WAV.decode("latin-1"),
        ENCODED[:400] + "\n" + ENCODED[400:],
        ENCODED.replace("+", "-").replace("/", "_"),
        json.dumps({"data": ENCODED}),
    ]
)
words = st.sampled_from(
    ["type", "input_audio", "audio_url", "data", "url", "format", "wav", "mp3", "text", "content",
     "messages", "role", "user", "input", "file", "file_data", "audio", "tools", "metadata",
     "output", "function_call_output", "message", "image_url", "input_file", "input_text"]
)  # fmt: skip
leaves = st.one_of(words, audio, st.none(), st.booleans(), st.integers(), st.text(max_size=8))
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(words, audio), inner, max_size=5)
    ),
    max_leaves=20,
)
parts = st.fixed_dictionaries(
    {"type": st.one_of(words, st.none())},
    optional={
        "input_audio": st.one_of(
            trees, st.fixed_dictionaries({"data": st.one_of(audio, leaves), "format": leaves})
        ),
        "audio_url": st.one_of(trees, st.fixed_dictionaries({"url": st.one_of(audio, leaves)})),
        "text": st.one_of(leaves, trees),
        "file": trees,
        "audio": st.one_of(audio, trees),
    },
)
bodies = st.one_of(
    trees,
    st.fixed_dictionaries(
        {"messages": st.lists(st.fixed_dictionaries({"role": words, "content": st.one_of(
            trees, st.lists(parts, max_size=3))}), max_size=3)},
        optional={"metadata": trees, "tools": trees, "audio": trees, "prediction": trees},
    ),
    st.fixed_dictionaries({"input": st.one_of(audio, st.lists(st.one_of(
        trees, st.fixed_dictionaries({"role": words, "content": st.lists(parts, max_size=3)}),
        st.fixed_dictionaries({"type": words, "output": st.one_of(trees, st.lists(parts))}),
    ), max_size=3))}),
)  # fmt: skip
paths = st.sampled_from(
    ["/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/completions", "/v1/anything"]
)


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


@fuzz("trees", body=bodies, path=paths)
def test_trees(http, upstream, body, path):
    content = json.dumps(body).encode()
    answer = http.post(path, content=content, headers={"content-type": "application/json"})
    settle(upstream, answer, "trees")


VALID = json.dumps(
    {
        "model": "m",
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What?"},
                    {"type": "input_audio", "input_audio": {"data": ENCODED, "format": "wav"}},
                ],
            }
        ],
    }
).encode()


@st.composite
def damaged(draw, valid):
    content = bytearray(valid)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.one_of(st.integers(0, 200), st.integers(0, len(valid))))
        kind = draw(st.sampled_from(["flip", "cut", "insert", "drop", "repeat"]))
        if kind == "flip" and at < len(content):
            content[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == "cut":
            del content[at:]
        elif kind == "insert":
            content[at:at] = draw(st.binary(max_size=6))
        elif kind == "drop":
            del content[at : at + draw(st.integers(1, 40))]
        else:
            content[at:at] = content[at : at + draw(st.integers(1, 300))]
    return bytes(content)


@fuzz("bytes", content=damaged(VALID), path=paths)
def test_damaged_bytes(http, upstream, content, path):
    answer = http.post(path, content=content, headers={"content-type": "application/json"})
    settle(upstream, answer, "bytes")


FORM = (
    b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n'
    b"Content-Type: audio/wav\r\n\r\n" + WAV + b"\r\n--b--\r\n"
)


@fuzz("forms", content=damaged(FORM), kind=st.sampled_from(["b", '"b"', "c", "b; charset=utf-7"]))
def test_damaged_forms(http, upstream, content, kind):
    answer = http.post(
        "/v1/audio/transcriptions",
        content=content,
        headers={"content-type": f"multipart/form-data; boundary={kind}"},
    )
    settle(upstream, answer, "forms")


events = st.one_of(
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(
                ["input_audio_buffer.append", "conversation.item.create", "response.create",
                 "session.update", "input_audio_buffer.commit", "something.else"]
            )
        },
        optional={
            "audio": st.one_of(st.just(base64_of(RAW)), trees),
            "item": st.one_of(trees, st.fixed_dictionaries({"content": st.lists(parts)})),
            "response": st.one_of(trees, st.fixed_dictionaries({"input": st.lists(trees)})),
            "session": st.one_of(trees, st.fixed_dictionaries(
                {"input_audio_format": st.sampled_from(["pcm16", "g711_ulaw", "mp3"])})),
            "event_id": leaves,
        },
    ),
    trees,
)  # fmt: skip


@fuzz("events", sent=st.lists(events, min_size=1, max_size=6))
def test_events(gateway, upstream, sent):
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
