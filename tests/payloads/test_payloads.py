"""Requests to audio LLMs: clips are anonymized where they are understood, the rest passes."""

import asyncio
import json

import pytest
from clips import (
    ANONYMOUS,
    PDF,
    PNG,
    RAW,
    TEXT,
    b64,
    chat,
    input_audio,
    leaks,
    protected,
    refused,
    responses,
)

import voxguard
from voxguard.errors import CorruptAudioError, PayloadError, VoxguardError
from voxguard.payloads.openai import Clip, protect_chat, protect_responses, refuse_audio
from voxguard.payloads.render import render_clip


class TestAudioParts:
    @pytest.mark.parametrize("suffix", ["wav", "mp3", "flac", "ogg"])
    def test_input_audio(self, suffix):
        made, clips = protected(chat(TEXT, input_audio(suffix)))
        assert clips[0].content == RAW[suffix]
        assert clips[0].format == suffix
        assert made["messages"][0]["content"] == [
            TEXT,
            {
                "type": "input_audio",
                "input_audio": {"data": b64(ANONYMOUS[suffix]), "format": suffix},
            },
        ]

    def test_in_order_and_other_keys_kept(self):
        part = {**input_audio(), "cache_control": {"type": "ephemeral"}}
        made, clips = protected(
            {
                "messages": [
                    {"role": "system", "content": "Be brief."},
                    {"role": "user", "name": "anna", "content": [part, input_audio("mp3")]},
                    {"role": "assistant", "content": None, "audio": {"id": "audio_abc"}},
                    {"role": "user", "content": [input_audio("flac")]},
                ],
                "modalities": ["text", "audio"],
                "audio": {"voice": "alloy", "format": "wav"},
            }
        )
        assert [clip.format for clip in clips] == ["wav", "mp3", "flac"]
        assert made["messages"][1]["content"][0]["cache_control"] == {"type": "ephemeral"}
        assert made["messages"][2]["audio"] == {"id": "audio_abc"}
        assert made["audio"] == {"voice": "alloy", "format": "wav"}
        assert not leaks(made)

    @pytest.mark.parametrize("mime", ["audio/wav", "audio/x-wav", "", "application/octet-stream"])
    def test_a_data_uri_as_dashscope_takes_it(self, mime):
        part = input_audio(data=f"data:{mime};base64,{b64(RAW['wav'])}")
        made, clips = protected(chat(part))
        assert clips[0].content == RAW["wav"]
        held = made["messages"][0]["content"][0]["input_audio"]
        assert held == {"data": f"data:audio/wav;base64,{b64(ANONYMOUS['wav'])}", "format": "wav"}

    def test_an_audio_url_as_vllm_takes_it(self):
        url = {"url": f"data:audio/mpeg;base64,{b64(RAW['mp3'])}"}
        made, clips = protected(chat({"type": "audio_url", "audio_url": url}))
        assert clips[0].format == "mp3"
        assert made["messages"][0]["content"][0]["audio_url"] == {
            "url": f"data:audio/mpeg;base64,{b64(ANONYMOUS['mp3'])}"
        }

    @pytest.mark.parametrize(
        ("label", "mime"),
        [("m4a", "audio/mp4"), ("MP4", "audio/x-m4a"), ("webm", "audio/webm;codecs=opus")],
    )
    def test_what_a_phone_or_a_browser_recorded_goes_on_as_wav(self, make_media, label, mime):
        async def as_wav(clip):
            return Clip(ANONYMOUS["wav"], "wav")

        muxer, codec = ("webm", "libopus") if label == "webm" else ("ipod", "aac")
        raw = b64(make_media(muxer, codec, 48_000))
        link = {"type": "audio_url", "audio_url": {"url": f"data:{mime};base64,{raw}"}}
        body = chat({"type": "input_audio", "input_audio": {"data": raw, "format": label}}, link)
        first, second = asyncio.run(protect_chat(body, as_wav))["messages"][0]["content"]
        assert first["input_audio"] == {"data": b64(ANONYMOUS["wav"]), "format": "wav"}
        assert second["audio_url"] == {"url": f"data:audio/wav;base64,{b64(ANONYMOUS['wav'])}"}
        rendered = render_clip(Clip(make_media(muxer, codec, 48_000), label), voxguard.McAdams())
        assert rendered.format == "wav"
        assert rendered.content[:4] == b"RIFF"

    @pytest.mark.parametrize("address", ["https://host/a.wav", "HTTP://host/a", " http://host/a"])
    def test_an_address_is_never_passed_on(self, address):
        made, clips = protected(chat({"type": "audio_url", "audio_url": {"url": address}}))
        assert clips[0].url == address.strip()
        assert clips[0].content is None
        assert "host" not in json.dumps(made)
        assert made["messages"][0]["content"][0]["audio_url"]["url"].startswith("data:audio/wav;")
        made, clips = protected(chat(input_audio(data=address, format="mp3")))
        assert clips[0].url == address.strip()
        assert "host" not in json.dumps(made)

    def test_a_converter_without_the_net_refuses_it(self):
        async def no_net(clip):
            raise PayloadError("addresses are not fetched here")

        with pytest.raises(PayloadError, match=r"content\[0\].audio_url.url: addresses are not"):
            asyncio.run(
                protect_chat(
                    chat({"type": "audio_url", "audio_url": {"url": "http://h/a"}}), no_net
                )
            )

    def test_a_clip_does_not_show_itself(self):
        assert repr(Clip(b"12345", "wav")) == "<Clip: 5 bytes>"
        assert "host" not in repr(Clip(url="http://host/secret"))


