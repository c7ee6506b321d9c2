"""Clips where they are not understood: such a request does not go out."""

import base64
import json
from typing import ClassVar

import pytest
from clips import ANONYMOUS, PDF, PNG, RAW, TEXT, b64, chat, input_audio, leaks, refused, responses

import voxguard
from voxguard.errors import PayloadError
from voxguard.payloads.openai import protect_chat, protect_responses, refuse_audio


def test_the_look_for_leaks_finds_one():
    assert leaks({"deep": [{"down": b64(RAW["wav"])[1000:1100]}]})
    assert not leaks({"deep": b64(ANONYMOUS["wav"])})


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
