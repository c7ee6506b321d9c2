"""Requests to audio LLMs: each clip is anonymized, and what is not understood does not go out."""

import asyncio
import base64
import copy
import json
import re
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import voxguard
from voxguard.audio import encode
from voxguard.errors import CorruptAudioError, PayloadError, VoxguardError
from voxguard.payloads.openai import Clip, protect_chat, protect_responses, refuse_audio
from voxguard.payloads.render import render_clip

RATE = 16_000
EXAMPLES = 400  # random requests that are tried in each of the two properties


def recording(suffix="wav", seed=0):
    return encode(voxguard.synthetic_voice(seconds=0.3, seed=seed)[None], RATE, suffix)


def b64(content):
    return base64.b64encode(content).decode()


RAW = {suffix: recording(suffix) for suffix in ("wav", "mp3", "flac", "ogg", "aiff", "au")}
ANONYMOUS = {suffix: recording(suffix, seed=9) for suffix in ("wav", "mp3", "flac", "ogg")}


class Converter:
    """Stands for the anonymizer: keeps what it got, gives a clip that is known."""

    def __init__(self):
        self.clips = []

    async def __call__(self, clip):
        self.clips.append(clip)
        label = clip.format or "wav"
        return Clip(ANONYMOUS["ogg" if label == "opus" else label], label)


def chat(*parts, **rest):
    return {"model": "m", "messages": [{"role": "user", "content": list(parts)}], **rest}


def responses(*items, **rest):
    return {"model": "m", "input": list(items), **rest}


def input_audio(suffix="wav", **rest):
    held = {"data": b64(RAW[suffix]), "format": suffix, **rest}
    return {"type": "input_audio", "input_audio": held}


TEXT = {"type": "text", "text": "What is said?"}


def protected(body, protect=protect_chat):
    converter = Converter()
    before = copy.deepcopy(body)
    made = asyncio.run(protect(body, converter))
    assert body == before  # not mutated
    return made, converter.clips


def refused(body, match, protect=protect_chat):
    with pytest.raises(PayloadError) as caught:
        protected(body, protect)
    assert re.search(match, str(caught.value))
    return caught.value


def windows(text):
    return {text[at : at + 64] for at in range(len(text) - 63)}


# Headers, and the silence before a voice starts, are the same in all of them.
COMMON = set().union(*(windows(b64(content)) for content in ANONYMOUS.values()))
WINDOWS = set().union(*(windows(b64(content)) for content in RAW.values())) - COMMON


def leaks(made):
    text = json.dumps(made)
    return any(text[at : at + 64] in WINDOWS for at in range(len(text) - 63))


def test_the_look_for_leaks_finds_one():
    assert leaks({"deep": [{"down": b64(RAW["wav"])[1000:1100]}]})
    assert not leaks({"deep": b64(ANONYMOUS["wav"])})


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


PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4
PDF = b"%PDF-1.7\n" + b"nothing to hear " * 40


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


