"""Reading and writing of files: round trips, metadata, refusals."""

from __future__ import annotations

import os
import secrets
import struct
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from voxguard.arrays import Samples
from voxguard.audio import AudioReader, AudioWriter, check_sample_rate, read, writer
from voxguard.errors import (
    AudioError,
    CorruptAudioError,
    NonFiniteAudioError,
    OutputError,
    UnsupportedAudioError,
)

RATE = 16_000
SECRET = b"Jane Q. Speaker"
LOSSLESS = [
    *((".wav", kind) for kind in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")),
    *((".flac", kind) for kind in ("PCM_S8", "PCM_16", "PCM_24")),
    *((suffix, "PCM_16") for suffix in (".rf64", ".w64", ".au", ".caf")),
    *((suffix, "FLOAT") for suffix in (".rf64", ".w64", ".au", ".caf", ".aif")),
    *((suffix, "PCM_24") for suffix in (".aiff", ".aif")),
]  # fmt: skip
LOSSY = [
    (".ogg", "VORBIS"),
    (".oga", "VORBIS"),
    (".ogg", "OPUS"),
    (".opus", "OPUS"),
    (".mp3", None),
]
STEPS = {"PCM_S8": 2.0**-7, "PCM_U8": 2.0**-7, "PCM_16": 2.0**-15, "PCM_24": 2.0**-23}


def make_sound(channels: int = 2, frames: int = 3 * RATE + 77, seed: int = 0) -> Samples:
    """A tone of its own per channel, and some noise."""
    time = np.arange(frames) / RATE
    tones = [0.4 * np.sin(2 * np.pi * 220 * (1 + c) * time) for c in range(channels)]
    noise = np.random.default_rng(seed).standard_normal((channels, frames)) * 0.01
    return (np.array(tones) + noise).astype(np.float32)


def write(path: Path, samples: Samples, rate: int = RATE, **options: Any) -> Path:
    with AudioWriter(path, rate, len(samples), **options) as writer:
        writer.write(samples)
    return path


@pytest.mark.parametrize(("suffix", "subtype"), LOSSLESS)
def test_lossless_round_trip(tmp_path: Path, suffix: str, subtype: str) -> None:
    sound = make_sound()
    path = write(tmp_path / f"a{suffix}", sound, subtype=subtype)
    with AudioReader(path) as reader:
        assert (reader.subtype, reader.frames) == (subtype, sound.shape[1])
    back, rate = read(path)
    assert rate == RATE
    assert back.dtype == np.float32
    assert back.flags.c_contiguous
    # Half a step: rounded, not truncated as libsndfile does.
    np.testing.assert_allclose(back, sound, rtol=0, atol=STEPS.get(subtype, 0) / 2 + 1e-9)
    again, _ = read(write(tmp_path / f"b{suffix}", back, subtype=subtype))
    np.testing.assert_array_equal(again, back)


@pytest.mark.parametrize(("suffix", "subtype"), LOSSY)
@pytest.mark.parametrize("channels", [1, 2])
def test_lossy_round_trip(tmp_path: Path, suffix: str, subtype: str | None, channels: int) -> None:
    sound = make_sound(channels)
    back, rate = read(write(tmp_path / f"a{suffix}", sound, subtype=subtype))
    assert rate == RATE
    assert back.shape == sound.shape
    error = np.sqrt(np.mean((back - sound) ** 2))
    assert error < 0.05 * np.sqrt(np.mean(sound**2)) + 0.012  # the noise is not coded


@pytest.mark.parametrize(
    ("suffix", "asked", "chosen"),
    [
        (".flac", "FLOAT", "PCM_24"),
        (".flac", "PCM_32", "PCM_24"),
        (".flac", "VORBIS", "PCM_16"),
        (".wav", "MS_ADPCM", "PCM_16"),
        (".wav", "ULAW", "PCM_16"),
        (".wav", "nonsense", "PCM_16"),
        (".opus", "VORBIS", "OPUS"),
        (".ogg", "PCM_16", "VORBIS"),
        (".ogg", None, "VORBIS"),
        (".mp3", "FLOAT", "MPEG_LAYER_III"),
    ],
)
def test_subtype_is_kept_or_replaced(
    tmp_path: Path, suffix: str, asked: str | None, chosen: str
) -> None:
    path = write(tmp_path / f"a{suffix}", make_sound(), subtype=asked)
    assert soundfile.info(path).subtype == chosen


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "PCM_32", "PCM_U8"])
def test_integers_clip(tmp_path: Path, subtype: str) -> None:
    loud = np.array([[1.0, 1.5, 100.0, -1.0, -1.5, -100.0]], np.float32)
    back, _ = read(write(tmp_path / "a.wav", loud, subtype=subtype))
    assert (back[0, :3] > 0.99).all()
    assert (back[0, 3:] == -1.0).all()


@pytest.mark.parametrize("suffix", [".ogg", ".opus", ".mp3"])
def test_lossy_formats_clip_what_they_encode(tmp_path: Path, suffix: str) -> None:
    back, _ = read(write(tmp_path / f"a{suffix}", 10 * make_sound(1)))
    assert np.abs(back).max() < 2


