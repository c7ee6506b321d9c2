"""Whatever is sent: nothing raw reaches the upstream, the client is told, the next one works."""

from __future__ import annotations

import json
import os

import httpx2
import numpy as np
import pytest
from servers import (
    CHAT,
    Running,
    base64_of,
    body,
    post,
    recordings,
    refused,
)

from voxguard.audio import encode

RATE = 16_000


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
