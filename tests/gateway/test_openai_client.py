"""The official client against the gateway: what it sends arrives, in another voice."""

from __future__ import annotations

import asyncio
import base64
import json
import time

import numpy as np
import openai
import pytest
from servers import base64_of, holds_raw, likeness, pcm16, recordings

from voxguard.audio import encode, read
from voxguard.audio.g711 import decode_g711, encode_g711

RATE = 16_000
KEY = "sk-secret-of-a-client"
# What the client itself does with websockets, and says of translations.
pytestmark = [
    pytest.mark.filterwarnings("ignore:connect.. must be used:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning"),
]


@pytest.fixture
def client(gateway, upstream):
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0) as client:
        yield client


def chat(client, content, form="wav", **options):
    part = {"type": "input_audio", "input_audio": {"data": base64_of(content), "format": form}}
    text = {"type": "text", "text": "What is said?"}
    return client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": [text, part]}], **options
    )


class TestChat:
    @pytest.mark.parametrize("form", ["wav", "mp3"])
    def test_a_recording(self, client, upstream, make_voice, form):
        voice = make_voice(seconds=2.0)
        answer = chat(client, encode(voice[None], RATE, form), form)
        assert answer.choices[0].message.content == "I hear you."
        method, path, headers, body = upstream.requests[0]
        assert (method, path) == ("POST", "/v1/chat/completions")
        assert headers["authorization"] == f"Bearer {KEY}"
        assert json.loads(body)["messages"][0]["content"][0]["text"] == "What is said?"
        assert json.loads(body)["messages"][0]["content"][1]["input_audio"]["format"] == form
        [heard] = recordings(body)
        assert heard.shape == voice.shape
        assert likeness(voice, heard) < 0.95
        assert not holds_raw(upstream.everything, voice)

    @pytest.mark.parametrize(
        ("form", "muxer", "codec"), [("m4a", "ipod", "aac"), ("webm", "webm", "libopus")]
    )
    def test_what_a_phone_or_a_browser_recorded_goes_on_as_wav(
        self, client, upstream, make_media, make_voice, form, muxer, codec
    ):
        chat(client, make_media(muxer, codec, 48_000), form)
        body = upstream.requests[0][3]
        assert json.loads(body)["messages"][0]["content"][1]["input_audio"]["format"] == "wav"
        voice = make_voice(seconds=2.0, sample_rate=48_000)
        assert likeness(voice, recordings(body)[0]) < 0.95

    @pytest.mark.parametrize("form", ["wav", "flac"])
    def test_a_muted_microphone_is_no_error(self, client, upstream, form):
        silence = encode(np.zeros((1, RATE), np.float32), RATE, form)
        assert chat(client, silence, form).choices[0].message.content == "I hear you."
        part = json.loads(upstream.requests[0][3])["messages"][0]["content"][1]["input_audio"]
        heard, _ = read(base64.b64decode(part["data"]))
        assert heard.shape == (1, RATE)
        assert not heard.any()
        client.audio.transcriptions.create(model="m", file=(f"a.{form}", silence))
        assert len(upstream.requests) == 2

    def test_text_alone_is_as_it_was(self, client, upstream):
        messages = [{"role": "user", "content": "Grüße, \U0001f600 and <tags>"}]
        client.chat.completions.create(model="m", messages=messages, temperature=0.25)
        assert json.loads(upstream.requests[0][3]) == {
            "model": "m",
            "messages": messages,
            "temperature": 0.25,
        }

    def test_it_streams_as_it_comes(self, client, upstream, wav):
        upstream.mood = "stream"
        chat(client, wav)  # warm
        chunks = chat(client, wav, stream=True)
        times = [(time.monotonic(), chunk.choices[0].delta.content) for chunk in chunks]
        assert "".join(text for _, text in times) == "I hear you."
        assert times[1][0] - times[0][0] > 0.15
        assert times[2][0] - times[1][0] > 0.15

    def test_two_recordings_of_a_request_are_one_voice(self, client, upstream, wav):
        part = {"type": "input_audio", "input_audio": {"data": base64_of(wav), "format": "wav"}}
        client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": [part, part]}]
        )
        first, second = recordings(upstream.requests[0][3])
        assert np.array_equal(first, second)
        upstream.forget()
        chat(client, wav)
        assert not np.array_equal(recordings(upstream.requests[0][3])[0], first)

    def test_an_answer_says_what_was_done(self, client, wav):
        part = {"type": "input_audio", "input_audio": {"data": base64_of(wav), "format": "wav"}}
        answer = client.chat.completions.with_raw_response.create(
            model="m", messages=[{"role": "user", "content": [part]}]
        )
        assert answer.headers["x-voxguard-method"] == "mcadams"
        assert answer.headers["server-timing"].startswith("voxguard;dur=")

    def test_an_error_of_the_upstream_is_the_clients(self, client, upstream, wav):
        upstream.mood = "angry"
        with pytest.raises(openai.AuthenticationError, match="bad key"):
            chat(client, wav)