class TestHiding:
    """Every place that is not an audio part, and every dress."""

    DRESSES: ClassVar = {
        "base64": b64(RAW["wav"]),
        "mp3": b64(RAW["mp3"]),
        "flac": b64(RAW["flac"]),
        "ogg": b64(RAW["ogg"]),
        "aiff": b64(RAW["aiff"]),
        "au": b64(RAW["au"]),
        "m4a": b64(b"\x00\x00\x00\x20ftypM4A " + bytes(range(256)) * 2),
        "webm": b64(b"\x1aE\xdf\xa3" + bytes(range(256)) * 2),
        "aac": b64(b"\xff\xf1\x50\x80" + bytes(range(256)) * 2),
        "url-safe": base64.urlsafe_b64encode(RAW["mp3"]).decode(),
        "folded": base64.encodebytes(RAW["wav"]).decode(),
        "uri": "data:audio/wav;base64," + b64(RAW["wav"]),
        "shouting": "DATA:Audio/X-Own;base64," + b64(bytes(400)),
        "percent": "data:audio/wav,RIFF%00%00%00%00WAVEfmt%20%10%00",
        "video": "data:video/mp4;base64," + b64(bytes(400)),
        "bytes": "data:application/octet-stream;base64," + b64(bytes(400)),
        "within words": "Listen to this: " + b64(RAW["wav"]) + " and tell.",
        "markdown": "![](data:audio/wav;base64," + b64(RAW["wav"]) + ")",
        "json": json.dumps({"a": [{"clip": b64(RAW["wav"])}]}),
        "json in json": json.dumps([json.dumps({"a": base64.encodebytes(RAW["mp3"]).decode()})]),
        "escaped slashes": '{"clip": "' + b64(RAW["mp3"]).replace("/", "\\/") + '" and no JSON',
        "latin-1": RAW["wav"].decode("latin-1"),
        "wrong picture": "data:image/png;base64," + b64(RAW["wav"]),
    }  # fmt: skip
    PLACES: ClassVar = {
        "text": lambda x: chat({"type": "text", "text": x}),
        "content": lambda x: {"messages": [{"role": "user", "content": x}]},
        "name": lambda x: {"messages": [{"role": "user", "name": x, "content": "?"}]},
        "image": lambda x: chat({"type": "image_url", "image_url": {"url": x}}),
        "file": lambda x: chat({"type": "file", "file": {"file_data": x, "filename": "a.pdf"}}),
        "file name": lambda x: chat(
            {"type": "file", "file": {"file_data": b64(PDF), "filename": x}}),
        "beside": lambda x: chat({"type": "text", "text": "?", "clip": x}),
        "metadata": lambda x: chat(TEXT, metadata={"a": x}),
        "key": lambda x: chat(TEXT, metadata={x: "a"}),
        "prediction": lambda x: chat(TEXT, prediction={"type": "content", "content": [x]}),
        "tools": lambda x: chat(TEXT, tools=[{"function": {"description": x}}]),
        "arguments": lambda x: {"messages": [{"role": "assistant", "tool_calls": [
            {"type": "function", "function": {"name": "f", "arguments": x}}]}]},
        "tool": lambda x: {"messages": [{"role": "tool", "tool_call_id": "1", "content": x}]},
        "output audio": lambda x: {
            "messages": [{"role": "assistant", "audio": {"id": "1", "data": x}}]},
        "stop": lambda x: chat(TEXT, stop=[x]),
        "unknown": lambda x: chat(TEXT, extra={"deep": [[{"down": x}]]}),
    }  # fmt: skip

    @pytest.mark.parametrize("place", PLACES)
    @pytest.mark.parametrize("dress", DRESSES)
    def test_chat(self, place, dress):
        refused(self.PLACES[place](self.DRESSES[dress]), "")

    RESPONSES: ClassVar = {
        "input": lambda x: {"input": x},
        "instructions": lambda x: {"input": "?", "instructions": x},
        "prompt": lambda x: {"prompt": {"id": "p", "variables": {"a": x}}},
        "content": lambda x: responses({"role": "user", "content": x}),
        "part": lambda x: responses(
            {"role": "user", "content": [{"type": "input_text", "text": x}]}),
        "image": lambda x: responses(
            {"role": "user", "content": [{"type": "input_image", "image_url": x}]}),
        "file": lambda x: responses(
            {"role": "user", "content": [{"type": "input_file", "file_data": x}]}),
        "output": lambda x: responses(
            {"type": "function_call_output", "call_id": "1", "output": x}),
        "output part": lambda x: responses(
            {"type": "function_call_output", "output": [{"type": "input_text", "text": x}]}),
        "arguments": lambda x: responses({"type": "function_call", "name": "f", "arguments": x}),
        "mcp": lambda x: responses({"type": "mcp_call", "name": "f", "output": x}),
        "reasoning": lambda x: responses({"type": "reasoning", "encrypted_content": x}),
    }  # fmt: skip

    @pytest.mark.parametrize("place", RESPONSES)
    @pytest.mark.parametrize("dress", DRESSES)
    def test_responses(self, place, dress):
        refused(self.RESPONSES[place](self.DRESSES[dress]), "", protect_responses)

    @pytest.mark.parametrize("protect", [protect_chat, protect_responses])
    @pytest.mark.parametrize(
        "part",
        [
            {"type": "audio", "audio": "AAAA"},
            {"type": "video_url", "video_url": {"url": "http://h/a.mp4"}},
            {"type": "input_video", "data": "x"},
            {"type": "video", "video": ["a"]},
            {"type": "audio_embeds", "audio_embeds": "x"},
            {"type": "document", "source": {}},
            {"type": "output_audio", "audio": "AAAA"},
            {"type": "text ", "text": "x"},
            {"type": ["text"], "text": "x"},
            {"audio_url": "http://h/a.wav"},
            {"audio_url": {"url": "http://h/a.wav"}},
            {"text": "x"},
            {},
            None,
            7,
            [input_audio()],
            {"type": "text", "text": "x", "audio_url": {"url": "http://h/a.wav"}},
            {"type": "text", "text": "x", "input_audio": {"data": "AAAA", "format": "wav"}},
            {"type": "input_text", "text": "x", "audio": "AAAA"},
            {"type": "file", "file": {"file_id": "file-1"}},
            {"type": "file", "file": {"file_id": "https://h/a.mp3", "format": "audio/mp3"}},
            {"type": "file", "file": {"file_data": b64(b"PK\x03\x04" + bytes(400))}},
            {"type": "file", "file": {"file_data": b64(PDF), "format": "audio/mp3"}},
            {"type": "file", "file": "x"},
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,"
             + b64(PDF + RAW["wav"])}},
            {"type": "input_file", "file_id": "file-1"},
            {"type": "input_file", "file_url": "https://h/a.wav"},
            {"type": "input_file", "file_data": "data:audio/wav;base64," + b64(RAW["wav"])},
            {**input_audio(), "audio_url": {"url": "http://h/a.wav"}},
        ],
    )  # fmt: skip
    def test_parts_that_are_not_understood(self, part, protect):
        key = "messages" if protect is protect_chat else "input"
        error = refused({key: [{"role": "user", "content": [part]}]}, "so it is not sent", protect)
        assert error.param.startswith(f"{key}[0].content[0]")

    @pytest.mark.parametrize(
        "item",
        [
            {"type": "audio"},
            {"type": "new_item"},
            {},
            None,
            "x",
            {"type": 7},
            {"type": "input_file"},
        ],
    )
    def test_items_that_are_not_understood(self, item):
        refused(responses(item), "input", protect_responses)

    @pytest.mark.parametrize("messages", ["x", 7, {"0": {}}, [[]], ["x"], [{"content": {"a": 1}}]])
    def test_messages_that_are_none(self, messages):
        refused({"messages": messages}, "")

    def test_bodies_that_are_none(self):
        for protect in (protect_chat, protect_responses):
            for body in (None, [], "x", 7):
                refused(body, "no object", protect)

    def test_samples_as_numbers(self):
        voice = voxguard.synthetic_voice(seconds=0.3)
        refused(chat(TEXT, clip=voice.tolist()), "could be samples")
        refused(chat(TEXT, clip=(voice * 32767).astype(int).tolist()), "could be samples")

    @pytest.mark.parametrize(
        "key", ["audio", "voice_note", "data", "b64", "content", "speechBytes"]
    )
    def test_raw_samples_under_a_name_that_tells(self, key):
        refused(chat(TEXT, extra={key: b64(bytes(range(1, 250)) * 4)}), "could be audio")
        refuse_audio({key: b64(PNG)})
        refuse_audio({key: "a few words"})

    def test_a_type_beside_data(self):
        for key in ("mime_type", "mimeType", "media_type"):
            refused(chat(TEXT, extra={key: "audio/pcm", "data": "AAAA"}), "not understood here")

    def test_deep_nesting(self):
        value = "x"
        for _ in range(3000):
            value = [value]
        with pytest.raises(PayloadError, match="nested too deeply"):
            refuse_audio(chat(TEXT, extra=value))

    def test_python_objects(self):
        refused(chat(TEXT, extra=b"RIFF"), "a bytes is not JSON")
        refused(chat(TEXT, extra=object()), "a object is not JSON")