def test_blocks_are_of_the_size_asked_for_and_make_up_the_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp3", make_sound())
    with AudioReader(path) as reader:
        blocks = list(reader.blocks(10_007))
    assert {block.shape for block in blocks[:-1]} == {(2, 10_007)}
    np.testing.assert_array_equal(np.concatenate(blocks, axis=1), read(path)[0])


def test_memory_is_bounded(tmp_path: Path) -> None:
    """An hour would be 230 MB in memory; ten minutes (38 MB) show that blocks do not pile up."""
    path, second = tmp_path / "long.flac", make_sound(1, RATE)
    with AudioWriter(path, RATE, 1) as writer:
        for _ in range(600):
            writer.write(second)
    tracemalloc.start()
    with AudioReader(path) as reader, AudioWriter(tmp_path / "b.wav", RATE, 1) as copy:
        for block in reader.blocks(1 << 16):
            copy.write(block)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6e6


def test_long_vorbis_write_does_not_crash(tmp_path: Path) -> None:
    """In one go, libsndfile overflows the stack: in a subprocess, since it takes pytest along."""
    code = (
        "import sys, numpy as np\nfrom voxguard.audio import AudioWriter\n"
        "with AudioWriter(sys.argv[1], 48000, 2) as w: w.write(np.zeros((2, 12_000_000), 'f4'))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.ogg")], check=False)
    assert done.returncode == 0


# --- metadata --------------------------------------------------------------------------------


def tagged(path: Path, kind: str, subtype: str) -> Path:
    sound = make_sound(1, RATE)
    with soundfile.SoundFile(
        path, "w", samplerate=RATE, channels=1, format=kind, subtype=subtype
    ) as file:
        for field in ("title", "artist", "comment", "copyright", "date", "album"):
            setattr(file, field, SECRET.decode())
        file.write(sound[0])
    data = path.read_bytes()
    if kind == "WAV":
        bext = SECRET.ljust(602, b"\0")
        extra = b"bext" + struct.pack("<I", 602) + bext + b"id3 " + struct.pack("<I", 16) + b"ID3 "
        data += extra + SECRET[:12]
        data = data[:4] + struct.pack("<I", len(data) - 8) + data[8:]
    if kind == "MP3":
        data += b"TAG" + SECRET.ljust(125, b"\0")
    path.write_bytes(data)
    assert data.count(SECRET[:12]) >= 4
    return path


@pytest.mark.parametrize(
    ("kind", "subtype"),
    [
        ("WAV", "PCM_16"),
        ("FLAC", "PCM_16"),
        ("OGG", "VORBIS"),
        ("OGG", "OPUS"),
        ("MP3", "MPEG_LAYER_III"),
    ],
)
@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".caf"])
def test_tags_do_not_pass(tmp_path: Path, kind: str, subtype: str, suffix: str) -> None:
    source = tagged(tmp_path / "source", kind, subtype)
    target = tmp_path / f"target{suffix}"
    with (
        AudioReader(source) as reader,
        AudioWriter(target, reader.sample_rate, 1, subtype=reader.subtype) as writer,
    ):
        for block in reader.blocks(4096):
            writer.write(block)
    data = target.read_bytes()
    assert SECRET[:4] not in data
    assert not any(mark in data[:4096] for mark in (b"LIST", b"bext", b"ID3", b"id3 "))
    with soundfile.SoundFile(target) as file:
        assert file.copy_metadata() == {}


@pytest.mark.parametrize(
    ("suffix", "order"), [(".wav", "<"), (".aiff", ">"), (".rf64", "<"), (".w64", "<")]
)
def test_float_files_do_not_say_when(tmp_path: Path, suffix: str, order: str) -> None:
    data = write(tmp_path / f"a{suffix}", make_sound(), subtype="FLOAT").read_bytes()
    at = data.find(b"PEAK")
    if at >= 0:
        assert struct.unpack(order + "II", data[at + 8 : at + 16]) == (1, 0)


@pytest.mark.parametrize(("suffix", "subtype"), [*LOSSLESS, (".mp3", None)])
def test_same_sound_gives_same_bytes(tmp_path: Path, suffix: str, subtype: str | None) -> None:
    """Nothing in a file depends on when, where or by whom it was written."""
    first = write(tmp_path / f"a{suffix}", make_sound(), subtype=subtype).read_bytes()
    os.utime(tmp_path / f"a{suffix}", (0, 0))
    second = write(tmp_path / "x" / f"other{suffix}", make_sound(), subtype=subtype).read_bytes()
    assert first == second


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_ogg_serial_number_is_random(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, subtype: str
) -> None:
    """libsndfile's come from the clock, and each from the last; the checksums must still hold."""
    monkeypatch.setattr(secrets, "token_bytes", lambda size: b"\xfe\xdc\xba\x98"[:size])
    path = write(tmp_path / "a.ogg", make_sound(1), subtype=subtype)
    pages = path.read_bytes().split(b"OggS")[1:]
    assert len(pages) > 3
    assert {page[10:14] for page in pages} == {b"\xfe\xdc\xba\x98"}
    assert read(path)[0].shape == make_sound(1).shape  # libogg drops pages that do not check


