"""The real SDK against a server on loopback: what reaches the server holds no raw voice."""

import asyncio
import base64
import json

import pytest
from loopback import Upstream
from recordings import Raw, b64

import voxguard
from voxguard.errors import ConfigurationError, PayloadError, VoxguardError
from voxguard.payloads.form import parse_form

openai = pytest.importorskip("openai", reason="the OpenAI SDK is not installed")

from voxguard.integrations.openai import protect  # noqa: E402


@pytest.fixture
def upstream():
    with Upstream() as upstream:
        yield upstream


@pytest.fixture
def plain(upstream):
    with openai.OpenAI(api_key="k", base_url=upstream.url, max_retries=0) as client:
        yield client


@pytest.fixture
def client(plain):
    return protect(plain, voxguard.McAdams())


def chat(raw, **rest):
    part = {"type": "input_audio", "input_audio": {"data": raw.b64, "format": "wav"}}
    text = {"type": "text", "text": "What is said?"}
    return {"model": "m", "messages": [{"role": "user", "content": [text, part]}], **rest}


def responses(raw, **rest):
    part = {"type": "input_audio", "input_audio": {"data": raw.b64, "format": "wav"}}
    return {"model": "m", "input": [{"role": "user", "content": [part]}], **rest}


def clip_of(body):
    """The audio in a JSON body."""
    body = json.loads(body)
    message = (body.get("messages") or body.get("input"))[0]
    return base64.b64decode(message["content"][-1]["input_audio"]["data"])


def arrived(upstream, raw):
    """What reached the server is one request, with this voice in another's."""
    (body,) = upstream.bodies
    assert not raw.is_in(body)
    assert not raw.is_heard_in(clip_of(body))
    return body


def test_the_plain_client_sends_it_raw(plain, upstream, raw):
    plain.chat.completions.create(**chat(raw))
    assert raw.is_in(upstream.bodies[0])
    assert raw.is_heard_in(clip_of(upstream.bodies[0]))


class TestJson:
    def test_chat(self, client, upstream, raw):
        answer = client.chat.completions.create(**chat(raw), temperature=0.5)
        assert answer.choices[0].message.content == "Heard."
        body = arrived(upstream, raw)
        assert json.loads(body)["temperature"] == 0.5
        assert upstream.requests[0][2]["authorization"] == "Bearer k"

    def test_chat_streamed(self, client, upstream, raw):
        chunks = list(client.chat.completions.create(**chat(raw), stream=True))
        assert chunks[0].choices[0].delta.content == "Heard."
        arrived(upstream, raw)

    def test_chat_stream_helper(self, client, upstream, raw):
        with client.chat.completions.stream(**chat(raw)) as stream:
            list(stream)
        arrived(upstream, raw)

    def test_chat_parse(self, client, upstream, raw):
        client.chat.completions.parse(**chat(raw))
        arrived(upstream, raw)

    def test_chat_raw_and_streaming_response(self, client, upstream, raw):
        assert client.chat.completions.with_raw_response.create(**chat(raw)).status_code == 200
        with client.chat.completions.with_streaming_response.create(**chat(raw)) as answer:
            answer.read()
        assert len(upstream.bodies) == 2
        assert not any(raw.is_in(body) for body in upstream.bodies)

    def test_responses(self, client, upstream, raw):
        assert client.responses.create(**responses(raw)).output_text == "Heard."
        arrived(upstream, raw)

    def test_responses_stream_and_parse(self, client, upstream, raw):
        with client.responses.stream(**responses(raw)) as stream:
            list(stream)
        client.responses.parse(**responses(raw))
        client.responses.with_raw_response.create(**responses(raw))
        list(client.responses.create(**responses(raw), stream=True))
        assert len(upstream.bodies) == 4
        assert not any(
            raw.is_in(body) or raw.is_heard_in(clip_of(body)) for body in upstream.bodies
        )

    def test_untyped_post(self, client, upstream, raw):
        client.post("/chat/completions", body=chat(raw), cast_to=object)
        arrived(upstream, raw)

    def test_what_has_no_audio_passes(self, client, upstream):
        client.models.list()
        client.embeddings.create(model="m", input="words", encoding_format="float")
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hi"}])
        client.files.delete("file-1")
        assert len(upstream.requests) == 4

    def test_one_voice_for_one_speaker(self, plain, upstream, raw):
        client = protect(plain, voxguard.McAdams(), speaker="anna")
        client.chat.completions.create(**chat(raw))
        client.chat.completions.create(**chat(raw))
        assert clip_of(upstream.bodies[0]) == clip_of(upstream.bodies[1])

    def test_a_retry_is_anonymized_too(self, upstream, raw):
        with openai.OpenAI(api_key="k", base_url=upstream.url, max_retries=1) as plain:
            upstream.failures = 1
            protect(plain, voxguard.McAdams()).chat.completions.create(**chat(raw))
        assert len(upstream.bodies) == 2
        assert not any(raw.is_in(body) for body in upstream.bodies)


