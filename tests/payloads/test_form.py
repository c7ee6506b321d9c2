"""Forms: taken apart strictly, made anew; one recording, or documents that hold none."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

import voxguard
from voxguard.audio import encode
from voxguard.errors import PayloadError
from voxguard.payloads.clip import Clip
from voxguard.payloads.form import (
    Field,
    build_form,
    check_upload,
    parse_form,
    protect_transcription,
)

WAV = encode(voxguard.synthetic_voice(seconds=0.3)[None], 16_000, "wav")
OTHER = encode(voxguard.synthetic_voice(seconds=0.3, seed=9)[None], 16_000, "wav")


async def convert(clip):
    assert clip.content == WAV
    return Clip(OTHER, "wav")


def protected(*fields):
    return asyncio.run(protect_transcription(fields, convert))


@given(st.lists(st.tuples(st.sampled_from(["model", "prompt", "ä", 'a"b']), st.binary(max_size=99),
                          st.sampled_from([None, "a.wav", "ü ;.wav"])), max_size=4))  # fmt: skip
def test_there_and_back(parts):
    fields = [Field(*part) for part in parts]
    again = parse_form(*build_form(fields))
    assert [(f.content, f.filename) for f in again] == [(f.content, f.filename) for f in fields]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"--x\r\n\r\n--x--"),
        ("text/plain; boundary=x", b"--x--\r\n"),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"preamble\r\n--x--\r\n"),
        ("multipart/form-data; boundary=x", b"--x\r\nno end"),
        ("multipart/form-data; boundary=x", b"--x\r\nno header\r\n--x--\r\n"),
        ("multipart/form-data; boundary=x", b"--x--\r\nepilogue"),
        ("multipart/form-data; boundary=x",
         b'--x\r\nContent-Disposition: form-data\r\n\r\nv\r\n--x--\r\n'),
        ("multipart/form-data; boundary=x",
         b'--x\r\nContent-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: base64'
         b"\r\n\r\nv\r\n--x--\r\n"),
    ],
)  # fmt: skip
def test_what_is_none(content_type, body):
    with pytest.raises(PayloadError, match="cannot be taken apart"):
        parse_form(content_type, body)


class TestTranscription:
    def test_the_file_is_anonymized(self):
        made = protected(Field("model", b"m"), Field("file", WAV, "Anna.wav", "audio/wav"))
        assert [field.name for field in made] == ["model", "file"]
        assert made[1].content == OTHER
        assert made[1].filename == "audio.wav"

    @pytest.mark.parametrize(
        "fields",
        [
            [],
            [Field("model", b"m")],
            [Field("file", WAV)],  # as a value
            [Field("voice", WAV, "a.wav")],
            [Field("file", WAV, "a.wav"), Field("file", WAV, "b.wav")],
            [Field("file", WAV, "a.wav"), Field("more", WAV, "b.wav")],
            [Field("file", WAV, "a.wav"), Field("more", WAV)],
            [Field("file", WAV, "a.wav"), Field("known_speaker_references[]", b"x")],
        ],
    )
    def test_refused(self, fields):
        with pytest.raises(PayloadError):
            protected(*fields)

    def test_a_converter_that_gives_back_what_it_got(self):
        async def lazy(clip):
            return Clip(clip.content, "wav")

        with pytest.raises(PayloadError, match="nothing new"):
            asyncio.run(protect_transcription([Field("file", WAV, "a.wav")], lazy))


class TestUploads:
    @pytest.mark.parametrize("content", [b"text", b"%PDF-1.7 x", b"\xff\xd8\xff\xe0 picture"])
    def test_documents_pass(self, content):
        check_upload([Field("file", content, "a.bin"), Field("purpose", b"user_data")])

    @pytest.mark.parametrize(
        "field",
        [
            Field("file", WAV, "a.txt"),
            Field("file", b"%PDF-1.7 " + WAV, "a.pdf"),
            Field("file", WAV[44:], "a.txt"),
            Field("file", b"text", "a.wav", "audio/wav"),
            Field("file", b"PK\x03\x04\xfe", "a.zip"),
            Field("file", b"", "data:audio/wav;base64,UklGRiQAAABXQVZF"),
            Field("purpose", WAV),
        ],
    )
    def test_others_do_not(self, field):
        with pytest.raises(PayloadError, match="not sent"):
            check_upload([field])
