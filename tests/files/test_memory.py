"""A recording in memory: anonymized whole, or an error; nothing on the disk."""

import io
import os

import numpy as np
import pytest
import soundfile

import voxguard
from voxguard.audio import encode, read
from voxguard.errors import AudioError, CorruptAudioError, UnsupportedAudioError, VoxguardError

RATE = 16_000


def recording(samples, suffix="wav", rate=RATE):
    return encode(np.atleast_2d(samples), rate, suffix)


@pytest.mark.parametrize(
    "suffix", ["wav", "flac", "mp3", "ogg", "opus", "aiff", "au", "caf", "w64"]
)
def test_each_format_comes_back_as_it_was(voice, suffix):
    content = recording(voice, suffix)
    out = voxguard.anonymize_bytes(content, voxguard.McAdams())
    assert out[:4] == content[:4] or suffix == "mp3"
    samples, rate = read(out)
    assert rate == RATE
    assert samples.shape == read(content)[0].shape
    assert np.abs(np.corrcoef(samples[0], read(content)[0][0])[0, 1]) < 0.99


def test_as_another_format(voice):
    out = voxguard.anonymize_bytes(recording(voice, "flac"), voxguard.McAdams(), suffix="wav")
    assert out.startswith(b"RIFF")


def test_it_is_what_a_file_gives(voice, tmp_path):
    source, target = tmp_path / "a.flac", tmp_path / "b.flac"
    source.write_bytes(recording(voice, "flac"))
    key = bytes(32)
    voxguard.anonymize_file(source, target, voxguard.McAdams(key=key), speaker="anna")
    out = voxguard.anonymize_bytes(source.read_bytes(), voxguard.McAdams(key=key), speaker="anna")
    assert np.array_equal(read(out)[0], read(target)[0])


def test_metadata_is_left_behind(voice):
    stream = io.BytesIO()
    with soundfile.SoundFile(stream, "w", RATE, 1, format="WAV", subtype="PCM_16") as file:
        file.title, file.artist = "a secret title", "Anna Nym"
        file.write(voice)
    out = voxguard.anonymize_bytes(stream.getvalue(), voxguard.McAdams())
    assert b"Anna" in stream.getvalue()
    assert b"Anna" not in out
    assert b"secret" not in out


class TestLimit:
    def test_up_to_it(self, voice):
        out = voxguard.anonymize_bytes(recording(voice), voxguard.McAdams(), max_seconds=1.0)
        assert read(out)[0].shape == (1, RATE)

    @pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "ogg"])
    def test_over_it(self, make_voice, suffix):
        content = recording(make_voice(seconds=1.2), suffix)
        with pytest.raises(UnsupportedAudioError, match="longer than the 1 s that are accepted"):
            voxguard.anonymize_bytes(content, voxguard.McAdams(), max_seconds=1.0)

    def test_what_unpacks_to_hours(self):
        bomb = recording(np.zeros(48_000 * 1800, np.float32), "flac", 48_000)
        assert len(bomb) < 1_000_000
        with pytest.raises(UnsupportedAudioError, match="longer than"):
            voxguard.anonymize_bytes(bomb, voxguard.McAdams(), max_seconds=600.0)

    def test_many_channels_count(self, voice):
        content = recording(np.stack([voice] * 32))
        with pytest.raises(UnsupportedAudioError, match="longer than"):
            voxguard.anonymize_bytes(content, voxguard.McAdams(), max_seconds=1.0 / 8)


class TestBadOnes:
    def test_no_audio(self):
        with pytest.raises(UnsupportedAudioError, match="audio: not recognised as audio"):
            voxguard.anonymize_bytes(b"nothing of the kind" * 20, voxguard.McAdams())

    @pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "aiff"])
    def test_cut_short(self, voice, suffix):
        content = recording(voice, suffix)
        with pytest.raises(AudioError):
            voxguard.anonymize_bytes(content[: len(content) // 2], voxguard.McAdams())

    def test_empty(self):
        with pytest.raises(CorruptAudioError, match="empty"):
            voxguard.anonymize_bytes(b"", voxguard.McAdams())

    def test_a_header_that_claims_ten_gigabytes(self, voice):
        content = bytearray(recording(voice))
        content[40:44] = (0xEFFF_FFF0).to_bytes(4, "little")
        with pytest.raises(CorruptAudioError, match="cut short"):
            voxguard.anonymize_bytes(bytes(content), voxguard.McAdams())

    def test_every_odd_file(self, shared_data, outcomes):
        anonymizer, done, refused = voxguard.McAdams(), 0, 0
        for path in sorted((shared_data / "odd").rglob("*")):
            if not path.is_file() or path.stat().st_size > 2_000_000:
                continue
            try:
                out = voxguard.anonymize_bytes(path.read_bytes(), anonymizer, suffix="wav")
            except VoxguardError:
                refused += 1
                continue
            assert out.startswith(b"RIFF")
            done += 1
        outcomes.append(f"in memory: {done} anonymized, {refused} refused with a reason")
        assert done > 50
        assert refused > 20


def test_nothing_is_written(voice, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    voxguard.anonymize_bytes(recording(voice, "mp3"), voxguard.McAdams())
    assert os.listdir(tmp_path) == []  # noqa: PTH208