class TestForms:
    @pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")
    @pytest.mark.parametrize("route", ["transcriptions", "translations"])
    @pytest.mark.parametrize("suffix", ["wav", "mp3", "flac"])
    def test_recordings(self, client, upstream, route, suffix):
        raw = Raw(suffix=suffix)
        create = getattr(client.audio, route).create
        answer = create(
            model="whisper-1", file=(f"Anna Nym.{suffix}", raw.content), prompt="Names: Ä."
        )
        assert answer.text == "Heard."
        _, _, headers, body = upstream.requests[0]
        fields = {field.name: field for field in parse_form(headers["content-type"], body)}
        assert fields["model"].content == b"whisper-1"
        assert fields["prompt"].content.decode() == "Names: Ä."
        assert fields["file"].filename == f"audio.{suffix}"
        assert not raw.is_in(body)
        assert b"Anna" not in body
        assert not raw.is_heard_in(fields["file"].content)

    def test_from_a_path(self, client, upstream, raw, tmp_path):
        path = tmp_path / "a.wav"
        path.write_bytes(raw.content)
        with path.open("rb") as file:
            client.audio.transcriptions.create(model="m", file=file)
        client.audio.transcriptions.create(model="m", file=path)
        client.audio.transcriptions.with_raw_response.create(model="m", file=path)
        with client.audio.transcriptions.with_streaming_response.create(model="m", file=path) as a:
            a.read()
        assert len(upstream.bodies) == 4
        assert not any(raw.is_in(body) for body in upstream.bodies)

    def test_known_speakers(self, client, upstream, raw):
        with pytest.raises(PayloadError, match="holds or names a voice"):
            client.audio.transcriptions.create(
                model="m",
                file=("a.wav", raw.content),
                known_speaker_names=["anna"],
                known_speaker_references=["data:audio/wav;base64," + raw.b64],
            )
        assert upstream.requests == []

    @pytest.mark.parametrize(
        "content",
        [b"a,b\n1,2\n", '{"a": "ü"}\n'.encode(), b"%PDF-1.7 page", b"\x89PNG\r\n\x1a\n\0"],
    )
    def test_documents_pass(self, client, upstream, content):
        client.files.create(file=("a.bin", content), purpose="user_data")
        assert content in upstream.bodies[0]


