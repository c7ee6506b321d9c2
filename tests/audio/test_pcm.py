"""Raw samples and WAV headers for pipes."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from voxguard.audio import read
from voxguard.audio.pcm import WavHeader, decode_pcm, encode_pcm, read_wav_header, wav_header
from voxguard.errors import (
    AudioError,
    CorruptAudioError,
    NonFiniteAudioError,
    UnsupportedAudioError,
)

SUBTYPES = ["PCM_16", "PCM_24", "PCM_32", "FLOAT"]
SOUND = np.random.default_rng(0).uniform(-1, 1, (2, 1001)).astype(np.float32)


class Pipe(io.RawIOBase):
    """Gives a few bytes at a time and cannot seek."""

    def __init__(self, data: bytes) -> None:
        self._inner = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._inner.read(min(size, 3) if size >= 0 else -1)


@pytest.mark.parametrize("subtype", SUBTYPES)
@pytest.mark.parametrize("frames", [1001, None])
def test_header_and_samples_make_a_file(tmp_path: Path, subtype: str, frames: int | None) -> None:
    header = wav_header(16_000, 2, subtype, frames)
    data = header + encode_pcm(SOUND, subtype)
    (tmp_path / "a.wav").write_bytes(data)
    samples, rate = read(tmp_path / "a.wav")
    assert rate == 16_000
    np.testing.assert_array_equal(samples, decode_pcm(data[len(header) :], subtype, 2))
    np.testing.assert_allclose(samples, SOUND, atol=2.0**-15)
    assert read_wav_header(Pipe(data)) == WavHeader(16_000, 2, subtype, frames)


@pytest.mark.parametrize("subtype", SUBTYPES)
def test_reads_what_libsndfile_writes(subtype: str) -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, SOUND.T, 44_100, format="WAV", subtype=subtype)
    pipe = Pipe(buffer.getvalue())
    header = read_wav_header(pipe)
    assert header == WavHeader(44_100, 2, subtype, 1001)
    expected, _ = soundfile.read(io.BytesIO(buffer.getvalue()), dtype="float32")
    rest = pipe.read(-1)[: len(encode_pcm(SOUND, subtype))]  # a pad byte may follow
    np.testing.assert_allclose(decode_pcm(rest, subtype, 2), expected.T, atol=2.0**-30)


@pytest.mark.parametrize("subtype", SUBTYPES)
def test_decode_encode_is_the_identity(subtype: str) -> None:
    data = encode_pcm(SOUND, subtype)
    assert encode_pcm(decode_pcm(data, subtype, 2), subtype) == data


@pytest.mark.parametrize(("subtype", "top"), [("PCM_16", 2**15), ("PCM_32", 2**31)])
def test_integers_clip_and_round(subtype: str, top: int) -> None:
    loud = np.array([[2.0, 1.0, -1.0, -9.0, 0.6 / top, -0.6 / top]], np.float32)
    dtype = "<i2" if subtype == "PCM_16" else "<i4"
    values = np.frombuffer(encode_pcm(loud, subtype), dtype)
    assert values.tolist() == [top - 1, top - 1, -top, -top, 1, -1]


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", CorruptAudioError),
        (b"fLaC" + bytes(40), UnsupportedAudioError),
        (wav_header(16_000, 1, "PCM_16")[:30], CorruptAudioError),
        (b"RIFF\0\0\0\0WAVEdata\0\0\0\0", CorruptAudioError),
        (b"RIFF\0\0\0\0WAVEJUNK\xff\xff\xff\x7f", CorruptAudioError),
        (wav_header(0, 1, "PCM_16"), CorruptAudioError),
        (wav_header(8_000, 1, "PCM_16").replace(struct.pack("<H", 16), b"\x0c\0"), AudioError),
    ],
)
def test_bad_headers(data: bytes, error: type[AudioError]) -> None:
    with pytest.raises(error):
        read_wav_header(Pipe(data))


def test_refusals() -> None:
    with pytest.raises(UnsupportedAudioError, match="PCM_16, PCM_24, PCM_32, FLOAT"):
        wav_header(16_000, 1, "ULAW")
    with pytest.raises(UnsupportedAudioError, match="4 GiB"):
        wav_header(16_000, 2, "FLOAT", 2**29)
    with pytest.raises(CorruptAudioError, match="multiples of 6"):
        decode_pcm(bytes(7), "PCM_24", 2)
    with pytest.raises(NonFiniteAudioError):
        decode_pcm(np.array([np.nan], "<f4").tobytes(), "FLOAT", 1)
    with pytest.raises(NonFiniteAudioError):
        encode_pcm(np.array([[np.inf]], np.float32), "PCM_16")
    with pytest.raises(UnsupportedAudioError, match="channels, n"):
        encode_pcm(np.zeros(3, np.float32), "PCM_16")
