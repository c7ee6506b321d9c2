"""Truncation, lies in headers, and bytes that nobody wrote on purpose."""

from __future__ import annotations

import io
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voxguard.audio import AudioReader, AudioWriter, read
from voxguard.errors import AudioError, CorruptAudioError, UnsupportedAudioError

RATE = 16_000
SOUND = (0.3 * np.sin(np.arange(2 * RATE + 77) / 9)).astype(np.float32)
SOUND += np.random.default_rng(0).standard_normal(len(SOUND)).astype(np.float32) / 50
FORMATS = [
    ("WAV", "PCM_16"), ("WAV", "FLOAT"), ("WAV", "ULAW"), ("WAV", "IMA_ADPCM"), ("WAVEX", "PCM_24"),
    ("RF64", "PCM_16"), ("W64", "PCM_16"), ("AIFF", "PCM_16"), ("AIFF", "FLOAT"), ("AU", "PCM_16"),
    ("CAF", "PCM_16"), ("SVX", "PCM_16"), ("NIST", "PCM_16"), ("HTK", "PCM_16"), ("FLAC", "PCM_16"),
    ("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III"),
]  # fmt: skip


def encode(kind: str, subtype: str, samples: np.ndarray = SOUND) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, RATE, format=kind, subtype=subtype)
    return buffer.getvalue()


def wav(data: bytes, **changes: int) -> bytes:
    """A WAV of `data` with header fields as given."""
    fields = {"tag": 1, "channels": 1, "rate": RATE, "block": 2, "bits": 16, "size": len(data)}
    fields |= changes
    fmt = struct.pack("<HHIIHH", fields["tag"], fields["channels"], fields["rate"],
                      fields["rate"] * fields["block"] & 0xFFFFFFFF, fields["block"],
                      fields["bits"])  # fmt: skip
    head = b"WAVEfmt " + struct.pack("<I", len(fmt)) + fmt + b"data"
    return b"RIFF" + struct.pack("<I", 36 + len(data)) + head + struct.pack(
        "<I", fields["size"]
    ) + data  # fmt: skip


@pytest.mark.parametrize(("kind", "subtype"), FORMATS)
def test_truncation_is_an_error_wherever_it_happens(
    tmp_path: Path, kind: str, subtype: str
) -> None:
    data = encode(kind, subtype)
    path = tmp_path / "a.bin"
    path.write_bytes(data)
    assert read(path)[0].shape[1] >= len(SOUND)
    cuts = {int(len(data) * part) for part in np.linspace(0, 1, 40, endpoint=False)}
    for cut in sorted(cuts | {1, 4, 12, 43, 44, len(data) - 2}):
        path.write_bytes(data[:cut])
        with pytest.raises(AudioError):
            read(path)


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFF000, 0x80000000, 0x7FFFFFFE])
def test_streamed_wav_is_whole(tmp_path: Path, size: int) -> None:
    data = (SOUND * 32768).astype("<i2").tobytes()
    (tmp_path / "a.wav").write_bytes(wav(data, size=size))
    np.testing.assert_array_equal(
        read(tmp_path / "a.wav")[0][0], np.frombuffer(data, "<i2") / np.float32(32768)
    )