class TestResponses:
    def test_a_recording(self, client, upstream, make_voice, wav):
        part = {"type": "input_audio", "input_audio": {"data": base64_of(wav), "format": "wav"}}
        answer = client.responses.create(
            model="m",
            input=[{"role": "user", "content": [part]}],  # type: ignore[list-item]
        )
        assert answer.output_text == "I hear you."
        [heard] = recordings(upstream.requests[0][3])
        assert likeness(make_voice(seconds=2.0), heard) < 0.95

    def test_text(self, client, upstream):
        client.responses.create(model="m", input="Hello")
        assert json.loads(upstream.requests[0][3]) == {"model": "m", "input": "Hello"}


class TestTranscriptions:
    @pytest.mark.parametrize("form", ["wav", "flac", "mp3", "ogg"])
    @pytest.mark.parametrize("kind", ["transcriptions", "translations"])
    def test_a_recording(self, client, upstream, make_voice, form, kind):
        voice = make_voice(seconds=2.0)
        content = encode(voice[None], RATE, form)
        answer = getattr(client.audio, kind).create(
            model="whisper-1", file=(f"Anna Nym.{form}", content), prompt="A word."
        )
        assert answer.text == "I hear you."
        _, path, headers, body = upstream.requests[0]
        assert path == f"/v1/audio/{kind}"
        assert headers["content-type"].startswith("multipart/form-data; boundary=")
        assert b"Anna" not in body
        assert f'filename="audio.{form}"'.encode() in body
        assert b"whisper-1" in body
        assert b"A word." in body
        middle = len(content) // 2
        assert content[middle : middle + 64] not in body
        if form in ("wav", "flac"):
            assert likeness(voice, recordings(body)[0]) < 0.95

    @pytest.mark.parametrize(("form", "codec"), [("ipod", "aac"), ("webm", "libopus")])
    def test_what_a_phone_or_a_browser_recorded_goes_on_as_wav(
        self, client, upstream, make_media, make_voice, form, codec
    ):
        client.audio.transcriptions.create(
            model="m", file=("Anna.m4a", make_media(form, codec, 48_000))
        )
        body = upstream.requests[0][3]
        assert b'filename="audio.wav"' in body
        voice = make_voice(seconds=2.0, sample_rate=48_000)
        assert likeness(voice, recordings(body)[0]) < 0.95

    def test_lists_arrive(self, client, upstream, wav):
        client.audio.transcriptions.create(
            model="whisper-1",
            file=("a.wav", wav),
            response_format="verbose_json",
            timestamp_granularities=["word", "segment"],
        )
        assert upstream.requests[0][3].count(b"timestamp_granularities[]") == 2

    def test_voices_to_be_recognised_are_refused(self, client, upstream, wav):
        with pytest.raises(openai.BadRequestError, match="known_speaker_references"):
            client.audio.transcriptions.create(
                model="m",
                file=("a.wav", wav),
                extra_body={
                    "known_speaker_references[]": [f"data:audio/wav;base64,{base64_of(wav)}"]
                },
            )
        assert not upstream.requests