# --- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [4_000, 384_000, np.int32(16_000), 16_000.0, np.float64(8_000)])
def test_sample_rates_accepted(rate: Any) -> None:
    assert check_sample_rate(rate) == int(rate)
    assert type(check_sample_rate(rate)) is int


@pytest.mark.parametrize(
    "rate", [None, True, "16000", 3_999, 384_001, 0, -1, 16_000.5, float("nan"), float("inf"), [1]]
)
def test_sample_rates_refused(rate: Any) -> None:
    with pytest.raises(UnsupportedAudioError, match="accepted: a whole number"):
        check_sample_rate(rate)


def test_slow_file_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", make_sound()[0], 3_000)
    with pytest.raises(UnsupportedAudioError, match=r"a\.wav: got sample rate 3000 Hz"):
        read(tmp_path / "a.wav")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_non_finite_is_refused_both_ways(tmp_path: Path, bad: float) -> None:
    sound = make_sound(1)
    sound[0, -1] = bad
    soundfile.write(tmp_path / "a.wav", sound[0], RATE, subtype="FLOAT")
    with pytest.raises(NonFiniteAudioError):
        read(tmp_path / "a.wav")
    with pytest.raises(NonFiniteAudioError):
        write(tmp_path / "b.wav", sound)
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


@pytest.mark.parametrize(
    ("name", "content", "error", "says"),
    [
        ("a.wav", b"", CorruptAudioError, "empty"),
        ("a.wav", b"version https://git-lfs.github.com/spec", UnsupportedAudioError, "lfs pull"),
        ("a.m4a", b"\0\0\0\x20ftypM4A ", CorruptAudioError, "cut short"),
        ("a.m4a", b"\0\0\0\x0cftypM4A ", CorruptAudioError, "moov"),
        ("a.webm", b"\x1aE\xdf\xa3" + bytes(40), CorruptAudioError, "no element"),
        ("a.amr", b"#!AMR\n" + bytes(40), UnsupportedAudioError, "ffmpeg"),
        ("a.raw", bytes(9999), UnsupportedAudioError, "headerless"),
        ("a.gsm", bytes(9999), UnsupportedAudioError, "headerless"),
        ("a.txt", b"hello", UnsupportedAudioError, "not recognised"),
    ],
)  # fmt: skip
def test_what_is_not_audio(
    tmp_path: Path, name: str, content: bytes, error: type[AudioError], says: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=says) as caught:
        AudioReader(tmp_path / name)
    assert str(caught.value).startswith(f"{name}: ")
    assert str(tmp_path) not in str(caught.value)


def test_missing_directory_pipe(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"no\.wav: cannot be read: No such file"):
        read(tmp_path / "no.wav")
    with pytest.raises(AudioError, match="directory"):
        read(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.wav")
        with pytest.raises(AudioError, match="not a regular file"):
            read(tmp_path / "pipe.wav")


@pytest.mark.parametrize(("name", "rate", "channels"), [
    ("a.xyz", RATE, 1), ("a", RATE, 1), ("a.raw", RATE, 1), ("a.opus", 44_100, 1),
    ("a.mp3", 96_000, 1), ("a.mp3", RATE, 3), ("a.flac", RATE, 9), ("a.wav", RATE, 2_000),
])  # fmt: skip
def test_outputs_refused(tmp_path: Path, name: str, rate: int, channels: int) -> None:
    with pytest.raises(UnsupportedAudioError, match=r"accepted|cannot hold"):
        write(tmp_path / name, np.zeros((channels, 10), np.float32), rate)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.opus", "a.mp3"])
def test_rates_that_a_codec_lacks_say_what_to_do(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnsupportedAudioError, match=r"write \.wav or \.flac, or resample"):
        AudioWriter(tmp_path / name, 40_000, 1)


@pytest.mark.parametrize(
    "samples",
    [np.zeros(10, np.float32), np.zeros((10, 2), np.float32), np.zeros((2, 10), np.int16)],
)
def test_wrong_layout_is_refused(tmp_path: Path, samples: Any) -> None:
    with (
        pytest.raises(UnsupportedAudioError, match=r"\(2, n\)"),
        AudioWriter(tmp_path / "a.wav", RATE, 2) as writer,
    ):
        writer.write(samples)


def test_nothing_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no samples"), AudioWriter(tmp_path / "a.wav", RATE, 2):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".wav", ".aiff", ".au"])
def test_four_gib_is_an_error_before_corruption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr(writer, "_FOUR_GIB", 100_000)
    with pytest.raises(OutputError, match="4 GiB"):
        write(tmp_path / f"a{suffix}", make_sound())
    assert not list(tmp_path.iterdir())
    write(tmp_path / "a.rf64", make_sound())