def test_flac_of_unknown_length_is_whole(tmp_path: Path) -> None:
    """What `flac -` and ffmpeg put into a pipe: zero total samples in STREAMINFO."""
    data = bytearray(encode("FLAC", "PCM_16"))
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    (tmp_path / "a.flac").write_bytes(data)
    with AudioReader(tmp_path / "a.flac") as reader:
        assert reader.frames is None
        count = sum(block.shape[1] for block in reader.blocks(1000))
    assert count == len(SOUND)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"size": 0x70000000}, CorruptAudioError),
        ({"rate": 0}, CorruptAudioError),
        ({"channels": 0}, CorruptAudioError),
        ({"channels": 3}, CorruptAudioError),
        ({"bits": 24}, CorruptAudioError),
        ({"block": 0}, CorruptAudioError),
        ({"rate": 0xFFFFFFFF}, AudioError),
        ({"channels": 65535, "block": 0xFFFE}, AudioError),
        ({"channels": 1025, "block": 2050}, AudioError),
        ({"tag": 0x55}, AudioError),
        ({"bits": 64, "block": 8}, UnsupportedAudioError),
    ],
)
def test_lying_wav_headers_are_refused_and_allocate_nothing(
    tmp_path: Path, changes: dict[str, int], error: type[AudioError]
) -> None:
    (tmp_path / "a.wav").write_bytes(wav(bytes(4000), **changes))
    tracemalloc.start()
    with pytest.raises(error):
        read(tmp_path / "a.wav")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1e6


def test_lying_flac_length_allocates_nothing(tmp_path: Path) -> None:
    data = bytearray(encode("FLAC", "PCM_16"))
    data[21] |= 0x0F
    data[22:26] = b"\xff" * 4
    (tmp_path / "a.flac").write_bytes(data)
    with pytest.raises(CorruptAudioError, match="promises 68719476735 frames, 32077"):
        read(tmp_path / "a.flac")