class TestTheRest:
    def test_models_pass(self, client, upstream):
        answer = client.models.with_raw_response.list()
        assert upstream.requests[0][:2] == ("GET", "/v1/models")
        assert answer.headers["x-upstream"] == "yes"
        assert "alt-svc" not in answer.headers  # it could lead around the gateway

    def test_embeddings_pass(self, client, upstream):
        client.embeddings.with_raw_response.create(model="m", input="Hello")
        assert json.loads(upstream.requests[0][3])["input"] == "Hello"

    @pytest.mark.parametrize("purpose", ["user_data", "batch"])
    def test_uploads_are_refused(self, client, upstream, wav, purpose):
        with pytest.raises(openai.BadRequestError, match="only PDF, text and pictures"):
            client.files.create(file=("a.wav", wav), purpose=purpose)
        assert not upstream.requests

    def test_ways_around_are_refused(self, client, upstream):
        with pytest.raises(openai.BadRequestError, match="past the gateway"):
            client.realtime.client_secrets.create(session={"type": "realtime", "model": "m"})
        assert not upstream.requests


def append(connection, data):
    connection.input_audio_buffer.append(audio=base64_of(data))


def until(connection, kind):
    for event in connection:
        if event.type == kind:
            return event
    raise AssertionError(f"no {kind}")


