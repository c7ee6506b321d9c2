"""Real servers on loopback for the gateway's tests: an upstream that records, and a gateway."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import threading
import time

import httpx2
import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocketDisconnect

from voxguard.audio import read

METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]


CHAT = "/v1/chat/completions"
HEAD = f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n".encode()


class Running:
    """A server in a thread, for as long as the `with` lasts."""

    def __init__(self, app, port=0, **config):
        self.server = uvicorn.Server(
            uvicorn.Config(
                app,
                host="127.0.0.1",
                port=port,
                log_level="error",
                ws="websockets-sansio",
                ws_max_size=20_000_000,
                timeout_graceful_shutdown=5,
                **config,
            )
        )
        self.thread = threading.Thread(target=self.server.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        deadline = time.monotonic() + 90
        while not self.server.started:
            assert self.thread.is_alive(), "the server did not start"
            assert time.monotonic() < deadline
            time.sleep(0.02)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    def __exit__(self, *_):
        self.server.should_exit = True
        self.thread.join(20)


class Upstream:
    """Plays the audio LLM, and keeps every byte that reaches it."""

    def __init__(self):
        self.forget()
        self.app = Starlette(
            routes=[
                Route("/{path:path}", self.answer, methods=METHODS),
                WebSocketRoute("/{path:path}", self.converse),
            ]
        )

    def forget(self):
        """Start anew."""
        self.requests, self.events, self.mood = [], [], "well"
        self.first_event = {"type": "session.created", "session": {"type": "realtime"}}

    @property
    def everything(self):
        """All that came, as bytes."""
        return b"\n".join([*(body for *_, body in self.requests), *map(_bytes, self.events)])

    async def answer(self, request: Request) -> Response:
        body = await request.body()
        path = request.scope["raw_path"].decode()
        self.requests.append((request.method, path, dict(request.headers), body))
        if self.mood == "redirect":
            return RedirectResponse("http://127.0.0.1:9/elsewhere", 307)
        if self.mood == "slow":
            await asyncio.sleep(30)
        if self.mood == "angry":
            return JSONResponse({"error": {"message": "bad key", "code": "invalid_api_key"}}, 401)
        if self.mood == "stream":
            return StreamingResponse(self.stream(), media_type="text/event-stream")
        if self.mood == "half":
            return StreamingResponse(self.half(), media_type="text/event-stream")
        path = request.url.path
        if path.endswith("/chat/completions"):
            return JSONResponse(_chat("I hear you."))
        if path.endswith("/responses"):
            return JSONResponse(_response("I hear you."))
        if path.endswith(("/transcriptions", "/translations")):
            return JSONResponse({"text": "I hear you."})
        headers = {"alt-svc": 'h3="elsewhere:443"', "x-upstream": "yes"}
        return JSONResponse({"object": "list", "data": []}, headers=headers)

    async def stream(self):
        for word in ("I ", "hear ", "you."):
            delta = {"choices": [{"index": 0, "delta": {"content": word}}]}
            chunk = {**_chat(""), "object": "chat.completion.chunk", **delta}
            yield f"data: {json.dumps(chunk)}\n\n"
            await asyncio.sleep(0.3)
        yield "data: [DONE]\n\n"

    async def half(self):
        yield "data: {}\n\n"
        await asyncio.sleep(0.1)
        raise ConnectionResetError

    async def converse(self, socket):
        if self.mood == "angry":
            await socket.send_denial_response(JSONResponse({"error": "bad key"}, 401))
            return
        await socket.accept()
        await socket.send_json(self.first_event)
        try:
            while True:
                event = json.loads(await socket.receive_text())
                self.events.append(event)
                kind = event.get("type")
                if kind == "session.update":
                    session = event.get("session")
                    await socket.send_json({"type": "session.updated", "session": session})
                if kind == "input_audio_buffer.commit":
                    await socket.send_json({"type": "input_audio_buffer.committed", "item_id": "i"})
                if kind == "response.create":
                    await socket.send_json({"type": "response.done", "response": {"id": "r"}})
                if self.mood == "dies":
                    await socket.close(1011)
                    return
        except WebSocketDisconnect:
            return

    def live_bytes(self):
        """What was appended, joined."""
        return b"".join(
            base64.b64decode(event["audio"])
            for event in self.events
            if event["type"].endswith("input_audio_buffer.append")
        )


def _bytes(event):
    return json.dumps(event).encode()


def _chat(text):
    message = {"role": "assistant", "content": text}
    return {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    }


def _response(text):
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {
        "id": "r",
        "object": "response",
        "created_at": 1,
        "model": "m",
        "output": [
            {"id": "o", "type": "message", "role": "assistant", "status": "completed",
             "content": content}
        ],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }  # fmt: skip


def base64_of(content):
    return base64.b64encode(content).decode()


def pcm16(samples):
    return np.rint(np.asarray(samples) * 32767).astype("<i2").tobytes()


def recordings(body):
    """Every recording in a body, decoded: in base64, or as a file of a form."""
    found = []
    for text in re.findall(rb"[A-Za-z0-9+/]{200,}={0,2}", body):
        content = base64.b64decode(text)
        if content.startswith((b"RIFF", b"ID3", b"fLaC", b"OggS")) or content[:1] == b"\xff":
            found.append(read(content)[0][0])
    for start in (b"RIFF", b"fLaC", b"OggS"):
        at = body.find(start)
        if at >= 0 and b"filename=" in body:
            found.append(read(body[at : body.rfind(b"\r\n--")])[0][0])
    return found


def likeness(original, other):
    """The largest normalised cross-correlation, over delays of up to 100 ms at 16 kHz."""
    size = min(len(original), len(other))
    a, b = original[:size] - original[:size].mean(), other[:size] - other[:size].mean()
    length = 1 << (2 * size).bit_length()
    cross = np.fft.irfft(np.fft.rfft(a, length) * np.conj(np.fft.rfft(b, length)), length)
    near = np.concatenate([cross[:1600], cross[-1600:]])
    return float(np.abs(near).max() / np.sqrt((a @ a) * (b @ b) + 1e-12))


def holds_raw(everything, original):
    """Whether bytes hold 32 samples of a recording in a row, bare or as base64 at any offset."""
    raw = pcm16(original)
    pieces = [raw[at : at + 64] for at in range(0, len(raw) - 64, 64)]
    pieces = [piece for piece in pieces if len(set(piece)) > 24]  # no silence
    assert len(pieces) > 100
    if any(piece in everything for piece in pieces):
        return True
    decoded = b"\n".join(
        base64.b64decode(text[: len(text) // 4 * 4])
        for text in re.findall(rb"[A-Za-z0-9+/]{64,}", everything)
    )
    return any(piece in decoded for piece in pieces)


def body(content, form="wav"):
    part = {"type": "input_audio", "input_audio": {"data": base64_of(content), "format": form}}
    return {"model": "m", "messages": [{"role": "user", "content": [part]}]}


def post(server, json_body, path=CHAT, **options):
    return httpx2.post(f"{server.url}{path}", json=json_body, timeout=30, **options)


def refused(answer, status, code):
    """The answer is an error in the API's shape; gives its message."""
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code), error
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == ("server_error" if status >= 500 else error["type"])
    return error["message"]