def dressed(clip):
    return [
        b64(clip),
        "data:audio/x;base64," + b64(clip),
        base64.encodebytes(clip).decode(),
        base64.urlsafe_b64encode(clip).decode(),
        json.dumps({"in": [b64(clip)]}),
        "words " + b64(clip),
    ]


# Requests are drawn with short names in place of the clips, which are put in afterwards.
CLIPS = [text for suffix in RAW for text in dressed(RAW[suffix])]
DRESSED = st.integers(0, len(CLIPS) - 1).map("<{}>".format)
KNOWN = st.sampled_from(
    [
        {"type": "input_audio", "input_audio": {"data": "<0>", "format": "wav"}},
        {"type": "input_audio", "input_audio": {"data": "<6>", "format": "mp3"}},
        {"type": "audio_url", "audio_url": {"url": "<uri>"}},
    ]
)


def filled(value):
    """The request with the clips put in."""
    if isinstance(value, dict):
        return {filled(key): filled(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner) for inner in value]
    if value == "<uri>":
        return "data:audio/wav;base64," + CLIPS[0]
    if isinstance(value, str) and (match := re.fullmatch(r"<([0-9]+)>", value)):
        return CLIPS[int(match[1]) % len(CLIPS)]
    return value


WORDS = st.sampled_from(
    ["type", "text", "content", "messages", "input", "output", "input_audio", "audio_url", "data",
     "url", "format", "file", "file_data", "role", "user", "message", "function_call_output",
     "input_text", "image_url", "x"]
)  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | WORDS


