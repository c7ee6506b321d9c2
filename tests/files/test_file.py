"""anonymize_file: whole or nothing, and never the voice that went in."""

import os
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
import soundfile
from raw_files import Fault, Scramble, all_files, assert_no_copy, noise, python_path, write

from voxguard.errors import (
    AudioError,
    CorruptAudioError,
    NonFiniteAudioError,
    OutputError,
    VoxguardError,
)
from voxguard.files import anonymize_file


@pytest.mark.parametrize("rate", [None, 16_000, 22_050])
@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize(
    ("frames", "channels"),
    [(2, 2), (9, 5), (1, 1), (3, 2), (64, 64), (65_537, 2), (200_000, 1), (131_075, 3)],
)
def test_keeps_length_rate_and_channels(tmp_path, frames, channels, live, rate):
    source = write(tmp_path / "in.wav", frames, 44_100, channels)
    target = anonymize_file(source, tmp_path / "out.wav", Scramble(live=live, rate=rate))
    info = soundfile.info(target)
    assert (info.frames, info.samplerate, info.channels) == (frames, 44_100, channels)
    assert all_files(tmp_path) == ["in.wav", "out.wav"]
    if rate is None:
        assert_no_copy(source, target)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT", "DOUBLE", "PCM_U8"])
def test_keeps_the_sample_type(tmp_path, subtype):
    source = write(tmp_path / "in.wav", subtype=subtype)
    assert soundfile.info(anonymize_file(source, tmp_path / "o.wav", Scramble())).subtype == subtype


@pytest.mark.parametrize("rate", [None, 8_000])
def test_blocks_give_what_the_whole_array_gives(tmp_path, rate):
    source = write(tmp_path / "in.wav", 300_001, 16_000, 2, subtype="FLOAT")
    target = anonymize_file(source, tmp_path / "o.wav", Scramble(seed=1, rate=rate), utterance="u")
    samples = np.ascontiguousarray(soundfile.read(source, dtype="float32")[0].T)
    whole = Scramble(seed=1, rate=rate)(samples, 16_000, utterance="u")
    got = soundfile.read(target, dtype="float32")[0].T
    assert np.abs(got - whole).max() <= (0 if rate is None else 1e-5)


def test_a_path_in_gives_a_path_out(tmp_path):
    source = write(tmp_path / "in.wav")
    target = anonymize_file(str(source), str(tmp_path / "o.flac"), Scramble())
    assert target == tmp_path / "o.flac"


def test_memory_does_not_grow_with_the_length(tmp_path):
    def peak(seconds):
        source = tmp_path / f"{seconds}.flac"
        with soundfile.SoundFile(source, "w", 16_000, 1) as file:
            for second in range(seconds):
                file.write(noise(16_000, seed=second))
        tracemalloc.start()
        anonymize_file(source, tmp_path / f"{seconds}.out.flac", Scramble(rate=8_000))
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    few = peak(120)
    assert peak(600) < 1.1 * few


def test_silence_stays_silence(tmp_path):
    soundfile.write(tmp_path / "in.wav", np.zeros(150_000), 16_000)
    target = anonymize_file(tmp_path / "in.wav", tmp_path / "o.wav", Scramble())
    assert not soundfile.read(target)[0].any()


@pytest.mark.parametrize(("live", "after"), [(True, 0), (True, 100_000), (False, 0)])
@pytest.mark.parametrize("kind", ["raise", "nan", "shape", "memory", "copy"])
def test_a_method_that_breaks_leaves_nothing(tmp_path, kind, live, after):
    source = write(tmp_path / "in.wav", 200_000)
    with pytest.raises(VoxguardError) as caught:
        anonymize_file(source, tmp_path / "out.wav", Fault(kind=kind, after=after, live=live))
    assert all_files(tmp_path) == ["in.wav"]
    assert "raw samples" not in str(caught.value)


