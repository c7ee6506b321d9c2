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
import numpy as np
import pytest
from servers import Running, base64_of, holds_raw, pcm16, recordings
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

import voxguard
from voxguard.audio import encode
from voxguard.errors import VoxguardError
from voxguard.gateway.app import create_app
from voxguard.gateway.settings import Settings

RATE = 16_000
CHAT = "/v1/chat/completions"
HEAD = f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n".encode()


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


@pytest.fixture
def works(gateway, upstream, wav):
    """Checks that the next request works."""

    def check(server=gateway):
        upstream.forget()
        answer = post(server, body(wav))
        assert answer.status_code == 200, answer.text
        assert len(recordings(upstream.requests[0][3])) == 1

    return check


def nan_wav(voice):
    samples = voice.astype("<f4")
    content = bytearray(encode(voice[None], RATE, "wav", subtype="FLOAT"))
    at = len(content) - 4 * 1000
    content[at : at + 4] = np.array([np.nan], "<f4").tobytes()
    assert len(content) > samples.nbytes
    return bytes(content)


class TestBadAudio:
    @pytest.mark.parametrize("case", ["cut short", "nan", "claims 10 GB", "bomb", "empty", "noise"])
    def test_in_a_chat(self, gateway, upstream, works, make_voice, wav, case):
        voice = make_voice(seconds=2.0)
        claim = bytearray(wav)
        claim[40:44] = (0xF000_0000).to_bytes(4, "little")
        content = {
            "cut short": wav[: len(wav) // 2],
            "nan": nan_wav(voice),
            "claims 10 GB": bytes(claim),
            "bomb": b"",
            "empty": wav[:44],
            "noise": b"RIFF\x10\0\0\0WAVE" + os.urandom(500),
        }[case]
        if case == "bomb":  # half an hour of silence in 273 kB
            content = encode(np.zeros((1, 48_000 * 1800), np.float32), 48_000, "flac")
            answer = post(
                gateway,
                {"messages": [{"role": "user", "content": [
                    {"type": "audio_url",
                     "audio_url": {"url": f"data:audio/flac;base64,{base64_of(content)}"}}
                ]}]},
            )  # fmt: skip
        else:
            answer = post(gateway, body(content))
        message = refused(answer, 400, "invalid_audio")
        assert message.startswith("messages[0].content[0]")
        assert not upstream.requests
        works()

    @pytest.mark.parametrize(
        ("data", "form"),
        [
            ("%%%", "wav"),
            ("UklGR", "wav"),
            ("", "wav"),
            (None, "wav"),
            ({"x": 1}, "wav"),
            (7, "wav"),
        ],
    )
    def test_malformed_base64(self, gateway, upstream, works, data, form):
        part = {"type": "input_audio", "input_audio": {"data": data, "format": form}}
        answer = post(gateway, {"messages": [{"role": "user", "content": [part]}]})
        refused(answer, 400, "invalid_audio")
        assert not upstream.requests
        works()

    @pytest.mark.parametrize("label", ["mp3", "flac", "wavy", "", None, 3])
    def test_a_wrong_label(self, gateway, upstream, works, wav, label):
        refused(post(gateway, body(wav, label)), 400, "invalid_audio")
        assert not upstream.requests
        works()

    def test_a_transcription(self, gateway, upstream, works, wav):
        for content in (wav[:3000], b"", os.urandom(5000)):
            answer = httpx2.post(
                f"{gateway.url}/v1/audio/transcriptions",
                files={"file": ("a.wav", content)},
                data={"model": "m"},
            )
            refused(answer, 400, "invalid_audio")
        assert not upstream.requests
        works()


class TestBadForms:
    @pytest.mark.parametrize(
        "files",
        [
            {},
            {"other": ("a.wav", b"x" * 100)},
            {"file": ("a.wav", b"RIFF"), "file2": ("b.wav", b"RIFF")},
        ],
    )
    def test_not_one_file(self, gateway, upstream, files):
        answer = httpx2.post(
            f"{gateway.url}/v1/audio/transcriptions", files=files, data={"model": "m"}
        )
        assert answer.status_code in (400, 415)
        assert not upstream.requests

    def test_no_form_at_all(self, gateway, upstream, wav):
        for headers in (
            {"content-type": "multipart/form-data"},
            {"content-type": "multipart/form-data; boundary=x"},
            {"content-type": "audio/wav"},
            {},
        ):
            answer = httpx2.post(
                f"{gateway.url}/v1/audio/transcriptions", content=wav, headers=headers
            )
            assert answer.status_code in (400, 415)
        assert not upstream.requests

    def test_a_form_elsewhere(self, gateway, upstream, wav):
        for path in ("/v1/files", "/v1/audio/transcriptions/", "/v1/x"):
            answer = httpx2.post(f"{gateway.url}{path}", files={"file": ("a.wav", wav)})
            refused(answer, 400, "invalid_audio")
            answer = httpx2.post(f"{gateway.url}{path}", files={"file": ("a.pdf", b"x" + wav)})
            refused(answer, 400, "invalid_audio")
        for part in (b"%PDF-1.7 or samples", wav):
            answer = httpx2.post(f"{gateway.url}/v1/uploads/u/parts", files={"data": ("a", part)})
            refused(answer, 400, "not_understood")
        assert not upstream.requests
        document = {"file": ("a.pdf", b"%PDF-1.7 of text alone")}
        assert httpx2.post(f"{gateway.url}/v1/files", files=document).status_code == 200
        assert b"%PDF-1.7 of text alone" in upstream.requests[0][3]


class TestWaysAround:
    @pytest.mark.parametrize(
        "path",
        ["/v1/chat/completions/", "/V1/CHAT/COMPLETIONS", "/v1/embeddings",
         "/v1beta/models/g:generateContent", "/v1/x/../chat/completions%2f"],
    )  # fmt: skip
    def test_audio_on_paths_that_are_not_known(self, gateway, upstream, wav, path):
        refused(post(gateway, body(wav), path), 400, "invalid_audio")
        gemini = {"inline_data": {"mime_type": "audio/L16", "data": base64_of(wav[44:])}}
        refused(post(gateway, {"contents": [{"parts": [gemini]}]}, path), 400, "invalid_audio")
        assert not upstream.requests

    @pytest.mark.parametrize("path", ["/v1/chat%2Fcompletions", "/v1//chat/completions"])
    def test_a_known_path_in_disguise_is_the_known_path(self, gateway, upstream, wav, path):
        assert post(gateway, body(wav), path).status_code == 200
        assert len(recordings(upstream.requests[0][3])) == 1

    @pytest.mark.parametrize("method", ["GET", "DELETE", "HEAD", "OPTIONS"])
    def test_a_body_where_there_is_none(self, gateway, upstream, wav, method):
        answer = httpx2.request(method, f"{gateway.url}{CHAT}", content=json.dumps(body(wav)),
                                headers={"content-type": "application/json"})  # fmt: skip
        assert answer.status_code == 400
        assert not upstream.requests

    @pytest.mark.parametrize("kind", ["text/plain", "audio/wav", "application/octet-stream", "x"])
    def test_types_that_are_not_known(self, gateway, upstream, wav, kind):
        content = json.dumps(body(wav)).encode()
        answer = httpx2.post(
            f"{gateway.url}{CHAT}", content=content, headers={"content-type": kind}
        )
        refused(answer, 415, "not_understood")
        assert not upstream.requests

    def test_a_compressed_body(self, gateway, upstream, wav):
        import gzip

        answer = httpx2.post(
            f"{gateway.url}{CHAT}",
            content=gzip.compress(json.dumps(body(wav)).encode()),
            headers={"content-type": "application/json", "content-encoding": "gzip"},
        )
        refused(answer, 415, "compressed")
        assert not upstream.requests

    def test_a_key_twice(self, gateway, upstream, wav):
        twice = '{"messages": [], "messages": ' + json.dumps(body(wav)["messages"]) + "}"
        answer = httpx2.post(
            f"{gateway.url}{CHAT}", content=twice, headers={"content-type": "application/json"}
        )
        refused(answer, 400, "invalid_json")
        assert not upstream.requests

    @pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"x": NaN}', "\xff", '{"x": 1e999}'])
    def test_no_json(self, gateway, upstream, text):
        answer = httpx2.post(
            f"{gateway.url}{CHAT}",
            content=text.encode("latin-1"),
            headers={"content-type": "application/json"},
        )
        assert not upstream.requests or not text
        assert answer.status_code == (200 if not text else 400)

    def test_in_the_head(self, gateway, upstream, wav):
        audio = base64_of(wav[:3000])
        for answer in (
            httpx2.get(f"{gateway.url}/v1/models", params={"voice": audio}),
            httpx2.get(f"{gateway.url}/v1/models?a={audio.replace('+', '-')}&a=b"),
            httpx2.get(f"{gateway.url}/v1/models/{audio.replace('/', '_')}"),
            httpx2.get(f"{gateway.url}/v1/models", headers={"x-note": audio}),
        ):
            refused(answer, 400, "invalid_audio")
        assert not upstream.requests

    def test_a_redirection_is_not_given_to_the_client(self, gateway, upstream, works, wav):
        """A client would send the raw recording there."""
        upstream.mood = "redirect"
        answer = post(gateway, body(wav), follow_redirects=True)
        refused(answer, 502, "upstream_redirects")
        assert "location" not in answer.headers
        works()

    @pytest.mark.parametrize("path", ["/v1/realtime/calls", "/v1/realtime/client_secrets"])
    def test_live_connections_past_the_gateway(self, gateway, upstream, path):
        refused(post(gateway, {"session": {"type": "realtime"}}, path), 400, "not_understood")
        refused(httpx2.post(f"{gateway.url}{path}"), 400, "not_understood")
        answer = httpx2.post(f"{gateway.url}{path}", content="v=0\r\no=- 1 1 IN IP4 0",
                             headers={"content-type": "application/sdp"})  # fmt: skip
        assert answer.status_code == 400
        assert not upstream.requests


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


