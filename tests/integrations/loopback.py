"""A server on loopback that keeps the bytes that reach it, and answers as an OpenAI API would."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CHAT = {
    "id": "c", "object": "chat.completion", "created": 1, "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop",
                 "message": {"role": "assistant", "content": "Heard."}}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}  # fmt: skip
RESPONSE = {
    "id": "r", "object": "response", "created_at": 1, "model": "m", "status": "completed",
    "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
    "output": [{"type": "message", "id": "m", "role": "assistant", "status": "completed",
                "content": [{"type": "output_text", "text": "Heard.", "annotations": []}]}],
}  # fmt: skip


class Upstream:
    """``with Upstream() as upstream``; then ``upstream.url`` and ``upstream.requests``."""

    def __init__(self):
        self.requests = []  # (method, path, headers, body)
        self.failures = 0  # how many of the next requests to answer with 500

        upstream = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                length = int(self.headers.get("content-length") or 0)
                body = self.rfile.read(length)
                if self.headers.get("transfer-encoding") == "chunked":
                    body = b""
                    while size := int(self.rfile.readline(), 16):
                        body += self.rfile.read(size)
                        self.rfile.readline()
                    self.rfile.readline()
                upstream.requests.append(
                    (self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                )
                status = 200
                if upstream.failures:
                    upstream.failures -= 1
                    status, answer = 500, b"{}"
                elif b'"stream":true' in body.replace(b" ", b""):
                    return self._stream(body)
                else:
                    answer = json.dumps(upstream.answer(self.path)).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)
                return None

            do_GET = do_DELETE = do_POST  # noqa: N815

            def _stream(self, body):
                if self.path.endswith("/responses"):
                    started = {**RESPONSE, "status": "in_progress", "output": []}
                    events = [
                        {"type": "response.created", "sequence_number": 0, "response": started},
                        {"type": "response.completed", "sequence_number": 1, "response": RESPONSE},
                    ]
                else:
                    choice = {"index": 0, "finish_reason": None, "delta": {"content": "Heard."}}
                    events = [{**CHAT, "object": "chat.completion.chunk", "choices": [choice]}]
                text = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
                answer = (text + "data: [DONE]\n\n").encode()
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def answer(self, path):
        if path.endswith(("/transcriptions", "/translations")):
            return {"text": "Heard."}
        if path.endswith("/responses"):
            return RESPONSE
        if path.endswith("/chat/completions"):
            return CHAT
        return {"id": "x", "object": "x", "data": [], "created_at": 1}

    @property
    def bodies(self):
        return [body for _, _, _, body in self.requests]

    def __enter__(self):
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