def test_endless_chunks_end(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFF\0\0\0\0WAVE" + bytes(10_000_000))
    with pytest.raises(CorruptAudioError, match="chunks"):
        read(tmp_path / "a.wav")


def test_incomplete_adpcm_block_is_refused(tmp_path: Path) -> None:
    data = bytearray(encode("WAV", "MS_ADPCM"))
    at = data.index(b"data")
    size = struct.unpack("<I", data[at + 4 : at + 8])[0]
    data[at + 4 : at + 8] = struct.pack("<I", size - 10)
    (tmp_path / "a.wav").write_bytes(data[:-10])
    with pytest.raises(UnsupportedAudioError, match="incomplete"):
        read(tmp_path / "a.wav")


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_chained_ogg_is_refused(tmp_path: Path, subtype: str) -> None:
    """libsndfile would give the first stream only."""
    (tmp_path / "a.ogg").write_bytes(encode("OGG", subtype) + encode("OGG", subtype))
    with pytest.raises(UnsupportedAudioError, match="several streams"):
        read(tmp_path / "a.ogg")


def test_missing_ogg_page_is_refused(tmp_path: Path) -> None:
    data = encode("OGG", "VORBIS", np.tile(SOUND, 4))
    pages = [b"OggS" + page for page in data.split(b"OggS")[1:]]
    (tmp_path / "a.ogg").write_bytes(b"".join(pages[:3] + pages[4:]))
    with pytest.raises(CorruptAudioError, match="page 3 is missing"):
        read(tmp_path / "a.ogg")


def test_flac_with_a_changing_rate_is_refused(tmp_path: Path) -> None:
    """The second half's frame headers say 32 kHz, with their numbers and checksums in order."""
    data = bytearray(encode("FLAC", "PCM_16"))
    at = data.index(b"\xff\xf8", 42 + 40)
    frames = []
    while at >= 0:
        frames.append(at)
        at = data.find(b"\xff\xf8" + bytes(data[at + 2 : at + 4]), at + 1)
    for at in frames[3:6]:
        data[at + 2] = data[at + 2] & 0xF0 | 8
        data[at + 5] = _crc8(bytes(data[at : at + 5]))
    (tmp_path / "a.flac").write_bytes(data)
    with pytest.raises(UnsupportedAudioError, match="16000 Hz, 1 channels to 32000 Hz"):
        read(tmp_path / "a.flac")


def _crc8(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x107 if crc & 0x80 else crc << 1) & 0xFF
    return crc


def test_joined_mp3_is_refused_and_trailing_tags_are_not(tmp_path: Path) -> None:
    data = encode("MP3", "MPEG_LAYER_III")
    path = tmp_path / "a.mp3"
    path.write_bytes(b"ID3\x04\0\0\0\0\x01\x00" + bytes(128) + data + b"TAG" + bytes(125))
    assert read(path)[0].shape == (1, len(SOUND))
    path.write_bytes(data + data)
    with pytest.raises(CorruptAudioError, match="promises"):
        read(path)
    path.write_bytes(data[: len(data) // 2] + bytes(100) + data[len(data) // 2 :])
    with pytest.raises(CorruptAudioError):
        read(path)


def test_mp3_without_its_tag_frame_is_whole(tmp_path: Path) -> None:
    """libsndfile guesses the length here, and can guess too low: then an error, never a cut."""
    data = encode("MP3", "MPEG_LAYER_III")
    second = data.index(b"\xff\xf3", 4)
    path = tmp_path / "a.mp3"
    path.write_bytes(data[second:])
    try:
        samples, _ = read(path)
    except CorruptAudioError:
        return
    assert samples.shape[1] >= len(SOUND)


def test_mp3_cut_between_or_inside_frames(tmp_path: Path) -> None:
    """With a tag the count tells; without one, only a cut inside a frame can be told."""
    data = encode("MP3", "MPEG_LAYER_III")
    second, last = data.index(b"\xff\xf3", 4), data.rindex(b"\xff\xf3")
    path = tmp_path / "a.mp3"
    path.write_bytes(data[:last])
    with pytest.raises(CorruptAudioError, match="MPEG frames"):
        read(path)
    path.write_bytes(data[second:-5])
    with pytest.raises(CorruptAudioError, match="inside MPEG frame"):
        read(path)


@pytest.mark.parametrize("kind", ["PAF", "VOC", "MAT5", "IRCAM", "PVF", "SDS"])
def test_formats_that_truncate_in_silence_are_refused(tmp_path: Path, kind: str) -> None:
    (tmp_path / "a.bin").write_bytes(encode(kind, "PCM_16"))
    with pytest.raises(UnsupportedAudioError, match=f"got {kind}, in which a truncated"):
        read(tmp_path / "a.bin")


SMALL = {
    ".wav": encode("WAV", "PCM_16", SOUND[:400]),
    ".flac": encode("FLAC", "PCM_16", SOUND[:400]),
    ".ogg": encode("OGG", "VORBIS", SOUND[:400]),
    ".mp3": encode("MP3", "MPEG_LAYER_III", SOUND[:8000]),
    ".aiff": encode("AIFF", "PCM_16", SOUND[:400]),
    ".w64": encode("W64", "PCM_16", SOUND[:400]),
    ".caf": encode("CAF", "PCM_16", SOUND[:400]),
    ".au": encode("AU", "PCM_16", SOUND[:400]),
}


@pytest.mark.parametrize("suffix", SMALL)
@settings(
    max_examples=150,
    deadline=2_000,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    changes=st.lists(st.tuples(st.integers(0, 127), st.integers(0, 255)), min_size=1, max_size=4)
)
def test_mutated_headers_give_audio_or_an_error(
    tmp_path: Path, suffix: str, changes: list[tuple[int, int]]
) -> None:
    data = bytearray(SMALL[suffix])
    for position, value in changes:
        data[position] = value
    path = tmp_path / f"a{suffix}"
    path.write_bytes(data)
    try:
        samples, rate = read(path)
    except AudioError:
        return
    assert samples.shape[1] > 0
    assert np.isfinite(samples).all()
    assert 4_000 <= rate <= 384_000


@pytest.mark.parametrize("suffix", [".flac", ".ogg", ".opus", ".mp3"])
def test_what_the_writer_writes_passes(tmp_path: Path, suffix: str) -> None:
    with AudioWriter(tmp_path / f"a{suffix}", RATE, 1) as writer:
        for _ in range(30):
            writer.write(SOUND[np.newaxis])
    assert read(tmp_path / f"a{suffix}")[0].shape[1] == 30 * len(SOUND)