class TestRefused:
    """Nothing at all reaches the server."""

    @pytest.fixture(autouse=True)
    def _nothing_left(self, upstream):
        yield
        assert upstream.requests == []

    @pytest.mark.parametrize("suffix", ["wav", "mp3", "flac", "ogg"])
    def test_audio_as_a_file(self, client, suffix):
        with pytest.raises(PayloadError, match="only PDF, text and pictures"):
            client.files.create(file=("a.txt", Raw(suffix=suffix).content), purpose="user_data")

    def test_audio_in_a_batch(self, client, raw):
        line = json.dumps({"url": "/v1/chat/completions", "body": chat(raw)})
        with pytest.raises(PayloadError, match="only PDF, text"):
            client.files.create(file=("batch.jsonl", f"{line}\n".encode() * 2), purpose="batch")

    def test_headerless_samples_as_a_file(self, client, raw):
        with pytest.raises(PayloadError, match="only PDF, text"):
            client.files.create(file=("a.txt", raw.content[44:]), purpose="user_data")

    def test_an_upload_in_parts(self, client, raw):
        with pytest.raises(PayloadError, match="cannot be told from a voice"):
            client.uploads.parts.create("u", data=raw.content[9000:])

    def test_a_voice_to_be_cloned(self, client, raw):
        with pytest.raises(PayloadError, match="only PDF, text"):
            client.post(
                "/audio/voices",
                body={"name": "anna"},
                files=[("audio_sample", ("a.wav", raw.content, "audio/wav"))],
                options={"headers": {"Content-Type": "multipart/form-data"}},
                cast_to=object,
            )

    def test_addresses_that_would_be_heard_raw(self, client):
        part = {"type": "audio_url", "audio_url": {"url": "https://host/raw.wav"}}
        with pytest.raises(PayloadError, match="would be heard raw"):
            client.chat.completions.create(
                model="m", messages=[{"role": "user", "content": [part]}]
            )

    def test_other_bodies(self, client, raw):
        for content in (raw.content, iter([raw.content])):
            with pytest.raises(PayloadError, match="could be a voice"):
                client.post(
                    "/anything",
                    content=content,
                    options={"headers": {"Content-Type": "audio/wav"}},
                    cast_to=object,
                )

    def test_bytes_that_say_they_are_json(self, client, raw):
        for content in (raw.content, b'{"a": 1, "a": 2}', b"[" * 100_000):
            with pytest.raises(PayloadError, match="no JSON"):
                client.post("/chat/completions", content=content, cast_to=object)

    def test_compressed(self, client):
        with pytest.raises(PayloadError, match="compressed"):
            client.chat.completions.create(
                model="m",
                messages=[{"role": "user", "content": "Hi"}],
                extra_headers={"Content-Encoding": "gzip"},
            )

    def test_extra_body(self, client, raw):
        with pytest.raises(PayloadError, match=r"extra\.clip: looks like audio"):
            client.embeddings.create(model="m", input="x", extra_body={"extra": {"clip": raw.b64}})

    def test_query(self, client, raw):
        with pytest.raises(PayloadError, match="looks like audio"):
            client.get("/x", options={"params": {"clip": raw.b64}}, cast_to=object)

    def test_a_method_that_breaks(self, plain, broken, raw):
        client = protect(plain, broken)
        for send in (
            lambda: client.chat.completions.create(**chat(raw)),
            lambda: client.responses.create(**responses(raw)),
            lambda: client.audio.transcriptions.create(model="m", file=("a.wav", raw.content)),
        ):
            with pytest.raises(VoxguardError, match="RuntimeError") as caught:
                send()
            assert "shows nothing" not in str(caught.value)

    def test_a_method_that_copies(self, plain, raw):
        class Copy(voxguard.McAdams):
            streamable = False

            def render(self, samples, sample_rate, voice):
                return samples

        with pytest.raises(VoxguardError, match="changed nothing"):
            protect(plain, Copy()).chat.completions.create(**chat(raw))

    @pytest.mark.parametrize("cut", [44, 100, 5000])
    def test_a_recording_that_is_cut_short(self, client, raw, cut):
        with pytest.raises(VoxguardError):
            client.audio.transcriptions.create(model="m", file=("a.wav", raw.content[:cut]))

    def test_live_connections_over_http(self, client):
        for path in ("/realtime/client_secrets", "/realtime/sessions", "/realtime/calls/c/accept"):
            with pytest.raises(PayloadError, match="voxguard serve"):
                client.post(path, body={"session": {}}, cast_to=object)
        with pytest.raises(PayloadError, match="voxguard serve"):
            client.realtime.client_secrets.create()


class TestWebSockets:
    """`voxguard serve` is for them; nothing may connect past it."""

    def test_the_list_is_complete(self):
        import re
        from pathlib import Path

        folder = Path(openai.__file__).parent / "resources"
        found = {
            str(path.relative_to(folder).with_suffix(""))
            for path in folder.rglob("*.py")
            if re.search(r"^    def connect\(", path.read_text(), re.MULTILINE)
        }
        assert found == {
            "realtime/realtime", "realtime/translations/translations", "beta/realtime/realtime",
            "responses/responses", "beta/responses/responses", "live/live", "live/sideband",
            "live/forks",
        }  # fmt: skip

    def managers(self, client):
        return (
            lambda: client.realtime.connect(model="m"),
            lambda: client.realtime.connect(call_id="c"),
            lambda: client.realtime.translations.connect(model="m"),
            lambda: client.beta.realtime.connect(model="m"),
            lambda: client.responses.connect(),
            lambda: client.beta.responses.connect(),
            lambda: client.live.connect(),
            lambda: client.live.sideband.connect(session_id="s"),
            lambda: client.live.forks.connect(session_id="s"),
        )

    def test_none_opens(self, client, upstream):
        for make in self.managers(client):
            with pytest.raises(PayloadError, match="voxguard serve"):
                make().enter()
        for make in self.managers(client.with_options(timeout=3)):
            with pytest.raises(PayloadError, match="voxguard serve"):
                make().enter()
        assert upstream.requests == []

    def test_none_opens_async(self, upstream):
        async def go():
            async with openai.AsyncOpenAI(api_key="k", base_url=upstream.url) as plain:
                for make in self.managers(protect(plain, voxguard.McAdams())):
                    with pytest.raises(PayloadError, match="voxguard serve"):
                        await make().enter()

        asyncio.run(go())
        assert upstream.requests == []

    def test_azure(self, upstream):
        plain = openai.AzureOpenAI(api_key="k", azure_endpoint=upstream.url, api_version="1")
        with plain, pytest.raises(PayloadError, match="voxguard serve"):
            protect(plain, voxguard.McAdams()).realtime.connect(model="m").enter()
        assert upstream.requests == []

    def test_should_the_hooks_change_their_names(self, client, upstream, monkeypatch):
        """The address itself leads nowhere."""
        kind = type(client).__mro__[1]
        for hook in ("_websocket_query_params", "_prepare_options"):
            monkeypatch.delattr(kind, hook)
        with pytest.raises(Exception, match=r"isn't a valid URI|scheme"):
            client.realtime.connect(model="m").enter()
        assert upstream.requests == []