class TestBadAudioParts:
    @pytest.mark.parametrize(
        ("held", "match"),
        [
            ({"data": b64(RAW["wav"]), "format": "mp3"}, "the content is wav, the label says mp3"),
            ({"data": b64(RAW["mp3"]), "format": "wav"}, "the content is mp3, the label says wav"),
            ({"data": b64(RAW["wav"])}, "format takes wav, mp3"),
            ({"data": b64(RAW["wav"]), "format": "pcm16"}, "format takes"),
            ({"data": b64(RAW["wav"]), "format": ["wav"]}, "format takes"),
            ({"data": b64(bytes(4000)), "format": "wav"}, "not a known audio file"),
            ({"data": b64(RAW["wav"])[:-1], "format": "wav"}, "not base64"),
            ({"data": b64(RAW["wav"]) + "\n", "format": "wav"}, "not base64"),
            ({"data": b64(RAW["wav"])[:100] + "é", "format": "wav"}, "not base64"),
            ({"data": "", "format": "wav"}, "takes a data URI"),
            ({"data": None, "format": "wav"}, "this is no text"),
            ({"data": [b64(RAW["wav"])], "format": "wav"}, "this is no text"),
            ({"format": "wav"}, "this is no text"),
            ({"data": "file:///etc/a.wav", "format": "wav"}, "takes a data URI"),
            ({"data": "data:audio/wav," + b64(RAW["wav"]), "format": "wav"}, "takes a data URI"),
            ({"data": "data:video/mp4;base64," + b64(RAW["wav"]), "format": "wav"}, "type must be"),
            ({"data": "data:audio/mpeg;base64," + b64(RAW["wav"]), "format": "wav"}, "says mp3"),
            ({"data": "data:;base64," + b64(RAW["wav"]), "format": "mp3"}, "label says mp3"),
            (
                {"data": b64(RAW["wav"]), "format": "wav", "raw": b64(RAW["wav"])},
                "looks like audio",
            ),
        ],
    )
    def test_refused(self, held, match):
        body = chat(TEXT, {"type": "input_audio", "input_audio": held})
        error = refused(body, match)
        assert error.param.startswith("messages[0].content[1].input_audio")
        assert str(error).startswith(error.param)
        error = refused(
            responses({"type": "input_audio", "input_audio": held}), match, protect_responses
        )
        assert error.param.startswith("input[0].input_audio")

    @pytest.mark.parametrize("held", [None, "x", b64(RAW["wav"]), [1], "http://host/a.wav"])
    @pytest.mark.parametrize("kind", ["input_audio", "audio_url"])
    def test_no_object(self, kind, held):
        refused(chat({"type": kind, kind: held}), "no object")

    def test_the_message_holds_nothing_of_it(self):
        error = refused(chat({"type": b64(RAW["wav"])}), "of type <str> is not understood")
        assert len(str(error)) < 200
        error = refused(chat(**{b64(RAW["wav"]): 1}), "key looks like audio")
        assert len(str(error)) < 200


