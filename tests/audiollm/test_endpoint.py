"""A model behind an endpoint: a real server on loopback that plays it, in every mood."""

from __future__ import annotations

import asyncio
import base64
import threading
import time

import numpy as np
import pytest

pytest.importorskip("openai")
uvicorn = pytest.importorskip("uvicorn")
pytest.importorskip("starlette")

from starlette.applications import Starlette  # noqa: E402
from starlette.responses import JSONResponse, RedirectResponse, Response  # noqa: E402
from starlette.routing import Route  # noqa: E402

from voxguard.audio import read  # noqa: E402
from voxguard.audiollm import AnswerRecord, EndpointModel, Question, ask  # noqa: E402
from voxguard.errors import ConfigurationError, ModelError  # noqa: E402

RATE = 16_000


class Server:
    """Plays a model: says how long the clip is, or misbehaves."""

    def __init__(self):
        self.requests, self.mood = [], []
        app = Starlette(routes=[Route("/v1/{path:path}", self.answer, methods=["POST"])])
        self._server = uvicorn.Server(
            uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error")
        )
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 60
        while not self._server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/v1"

    def close(self):
        self._server.should_exit = True
        self._thread.join(20)

    async def answer(self, request):
        body = await request.json()
        self.requests.append((dict(request.headers), body))
        mood = self.mood.pop(0) if self.mood else "well"
        if mood == "elsewhere":
            return RedirectResponse(f"{self.url}/elsewhere", 307)
        if mood == "slow":
            await asyncio.sleep(3)
        if isinstance(mood, int):
            return JSONResponse({"error": {"message": "no"}}, mood, headers={"retry-after": "0"})
        if mood == "junk":
            return Response(b"<html>gateway</html>", media_type="text/html")
        if mood == "empty":
            return JSONResponse({"id": "x", "object": "chat.completion", "choices": []})
        return JSONResponse(_completion(_said(body), mood))


def _said(body):
    parts = body["messages"][0]["content"]
    clips = [part["input_audio"] for part in parts if part["type"] == "input_audio"]
    if not clips:
        return "nothing"
    data = clips[0]["data"].removeprefix("data:audio/wav;base64,")
    samples, rate = read(base64.b64decode(data))
    return f"{samples.shape[1] / rate:.2f} s"


def _completion(text, mood):
    message = {"role": "assistant", "content": text}
    if mood == "refuses":
        message = {"role": "assistant", "content": None, "refusal": "I cannot help with that."}
    if mood == "mute":
        message = {"role": "assistant", "content": None}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    return {
        "id": "x",
        "object": "chat.completion",
        "created": 0,
        "model": "m",
        "choices": [choice],
    }


@pytest.fixture(scope="module")
def _server():
    server = Server()
    yield server
    server.close()


@pytest.fixture
def server(_server):
    _server.requests.clear()
    _server.mood.clear()
    return _server


def make(server, **options):
    return EndpointModel(server.url, "m", **{"retries": 2, "timeout_s": 20.0, **options})


@pytest.fixture
def clip():
    return np.sin(np.arange(RATE // 2) / 9).astype(np.float32) * 0.3


def test_it_is_sent_clip_and_prompt(server, clip):
    assert make(server)(clip, RATE, "How long?") == "0.50 s"
    _, body = server.requests[0]
    assert body["model"] == "m"
    assert body["messages"][0]["content"][1] == {"type": "text", "text": "How long?"}
    assert body["temperature"] == 0.0


def test_without_audio_there_is_no_audio_part(server):
    assert make(server)(None, RATE, "How long?") == "nothing"


def test_a_data_url_where_it_is_wanted(server, clip):
    assert make(server, data_url=True)(clip, RATE, "?") == "0.50 s"
    sent = server.requests[0][1]["messages"][0]["content"][0]["input_audio"]["data"]
    assert sent.startswith("data:audio/wav;base64,")


def test_key_and_headers(server, clip):
    make(server, api_key="k", headers={"X-Voxguard-Session": "anna"})(clip, RATE, "?")
    headers = server.requests[0][0]
    assert headers["authorization"] == "Bearer k"
    assert headers["x-voxguard-session"] == "anna"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_passes_is_waited_out(server, clip, status):
    server.mood[:] = [status, status]
    assert make(server)(clip, RATE, "?") == "0.50 s"
    assert len(server.requests) == 3


@pytest.mark.parametrize("mood", ["junk", "empty", "mute", 400, 500])
def test_no_answer_is_a_model_error(server, clip, mood):
    server.mood[:] = [mood] * 9
    with pytest.raises(ModelError, match="m"):
        make(server, retries=0)(clip, RATE, "?")


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_wrong_key_or_model_is_a_configuration_error(server, clip, status):
    server.mood[:] = [status]
    with pytest.raises(ConfigurationError, match="refuses 'm'"):
        make(server)(clip, RATE, "?")


def test_a_refusal_is_an_answer(server, clip):
    server.mood[:] = ["refuses"]
    assert make(server)(clip, RATE, "?") == "I cannot help with that."


def test_a_redirection_carries_no_voice_elsewhere(server, clip):
    server.mood[:] = ["elsewhere"]
    with pytest.raises(ModelError, match="307"):
        make(server, retries=0)(clip, RATE, "?")
    assert len(server.requests) == 1


def test_an_endpoint_that_hangs_is_given_up(server, clip):
    server.mood[:] = ["slow"]
    with pytest.raises(ModelError, match="APITimeoutError"):
        make(server, retries=0, timeout_s=0.3)(clip, RATE, "?")


def test_nobody_there(clip):
    with pytest.raises(ModelError, match="APIConnectionError"):
        EndpointModel("http://127.0.0.1:9/v1", "m", retries=0)(clip, RATE, "?")


def test_the_rate_is_kept_over_all_threads(server, clip):
    model = make(server, requests_per_minute=1_200)
    began = time.monotonic()
    ask(model, [Question(f"q{i}", "?") for i in range(7)], concurrency=4)
    assert time.monotonic() - began >= 6 * 60 / 1_200


def test_it_dies_in_the_middle_and_comes_back(server, tmp_path):
    questions = [Question(f"q{i}", f"{i}?") for i in range(12)]
    server.mood[:] = ["well"] * 4 + ["junk"] * 9
    with AnswerRecord(tmp_path / "a.jsonl", "m") as record, pytest.raises(ModelError, match="row"):
        ask(make(server, retries=0), questions, record, attempts=1)
    server.mood.clear()
    with AnswerRecord(tmp_path / "a.jsonl", "m") as record:
        answers = ask(make(server), questions, record)
    assert {answer.text for answer in answers.values()} == {"nothing"}
    asked = [body["messages"][0]["content"][0]["text"] for _, body in server.requests]
    assert all(asked.count(f"{i}?") == 1 for i in range(4))


@pytest.mark.parametrize(
    "options",
    [
        {"requests_per_minute": 0},
        {"temperature": 3},
        {"timeout_s": 0},
        {"retries": -1},
        {"max_tokens": 0},
    ],
)
def test_options_are_checked(options):
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        EndpointModel("http://127.0.0.1:9/v1", "m", **options)


def test_openai_itself_wants_a_key(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ConfigurationError, match="api_key="):
        EndpointModel(None, "m")