@st.composite
def planted(draw, key):
    """A request, half of it as it should be, with clips in any place of it."""
    tree = st.recursive(
        LEAVES | DRESSED | KNOWN,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(WORDS | st.text(max_size=5), inner, max_size=3)
            | st.builds(
                lambda parts: {"role": "user", "content": parts}, st.lists(inner, max_size=3)
            )
            | st.builds(lambda value, kind: {"type": kind, kind: value}, inner, WORDS)
        ),
        max_leaves=6,
    )
    entries = st.lists(
        st.builds(
            lambda parts: {"role": "user", "content": parts}, st.lists(KNOWN | tree, max_size=3)
        )
        | tree,
        max_size=3,
    )
    right = st.lists(
        st.builds(
            lambda parts: {"role": "user", "content": parts},
            st.lists(KNOWN, min_size=1, max_size=3),
        ),
        min_size=1,
        max_size=3,
    )
    beside = st.just({}) | st.dictionaries(WORDS, LEAVES, max_size=2) | st.dictionaries(WORDS, tree)
    return draw(beside) | {key: draw(right | entries | tree)}


outcomes_seen = {"converted": 0, "refused": 0, "nothing in it": 0}


def never_raw(body, protect):
    body = filled(body)
    try:
        made, clips = protected(body, protect)
    except PayloadError:
        outcomes_seen["refused"] += 1
        return
    assert not leaks(made)
    assert clips or not leaks(body)
    outcomes_seen["converted" if clips else "nothing in it"] += 1


@settings(max_examples=EXAMPLES, deadline=None)
@given(planted("messages"))
def test_a_clip_anywhere_in_a_chat_never_comes_out_raw(body):
    never_raw(body, protect_chat)


@settings(max_examples=EXAMPLES, deadline=None)
@given(planted("input"))
def test_a_clip_anywhere_in_responses_never_comes_out_raw(body):
    never_raw(body, protect_responses)


def test_the_properties_saw_both_outcomes(outcomes):
    if not sum(outcomes_seen.values()):
        pytest.skip("run with the properties before it")
    outcomes.append(f"random requests with a clip planted: {outcomes_seen}")
    assert outcomes_seen["refused"] > 50
    assert outcomes_seen["converted"] > 10