def test_what_holds_no_voice_may_stay_as_it_is(tmp_path):
    """A constant offset has no formants to move; a method may well give it back."""

    class Still(Scramble):
        def open_stream(self, sample_rate, channels, voice, max_latency_ms):
            stream = super().open_stream(sample_rate, channels, voice, max_latency_ms)
            push = stream.push
            stream.push = lambda samples: samples if np.ptp(samples) == 0 else push(samples)
            stream.flush = lambda: np.zeros((channels, 0), np.float32)
            return stream

    samples = np.full(200_000, 0.25)
    samples[150_000:] = noise(50_000)[:, 0]
    soundfile.write(tmp_path / "in.wav", samples, 16_000)
    anonymize_file(tmp_path / "in.wav", tmp_path / "o.wav", Still(delay=0))


def test_a_copy_never_touches_the_disk(tmp_path, monkeypatch):
    from voxguard.audio import AudioWriter

    written = []
    monkeypatch.setattr(AudioWriter, "write", lambda self, samples: written.append(samples))
    with pytest.raises(VoxguardError, match="changed nothing"):
        anonymize_file(write(tmp_path / "in.wav"), tmp_path / "o.wav", Fault(kind="copy"))
    assert not written


@pytest.mark.parametrize("overwrite", [True, False])
def test_a_failure_leaves_the_old_target(tmp_path, overwrite):
    source, target = write(tmp_path / "in.wav"), tmp_path / "o.wav"
    target.write_bytes(b"old")
    with pytest.raises(VoxguardError):
        anonymize_file(source, target, Fault(), overwrite=overwrite)
    assert target.read_bytes() == b"old"


def test_overwrites_only_when_told(tmp_path):
    source, target = write(tmp_path / "in.wav"), tmp_path / "o.wav"
    target.write_bytes(b"old")
    with pytest.raises(OutputError, match="exists"):
        anonymize_file(source, target, Scramble())
    anonymize_file(source, target, Scramble(), overwrite=True)
    assert_no_copy(source, target)


def test_the_source_is_replaced_only_when_told(tmp_path):
    source = write(tmp_path / "in.wav")
    link = tmp_path / "link.wav"
    link.hardlink_to(source)
    before = source.read_bytes()
    for target in (source, link):
        with pytest.raises(OutputError, match="the source itself"):
            anonymize_file(source, target, Scramble())
    assert source.read_bytes() == before
    anonymize_file(source, source, Scramble(), overwrite=True)
    assert_no_copy(link, source)  # the link still is the voice that went in


@pytest.mark.parametrize("name", ["absent.wav", "folder"])
def test_a_source_that_is_no_file(tmp_path, name):
    (tmp_path / "folder").mkdir()
    with pytest.raises(AudioError, match=name):
        anonymize_file(tmp_path / name, tmp_path / "o.wav", Scramble())


def test_a_target_that_is_a_folder(tmp_path):
    with pytest.raises(OutputError, match="is a folder"):
        anonymize_file(write(tmp_path / "in.wav"), tmp_path, Scramble(), overwrite=True)


def test_a_truncated_file(tmp_path):
    source = write(tmp_path / "in.wav", 200_000)
    source.write_bytes(source.read_bytes()[:-1000])
    with pytest.raises(CorruptAudioError):
        anonymize_file(source, tmp_path / "o.wav", Scramble())
    assert all_files(tmp_path) == ["in.wav"]


def test_nan_in_the_middle(tmp_path):
    samples = noise(200_000)
    samples[150_000] = np.nan
    soundfile.write(tmp_path / "in.wav", samples, 16_000, subtype="FLOAT")
    with pytest.raises(NonFiniteAudioError):
        anonymize_file(tmp_path / "in.wav", tmp_path / "o.wav", Scramble())
    assert all_files(tmp_path) == ["in.wav"]


def test_a_full_disk(tmp_path):
    write(tmp_path / "in.wav", 200_000)
    code = (
        "import resource, signal, sys\n"
        "from voxguard_test_methods import Scramble\n"
        "from voxguard import anonymize_file\n"
        "from voxguard.errors import OutputError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try: anonymize_file('in.wav', 'o.wav', Scramble())\n"
        "except OutputError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path, env=python_path(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "o.wav" in done.stdout
    assert all_files(tmp_path) == ["in.wav"]


def test_a_folder_without_permission(tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    source = write(tmp_path / "in.wav")
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(OutputError):
        anonymize_file(source, tmp_path / "locked" / "o.wav", Scramble())