@pytest.fixture(scope="module")
def host(wav):
    """Serves a recording, and asks for it elsewhere."""
    from starlette.applications import Starlette
    from starlette.responses import RedirectResponse, Response
    from starlette.routing import Route

    async def give(request):
        if request.url.path == "/away":
            return RedirectResponse("/a.wav")
        return Response(wav if request.url.path == "/a.wav" else b" " * 50_000_000)

    with Running(Starlette(routes=[Route("/{path:path}", give)])) as running:
        yield running


class TestAddresses:
    @staticmethod
    def message(url):
        part = {"type": "audio_url", "audio_url": {"url": url}}
        return {"messages": [{"role": "user", "content": [part]}]}

    def test_not_allowed(self, gateway, upstream, host):
        answer = post(gateway, self.message(f"{host.url}/a.wav"))
        assert "--allow-audio-host" in refused(answer, 400, "audio_url_refused")
        assert not upstream.requests

    def test_allowed(self, make_gateway, upstream, host):
        server = make_gateway(audio_hosts=("127.0.0.1",), max_body_mb=4.0)
        answer = post(server, self.message(f"{host.url}/a.wav"))
        assert answer.status_code == 200, answer.text
        sent = json.loads(upstream.requests[0][3])["messages"][0]["content"][0]["audio_url"]["url"]
        assert sent.startswith("data:audio/wav;base64,")
        assert len(recordings(upstream.requests[0][3])) == 1
        upstream.forget()
        refused(post(server, self.message(f"{host.url}/away")), 400, "audio_url_refused")
        refused(post(server, self.message(f"{host.url}/large")), 413, "too_large")
        refused(post(server, self.message("http://127.0.0.1:1/a.wav")), 400, "audio_url_refused")
        for url in (
            "file:///etc/passwd",
            "ftp://127.0.0.1/a.wav",
            "http:///a.wav",
            "//127.0.0.1/x",
        ):
            assert post(server, self.message(url)).status_code == 400
        assert not upstream.requests

    def test_a_name_whose_address_is_private(self, make_gateway, upstream, host):
        server = make_gateway(audio_hosts=("localhost",))
        answer = post(server, self.message(f"http://localhost:{host.port}/a.wav"))
        assert "not public" in refused(answer, 400, "audio_url_refused")
        assert not upstream.requests
