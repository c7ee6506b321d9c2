"""Whatever breaks: nothing raw reaches the upstream, the client is told, the next one works."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest
from servers import (
    base64_of,
    body,
    holds_raw,
    pcm16,
    post,
    refused,
)
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

import voxguard
from voxguard.audio import encode
from voxguard.errors import VoxguardError
from voxguard.gateway.app import create_app
from voxguard.gateway.settings import Settings

RATE = 16_000


class TestBrokenMethods:
    @pytest.mark.parametrize("kind", ["raise", "nan", "copy", "shape", "memory"])
    def test_a_recording(self, make_gateway, upstream, plugin, make_voice, wav, kind):
        options = {"kind": kind, "after": 24_000}
        server = make_gateway(method="test-fault", options=options)
        answer = post(server, body(wav))
        assert answer.status_code in (400, 500, 503), answer.text
        assert "raw samples" not in answer.text
        assert not upstream.requests
        short = encode(make_voice(seconds=1.0)[None], RATE, "wav")
        assert post(server, body(short)).status_code == 200
        assert not holds_raw(upstream.everything, make_voice(seconds=1.0))

    @pytest.mark.parametrize("size", [4800, 96_000])  # the break is the last thing, or is not
    @pytest.mark.parametrize("kind", ["raise", "nan", "copy", "shape", "memory"])
    def test_a_live_connection(self, make_gateway, upstream, plugin, make_voice, kind, size):
        options = {"kind": kind, "after": 24_000}
        server = make_gateway(method="test-fault", options=options, live_workers=1)
        voice = make_voice(24_000, seconds=2.0)
        data = pcm16(voice)
        url = f"ws://127.0.0.1:{server.port}/v1/realtime"
        with connect(url) as socket_:
            told = []
            with suppress(ConnectionClosed):  # it may be over before all is sent
                for at in range(0, len(data), size):
                    audio = base64_of(data[at : at + size])
                    socket_.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
            try:
                while True:
                    told.append(json.loads(socket_.recv(timeout=30)))
            except Exception as error:
                assert "1011" in str(error)  # noqa: PT017
        assert told[-1]["type"] == "error"
        assert told[-1]["error"]["type"] in ("server_error", "invalid_request_error")
        assert "raw samples" not in json.dumps(told)
        assert len(upstream.live_bytes()) <= len(data) // 2
        assert not holds_raw(upstream.everything, voice)
        with connect(url) as socket_:
            audio = base64_of(data[:4800])
            socket_.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
            socket_.send(json.dumps({"type": "input_audio_buffer.commit"}))
            kinds = [json.loads(socket_.recv(timeout=10))["type"] for _ in range(2)]
        assert kinds == ["session.created", "input_audio_buffer.committed"]


class TestWorkers:
    def test_killed_at_work(self, make_gateway, upstream, plugin, wav):
        server = make_gateway(method="test-scramble", options={"pause_ms": 1500})
        answers = []
        thread = threading.Thread(target=lambda: answers.append(post(server, body(wav))))
        thread.start()
        time.sleep(0.7)
        os.kill(server.gateway.workers.all[0].pid, signal.SIGKILL)
        thread.join()
        assert "died" in refused(answers[0], 503, "anonymization_failed")
        assert not upstream.requests
        assert post(server, body(wav)).status_code == 200
        assert "voxguard_worker_restarts 1.0" in httpx2.get(f"{server.url}/metrics").text

    def test_killed_between_requests(self, make_gateway, upstream, wav):
        server = make_gateway()
        os.kill(server.gateway.workers.all[0].pid, signal.SIGKILL)
        time.sleep(0.2)
        assert httpx2.get(f"{server.url}/healthz").status_code == 503
        assert post(server, body(wav)).status_code == 200
        assert httpx2.get(f"{server.url}/healthz").json() == {"status": "ok"}

    def test_killed_under_a_live_connection(self, make_gateway, upstream, make_voice):
        server = make_gateway(live_workers=1)
        url = f"ws://127.0.0.1:{server.port}/v1/realtime"
        audio = base64_of(pcm16(make_voice(24_000))[:4800])
        with connect(url) as socket_:
            socket_.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
            assert json.loads(socket_.recv())["type"] == "session.created"
            os.kill(server.gateway.workers.all[1].pid, signal.SIGKILL)
            socket_.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
            assert json.loads(socket_.recv(timeout=20))["error"]["code"] == "anonymization_failed"
        with connect(url) as socket_:
            assert json.loads(socket_.recv())["type"] == "session.created"

    def test_a_job_that_takes_too_long(self, make_gateway, upstream, plugin, wav, make_voice):
        server = make_gateway(method="test-scramble", options={"pause_ms": 1500}, job_timeout_s=0.5)
        message = refused(post(server, body(wav)), 503, "anonymization_failed")
        assert "longer than 0.5 s" in message
        assert not upstream.requests

    def test_a_model_that_is_missing_from_the_start(self, upstream):
        options = {"pool": "no/such/pool.safetensors"}
        app = create_app(Settings(upstream=upstream.url, options=options, recording_workers=1,
                                  live_workers=0))  # fmt: skip

        async def start():
            await app.state.gateway.start()

        import asyncio

        with pytest.raises(VoxguardError, match="pool"):
            asyncio.run(start())

    def test_a_model_that_goes_missing(self, make_gateway, upstream, tmp_path, wav):
        weights = Path(voxguard.__file__).parent / "models" / "weights"
        [shipped] = weights.glob("pool*.safetensors")
        pool = tmp_path / "pool.safetensors"
        pool.write_bytes(shipped.read_bytes())
        server = make_gateway(method="voice_conversion", options={"pool": str(pool)})
        assert post(server, body(wav)).status_code == 200
        upstream.forget()
        pool.unlink()
        os.kill(server.gateway.workers.all[0].pid, signal.SIGKILL)
        time.sleep(0.2)
        answer = post(server, body(wav))
        assert answer.status_code == 500
        assert not upstream.requests
        pool.write_bytes(shipped.read_bytes())
        assert post(server, body(wav)).status_code == 200


class TestUpstream:
    def test_dead(self, make_gateway, wav):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
        server = make_gateway(upstream=f"http://127.0.0.1:{port}", live_workers=1)
        refused(post(server, body(wav)), 502, "upstream_unreachable")
        with (
            pytest.raises(Exception, match="502"),
            connect(f"ws://127.0.0.1:{server.port}/v1/realtime"),
        ):
            pass

    def test_slow(self, gateway, upstream, works, make_voice, wav):
        upstream.mood = "slow"
        refused(post(gateway, body(wav)), 504, "upstream_timeout")
        assert not holds_raw(upstream.everything, make_voice(seconds=2.0))
        works()

    def test_breaks_off(self, gateway, upstream, works, wav):
        upstream.mood = "half"
        with pytest.raises(httpx2.HTTPError):
            post(gateway, body(wav))
        works()

    def test_a_live_connection_that_it_ends(self, gateway, upstream, make_voice):
        upstream.mood = "dies"
        audio = base64_of(pcm16(make_voice(24_000)))
        with connect(f"ws://127.0.0.1:{gateway.port}/v1/realtime") as socket_:
            socket_.recv()
            socket_.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
            with pytest.raises(Exception, match="1011"):
                socket_.recv(timeout=10)
