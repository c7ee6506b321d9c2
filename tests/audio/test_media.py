"""MP4 and WebM, made here by PyAV: read whole or refused, and nothing else."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from voxguard import McAdams, anonymize_bytes, anonymize_file
from voxguard.audio import AudioReader, encode, read
from voxguard.errors import AudioError, CorruptAudioError, UnsupportedAudioError

RATE = 16_000
KINDS = [
    ("ipod", "aac", 44_100, "MP4", 0.1), ("3gp", "aac", 8_000, "MP4", 0.1),
    ("mp4", "alac", 44_100, "MP4", 1e-4), ("mov", "pcm_s16le", RATE, "MP4", 1e-4),
    ("mp4", "libopus", 48_000, "MP4", 0.1), ("webm", "libopus", 48_000, "WebM", 0.1),
    ("matroska", "flac", RATE, "WebM", 1e-4),
]  # fmt: skip
Make = Callable[..., bytes]


def likeness(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> float:
    length = min(len(one), len(other))
    return float(np.corrcoef(one[:length], other[:length])[0, 1])


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(("muxer", "codec", "rate", "kind", "loss"), KINDS)
def test_what_was_recorded_is_read(
    make_media: Make,
    make_voice: Any,
    muxer: str,
    codec: str,
    rate: int,
    kind: str,
    loss: float,
    channels: int,
) -> None:
    content = make_media(muxer, codec, rate, channels)
    with AudioReader(content) as reader:
        assert (reader.format, reader.channels, reader.sample_rate) == (kind, channels, rate)
        assert reader.subtype in (codec.upper(), codec.upper().removeprefix("LIB"))
    samples, found = read(content)
    assert found == rate
    assert samples.dtype == np.float32
    assert 2 * rate <= samples.shape[1] < 2.1 * rate
    voice = make_voice(seconds=2.0, sample_rate=rate)
    assert all(likeness(channel, voice) > 1 - loss for channel in samples)


def test_blocks_join_to_the_whole(make_media: Make) -> None:
    content = make_media("ipod", "aac")
    with AudioReader(content) as reader:
        blocks = list(reader.blocks(777))
    assert {block.shape[1] for block in blocks[:-1]} == {777}
    assert np.array_equal(np.concatenate(blocks, axis=1), read(content)[0])


@pytest.mark.parametrize(("muxer", "codec", "rate"), [kind[:3] for kind in KINDS])
def test_cut_anywhere_it_is_refused(make_media: Make, muxer: str, codec: str, rate: int) -> None:
    content = make_media(muxer, codec, rate)
    for end in {*range(12, len(content), 997), len(content) - 1}:
        with pytest.raises((CorruptAudioError, UnsupportedAudioError)):
            read(content[:end])


@pytest.mark.parametrize(("muxer", "codec"), [("ipod", "aac"), ("webm", "libopus")])
def test_tags_that_are_no_text_do_not_matter(make_media: Make, muxer: str, codec: str) -> None:
    content = make_media(muxer, codec, 48_000)
    odd = content.replace(b"Lavf", b"\xff\xfe\xfa\xfb").replace(b"Lavc", b"\xc3\x28\xfa\xfb")
    assert odd != content
    assert np.array_equal(read(odd)[0], read(content)[0])


def test_a_browsers_recording_of_unknown_length(make_media: Make) -> None:
    content = make_media("webm", "libopus", 48_000, live="1")
    whole, _ = read(content)
    assert whole.shape[1] >= 2 * 48_000
    refused = 0
    for end in range(len(content) - 600, len(content)):
        try:
            samples, _ = read(content[:end])
        except CorruptAudioError:
            refused += 1
        else:  # it ends behind an element, as one that was stopped a moment before
            assert samples.shape[1] < whole.shape[1]
    assert refused > 590


@pytest.mark.parametrize(("muxer", "codec"), [("mp4", "aac"), ("matroska", "flac")])
def test_damage_is_no_crash(make_media: Make, muxer: str, codec: str) -> None:
    content = make_media(muxer, codec)
    rng = np.random.default_rng(0)
    for _ in range(60):
        bad = bytearray(content)
        for place in rng.integers(0, len(bad), 20):
            bad[place] = rng.integers(256)
        try:
            samples, _ = read(bytes(bad))
        except AudioError:
            continue
        assert np.isfinite(samples).all()


def test_pictures_are_left_where_they_are(make_media: Make) -> None:
    samples, _ = read(make_media("mp4", "aac", pictures=True))
    assert samples.shape[1] >= 2 * RATE


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"muxer": "mp4", "codec": "aac", "tracks": 2}, "2 audio tracks in it; one is accepted"),
        ({"muxer": "mp4", "codec": "aac", "tracks": 0, "pictures": True}, "no audio track"),
        ({"muxer": "matroska", "codec": "wavpack"}, "codec wavpack is not accepted"),
    ],
)
def test_what_is_not_one_track_of_speech_is_refused(
    make_media: Make, wanted: Any, says: str
) -> None:
    with pytest.raises(UnsupportedAudioError, match=f"^audio: .*{says}"):
        read(make_media(**wanted))


def test_a_picture_in_mp4_boxes_is_refused() -> None:
    with pytest.raises(UnsupportedAudioError, match="a picture"):
        read(b"\0\0\0\x18ftypheic" + bytes(400))


def test_elements_without_end_are_refused_soon() -> None:
    with pytest.raises(CorruptAudioError, match="more elements"):
        read(b"\x1aE\xdf\xa3\x80" + b"\xec\x80" * 1_000_000)


def test_an_mp4_file_opens_no_other_file(make_media: Make, tmp_path: Path) -> None:
    (tmp_path / "secret.wav").write_bytes(encode(np.zeros((1, RATE), np.float32), RATE, "wav"))
    playlist = f"#EXTM3U\n#EXTINF:1,\n{tmp_path}/secret.wav\n".encode()
    with pytest.raises(UnsupportedAudioError, match="not recognised"):
        read(playlist)
    with pytest.raises(AudioError):
        read(b"\x1aE\xdf\xa3\x80" + playlist)


def test_without_the_extra_it_says_what_to_do(
    make_media: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.m4a").write_bytes(make_media("ipod", "aac"))
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(
        UnsupportedAudioError, match=r'a\.m4a: MP4 takes .* "voxguard\[media\]"; or'
    ):
        read(tmp_path / "a.m4a")


def test_a_recording_becomes_a_file_of_another_format(make_media: Make, tmp_path: Path) -> None:
    (tmp_path / "a.m4a").write_bytes(make_media("ipod", "aac"))
    raw, _ = read(tmp_path / "a.m4a")
    anonymize_file(tmp_path / "a.m4a", tmp_path / "b.wav", McAdams())
    safe, rate = read(tmp_path / "b.wav")
    assert (safe.shape, rate) == (raw.shape, RATE)
    assert likeness(raw[0], safe[0]) < 0.9
    with pytest.raises(UnsupportedAudioError, match=r"cannot write \.m4a"):
        anonymize_file(tmp_path / "a.m4a", tmp_path / "b.m4a", McAdams())
    rendered = anonymize_bytes((tmp_path / "a.m4a").read_bytes(), McAdams())
    assert rendered[:4] == b"RIFF"
