"""Too much at once, and clients that stop half-way: others are served as before."""

from __future__ import annotations

import json
import socket
import threading
import time

import httpx2
import pytest
from servers import (
    CHAT,
    HEAD,
    base64_of,
    body,
    pcm16,
    post,
    refused,
)
from websockets.sync.client import connect

from voxguard.audio import encode

RATE = 16_000


class TestLimits:
    def test_a_claim_of_ten_gigabytes(self, gateway, upstream, works):
        with socket.create_connection(("127.0.0.1", gateway.port)) as raw:
            raw.sendall(HEAD + b"Content-Length: 10000000000\r\n\r\n{")
            assert b" 413 " in raw.recv(4096)
        assert not upstream.requests
        works()

    def test_a_body_without_end(self, gateway, upstream, works):
        def chunks():
            for _ in range(100):
                yield b" " * 100_000

        answer = httpx2.post(
            f"{gateway.url}{CHAT}", content=chunks(), headers={"content-type": "application/json"}
        )
        refused(answer, 413, "too_large")
        assert not upstream.requests
        works()

    def test_a_recording_that_is_too_long(self, gateway, upstream, works, make_voice):
        content = encode(make_voice(seconds=21.0)[None], RATE, "wav")
        message = refused(post(gateway, body(content)), 400, "invalid_audio")
        assert "longer than the 20 s" in message
        assert not upstream.requests
        works()

    def test_too_much_at_once(self, make_gateway, upstream, plugin, wav):
        server = make_gateway(method="test-scramble", options={"pause_ms": 500}, max_waiting=2)
        answers = []
        threads = [
            threading.Thread(target=lambda: answers.append(post(server, body(wav))))
            for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        done = [answer for answer in answers if answer.status_code == 200]
        later = [answer for answer in answers if answer.status_code == 429]
        assert len(done) == 2
        assert len(later) == 4
        assert refused(later[0], 429, "too_many_requests")
        assert later[0].headers["retry-after"] == "1"
        assert post(server, body(wav)).status_code == 200

    def test_too_many_streams(self, gateway, upstream):
        url = f"ws://127.0.0.1:{gateway.port}/v1/realtime"
        with connect(url), connect(url), connect(url), pytest.raises(Exception, match="429"):
            connect(url).__enter__()
        time.sleep(0.3)
        with connect(url):
            pass

    def test_as_many_streams_as_the_machine_carries(self, make_gateway):
        server = make_gateway(live_workers=1)
        workers = server.gateway.workers
        assert workers.all[1].rtf > 0
        assert 10 < workers.live_streams < 1000
        workers.all[1].rtf = 0.2  # a slow method
        url = f"ws://127.0.0.1:{server.port}/v1/realtime"
        with connect(url), connect(url), pytest.raises(Exception, match="429"):
            connect(url).__enter__()


class TestClients:
    def test_gone_in_the_middle_of_the_body(self, gateway, upstream, works, wav):
        content = json.dumps(body(wav)).encode()
        with socket.create_connection(("127.0.0.1", gateway.port)) as raw:
            raw.sendall(
                HEAD
                + f"Content-Length: {len(content)}\r\n\r\n".encode()
                + content[: len(content) // 2]
            )
        time.sleep(0.3)
        assert not upstream.requests
        works()

    def test_gone_while_it_is_anonymized(self, make_gateway, upstream, plugin, wav):
        server = make_gateway(method="test-scramble", options={"pause_ms": 700})
        content = json.dumps(body(wav)).encode()
        with socket.create_connection(("127.0.0.1", server.port)) as raw:
            raw.sendall(HEAD + f"Content-Length: {len(content)}\r\n\r\n".encode() + content)
            time.sleep(0.2)
        time.sleep(1.2)
        assert not upstream.requests
        assert post(server, body(wav)).status_code == 200

    def test_a_live_connection_torn_down_in_mid_frame(self, gateway, upstream, make_voice):
        voice = make_voice(24_000, seconds=1.0)
        with connect(f"ws://127.0.0.1:{gateway.port}/v1/realtime") as socket_:
            socket_.recv()
            audio = base64_of(pcm16(voice))
            event = json.dumps({"type": "input_audio_buffer.append", "audio": audio})
            masked = bytes([0x81, 0xFF]) + len(event).to_bytes(8, "big") + bytes(4)
            socket_.socket.sendall(masked + event.encode()[:20_000])
            socket_.socket.shutdown(socket.SHUT_RDWR)
        time.sleep(0.5)
        assert not upstream.events
        with connect(f"ws://127.0.0.1:{gateway.port}/v1/realtime") as socket_:
            assert json.loads(socket_.recv())["type"] == "session.created"

    def test_binary_frames(self, gateway, upstream, make_voice):
        with connect(f"ws://127.0.0.1:{gateway.port}/v1/realtime") as socket_:
            socket_.recv()
            socket_.send(pcm16(make_voice(24_000)))
            assert "binary" in json.loads(socket_.recv(timeout=10))["error"]["message"]
            with pytest.raises(Exception, match="1003"):
                socket_.recv(timeout=10)
        assert not upstream.events

    @pytest.mark.parametrize("path", ["/v1/other", "/", "/v1/realtime/x"])
    def test_live_connections_elsewhere(self, gateway, path):
        with pytest.raises(Exception, match="404"), connect(f"ws://127.0.0.1:{gateway.port}{path}"):
            pass