class TestTheClient:
    def test_its_kind(self, client, plain):
        assert isinstance(client, openai.OpenAI)
        assert type(client).__name__ == "ProtectedOpenAI"
        assert type(plain) is openai.OpenAI

    def test_copies_stay_protected(self, client, upstream, raw):
        import httpx2

        with httpx2.Client() as other:
            for copy in (
                client.with_options(timeout=5),
                client.copy(max_retries=1),
                client.with_options(timeout=5).with_options(max_retries=2),
                client.copy(http_client=other),
            ):
                copy.chat.completions.create(**chat(raw))
        assert len(upstream.bodies) == 4
        assert not any(raw.is_in(body) for body in upstream.bodies)

    def test_past_the_guard_leads_nowhere(self, client, upstream, raw):
        transport = client._client._transport
        request = client._client.build_request("POST", upstream.url, content=raw.content)
        with pytest.raises(PayloadError, match="closed"):
            transport.handle_request(request)
        with pytest.raises(PayloadError):
            client._client.post(upstream.url, content=raw.content)
        assert upstream.requests == []

    def test_hooks_of_the_http_client_see_no_raw_voice(self, upstream, raw):
        import httpx2

        seen = []
        with httpx2.Client(event_hooks={"request": [lambda r: seen.append(r.read())]}) as http:
            plain = openai.OpenAI(api_key="k", base_url=upstream.url, http_client=http)
            protect(plain, voxguard.McAdams()).chat.completions.create(**chat(raw))
        assert len(seen) == 1
        assert not raw.is_in(seen[0])

    def test_azure(self, upstream, raw):
        plain = openai.AzureOpenAI(
            api_key="k", azure_endpoint=upstream.url.removesuffix("/v1"), api_version="1"
        )
        with plain:
            protect(plain, voxguard.McAdams()).chat.completions.create(**chat(raw))
        assert "/deployments/m/chat/completions" in upstream.requests[0][1]
        arrived(upstream, raw)

    @pytest.mark.parametrize("other", [None, "client", object()])
    def test_something_else(self, other):
        with pytest.raises(ConfigurationError, match=r"takes an openai\.OpenAI"):
            protect(other)

    def test_twice(self, client):
        with pytest.raises(ConfigurationError, match="protected already"):
            protect(client)

    def test_the_default_is_the_library_s(self, plain):
        client = protect(plain)
        assert client._client.guard._render.keywords["anonymizer"].name == "voice_conversion"

    def test_nothing_is_logged(self, client, raw, caplog):
        with caplog.at_level("DEBUG"):
            client.chat.completions.create(**chat(raw))
            client.audio.transcriptions.create(model="m", file=("Anna.wav", raw.content))
        assert "Anna" not in caplog.text
        assert not raw.is_in(caplog.text.encode())


class TestAsync:
    def run(self, upstream, work, anonymizer=None):
        async def go():
            async with openai.AsyncOpenAI(
                api_key="k", base_url=upstream.url, max_retries=0
            ) as plain:
                return await work(protect(plain, anonymizer or voxguard.McAdams()))

        return asyncio.run(go())

    def test_all_of_it(self, upstream, raw):
        async def work(client):
            await client.chat.completions.create(**chat(raw))
            async for _ in await client.chat.completions.create(**chat(raw), stream=True):
                pass
            await client.responses.create(**responses(raw))
            await client.with_options(timeout=3).responses.create(**responses(raw))
            await client.audio.transcriptions.create(model="m", file=("a.wav", raw.content))
            await client.models.list()

        self.run(upstream, work)
        assert len(upstream.requests) == 6
        assert not any(raw.is_in(body) for body in upstream.bodies)
        assert not any(raw.is_heard_in(clip_of(body)) for body in upstream.bodies[:4])

    def test_refusals(self, upstream, raw, broken):
        async def fail(client):
            with pytest.raises(VoxguardError):
                await client.chat.completions.create(**chat(raw))

        async def refuse(client):
            with pytest.raises(PayloadError):
                await client.files.create(file=("a.txt", raw.content), purpose="user_data")

        self.run(upstream, fail, broken)
        self.run(upstream, refuse)
        assert upstream.requests == []

    def test_the_sync_client_inside_a_loop(self, client, upstream, raw):
        async def work():
            client.chat.completions.create(**chat(raw))

        asyncio.run(work())
        arrived(upstream, raw)
        assert b64(raw.content) == raw.b64