class TestTheConverter:
    def check(self, convert, kind, match):
        with pytest.raises(kind, match=match):
            asyncio.run(protect_chat(chat(input_audio()), convert))

    def test_that_gives_back_what_it_got(self):
        async def convert(clip):
            return clip

        self.check(convert, PayloadError, "gave nothing new")

    @pytest.mark.parametrize("made", [Clip(), Clip(b""), Clip(url="http://h/a"), Clip(b"x" * 99)])
    def test_that_gives_nothing(self, made):
        async def convert(clip):
            return made

        self.check(convert, PayloadError, "gave nothing new")

    def test_that_gives_another_format(self):
        async def convert(clip):
            return Clip(ANONYMOUS["mp3"], "mp3")

        self.check(convert, PayloadError, "another format than wav")

    def test_that_cannot_decode(self):
        async def convert(clip):
            raise CorruptAudioError("audio: cut short")

        self.check(convert, PayloadError, r"^messages\[0\].content\[0\].*: audio: cut short")

    def test_that_breaks(self):
        async def convert(clip):
            raise VoxguardError("no worker")

        self.check(convert, VoxguardError, "^no worker$")


class TestWhatPasses:
    @pytest.mark.parametrize(
        "part",
        [
            TEXT,
            "a short form",
            {"type": "refusal", "refusal": "No."},
            {"type": "image_url", "image_url": {"url": "https://host/a.png"}},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64," + b64(PNG)}},
            {"type": "image_url", "image_url": {"url": "data:image/webp;base64,"
             + b64(b"RIFF1234WEBPVP8 " + bytes(999))}},
            {"type": "file", "file": {"file_data": "data:application/pdf;base64," + b64(PDF)}},
            {"type": "file", "file": {"file_data": b64(PDF), "filename": "a.pdf"}},
            {"type": "file", "file": {"file_data": "data:text/plain;base64," + b64(b"word" * 99)}},
            {"type": "text", "text": "Does a data:audio/wav;base64, URI work?"},
            {"type": "text", "text": "// a comment\n" * 99},
            {"type": "text", "text": "word " * 5000 + "supercalifragilistic" * 99},
            {"type": "text", "text": "ID3 tags " * 99},
        ],
    )  # fmt: skip
    def test_chat_parts(self, part):
        body = chat(part)
        assert protected(body) == (body, [])

    def test_the_rest_of_a_body(self):
        schema = {"type": "object", "properties": {"audio_url": {"type": "string"},
                  "audio": {"type": "string"}, "data": {"type": "object"}}}  # fmt: skip
        body = chat(
            TEXT,
            tools=[{"type": "function", "function": {"name": "play", "parameters": schema}}],
            metadata={"audio": "no", "format": "wav"},
            prediction={"type": "content", "content": "x"},
            logit_bias={"1": -100},
            stream_options={"include_usage": True},
        )
        body["messages"].append(
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {
                        "id": "1",
                        "type": "function",
                        "function": {"name": "f", "arguments": '{"a":1}'},
                    }
                ],
            }
        )
        assert protected(body) == (body, [])

    @pytest.mark.parametrize(
        "item",
        [
            {"role": "user", "content": "Hello"},
            {"role": "user", "content": [{"type": "input_text", "text": "Hello"}]},
            {"type": "message", "role": "assistant", "content": [
                {"type": "output_text", "text": "Hi", "annotations": []}]},
            {"role": "user", "content": [{"type": "input_image", "image_url": "https://h/a.png"}]},
            {"role": "user", "content": [
                {"type": "input_file", "file_data": "data:application/pdf;base64," + b64(PDF)}]},
            {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "1", "output": "done"},
            {"type": "function_call_output", "call_id": "1", "output": [
                {"type": "input_text", "text": "done"}]},
            {"type": "reasoning", "id": "r", "summary": [], "encrypted_content": "gAAAAAB" * 200},
            {"type": "item_reference", "id": "msg_1"},
        ],
    )  # fmt: skip
    def test_responses_items(self, item):
        body = responses(item, previous_response_id="resp_1", tools=[{"type": "web_search"}])
        assert protected(body, protect_responses) == (body, [])

    def test_responses_of_text_alone(self):
        for body in ({"model": "m", "input": "Hello"}, {"model": "m", "prompt": {"id": "p"}}):
            assert protected(body, protect_responses) == (body, [])

    def test_responses_with_audio(self):
        body = responses(
            {"role": "user", "content": [{"type": "input_text", "text": "?"}, input_audio("mp3")]},
            input_audio("wav"),
            {"type": "function_call_output", "call_id": "1", "output": [input_audio("wav")]},
        )
        made, clips = protected(body, protect_responses)
        assert [clip.format for clip in clips] == ["mp3", "wav", "wav"]
        assert not leaks(made)
        assert made["input"][2]["output"][0]["input_audio"]["data"] == b64(ANONYMOUS["wav"])

    def test_tokens_and_numbers(self):
        refuse_audio({"input": list(range(5000)), "model": "embed"})
        refuse_audio({"vector": [0.5, -0.5] * 700})