class TestRealtime:
    def test_pcm(self, client, upstream, make_voice):
        voice = make_voice(24_000, seconds=2.0)
        data = pcm16(voice)
        with client.realtime.connect(model="m") as connection:
            assert until(connection, "session.created")
            for at in range(0, len(data), 1920):
                append(connection, data[at : at + 1920])
            connection.input_audio_buffer.commit()
            assert until(connection, "input_audio_buffer.committed")
            connection.response.create()
            assert until(connection, "response.done")
        assert [event["type"] for event in upstream.events[-3:]] == [
            "input_audio_buffer.append",  # the rest goes out before
            "input_audio_buffer.commit",
            "response.create",
        ]
        heard = np.frombuffer(upstream.live_bytes(), "<i2") / 32768
        assert len(heard) == len(voice)
        assert likeness(voice, heard) < 0.95
        assert not holds_raw(upstream.everything, voice)

    def test_turn_after_turn(self, client, upstream, make_voice):
        data = pcm16(make_voice(24_000, seconds=1.0))
        with client.realtime.connect(model="m") as connection:
            for turn in range(1, 4):
                for at in range(0, len(data), 4799):  # odd: samples are cut in two
                    append(connection, data[at : at + 4799])
                connection.input_audio_buffer.commit()
                until(connection, "input_audio_buffer.committed")
                assert len(upstream.live_bytes()) == turn * len(data)

    def test_what_was_cleared_does_not_come_later(self, client, upstream, make_voice):
        data = pcm16(make_voice(24_000, seconds=1.0))
        with client.realtime.connect(model="m") as connection:
            append(connection, data[:9600])
            connection.input_audio_buffer.clear()
            append(connection, data[9600:])
            connection.input_audio_buffer.commit()
            until(connection, "input_audio_buffer.committed")
        kinds = [event["type"] for event in upstream.events]
        after = upstream.events[kinds.index("input_audio_buffer.clear") :]
        given = sum(len(base64.b64decode(e["audio"])) for e in after if "audio" in e)
        assert given == len(data) - 9600

    @pytest.mark.parametrize(("name", "law"), [("audio/pcmu", "ULAW"), ("audio/pcma", "ALAW")])
    def test_g711(self, client, upstream, make_voice, name, law):
        voice = make_voice(8_000, seconds=2.0)
        data = encode_g711(voice[None], law)
        session = {"type": "realtime", "audio": {"input": {"format": {"type": name}}}}
        with client.realtime.connect(model="m") as connection:
            connection.session.update(session=session)
            until(connection, "session.updated")
            for at in range(0, len(data), 160):
                append(connection, data[at : at + 160])
            connection.input_audio_buffer.commit()
            until(connection, "input_audio_buffer.committed")
        heard = decode_g711(upstream.live_bytes(), law)[0]
        assert len(heard) == len(voice)
        assert likeness(voice, heard) < 0.95
        assert upstream.live_bytes()[:400] != data[:400]

    def test_the_servers_word_on_the_format(self, client, upstream, make_voice):
        upstream.first_event["session"] = {"input_audio_format": "g711_ulaw"}
        voice = make_voice(8_000, seconds=1.0)
        with client.realtime.connect(model="m") as connection:
            until(connection, "session.created")
            append(connection, encode_g711(voice[None], "ULAW"))
            connection.input_audio_buffer.commit()
            until(connection, "input_audio_buffer.committed")
        assert len(upstream.live_bytes()) == len(voice)

    def test_audio_in_items(self, client, upstream, make_voice):
        voice = make_voice(24_000, seconds=1.0)
        part = {"type": "input_audio", "audio": base64_of(pcm16(voice)), "transcript": "Hello"}
        item = {"type": "message", "role": "user", "content": [part]}
        with client.realtime.connect(model="m") as connection:
            connection.conversation.item.create(item=item)
            connection.response.create(response={"input": [item]})
            until(connection, "response.done")
        first, second = (
            upstream.events[0]["item"],
            upstream.events[1]["response"]["input"][0],
        )
        for made in (first, second):
            assert made["content"][0]["transcript"] == "Hello"
            heard = np.frombuffer(base64.b64decode(made["content"][0]["audio"]), "<i2") / 32768
            assert len(heard) == len(voice)
            assert likeness(voice, heard) < 0.95

    def test_a_wrong_event_is_told_and_the_next_one_works(self, client, upstream, make_voice):
        data = pcm16(make_voice(24_000, seconds=1.0))
        with client.realtime.connect(model="m") as connection:
            connection.send({"type": "input_audio_buffer.append", "audio": "no base64!",
                             "event_id": "mine"})  # fmt: skip
            told = until(connection, "error")
            assert told.error.event_id == "mine"
            assert "base64" in told.error.message
            connection.send({"type": "something.new", "audio": base64_of(data)})
            assert until(connection, "error").error.code == "not_understood"
            append(connection, data)
            connection.input_audio_buffer.commit()
            until(connection, "input_audio_buffer.committed")
        assert not holds_raw(upstream.everything, make_voice(24_000, seconds=1.0))
        assert len(upstream.live_bytes()) == len(data)

    def test_the_upstreams_refusal(self, client, upstream):
        upstream.mood = "angry"
        with pytest.raises(Exception, match="401"), client.realtime.connect(model="m"):
            pass

    def test_asynchronous(self, gateway, upstream, make_voice):
        data = pcm16(make_voice(24_000, seconds=1.0))

        async def talk():
            async with (
                openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=KEY) as client,
                client.realtime.connect(model="m") as connection,
            ):
                await connection.input_audio_buffer.append(audio=base64_of(data))
                await connection.input_audio_buffer.commit()
                async for event in connection:
                    if event.type == "input_audio_buffer.committed":
                        return

        asyncio.run(talk())
        assert len(upstream.live_bytes()) == len(data)


def test_the_upstream_gets_neither_names_nor_tags(client, upstream, make_voice):
    content = encode(make_voice()[None], RATE, "wav")
    tagged = content + b"LIST" + (40).to_bytes(4, "little") + b"INFOIART" + b"Anna Nym" * 4
    assert read(tagged)[1] == RATE
    chat(client, tagged)
    assert b"Anna" not in base64.b64decode(
        json.loads(upstream.requests[0][3])["messages"][0]["content"][1]["input_audio"]["data"]
    )
