"""Files appear whole or not at all."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from voxguard.audio import AudioWriter, publish, read, remove_abandoned
from voxguard.errors import OutputError

RATE = 16_000
SOUND = (0.3 * np.sin(np.arange(RATE) / 9))[np.newaxis].astype(np.float32)
SUFFIXES = [".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".caf", ".w64"]

needs_fork = pytest.mark.skipif(os.name != "posix", reason="POSIX signals and limits")


def write(
    path: Path,
    samples: np.ndarray = SOUND,
    *,
    overwrite: bool = False,
    then: Callable[[], object] = lambda: None,
) -> None:
    """Write a file, and call `then` before it is published."""
    with AudioWriter(path, RATE, len(samples), overwrite=overwrite) as writer:
        writer.write(samples)
        then()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def run(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_exception_leaves_nothing(tmp_path: Path, suffix: str) -> None:
    def interrupt() -> None:
        assert [name.startswith(".voxguard-") for name in names(tmp_path)] == [True]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / f"a{suffix}", then=interrupt)
    assert not names(tmp_path)


def test_an_exception_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a.wav"
    write(target)
    before = target.read_bytes()
    with pytest.raises(ZeroDivisionError):
        write(target, -SOUND, overwrite=True, then=lambda: 1 // 0)
    assert target.read_bytes() == before
    assert names(tmp_path) == {"a.wav"}


def test_existing_file_is_untouched_without_overwrite(tmp_path: Path) -> None:
    target = tmp_path / "a.wav"
    target.write_bytes(b"precious")
    with pytest.raises(OutputError, match="overwrite"):
        write(target)
    assert target.read_bytes() == b"precious"
    write(target, overwrite=True)
    assert read(target)[0].shape == SOUND.shape


@pytest.mark.parametrize("has_links", [True, False])
def test_name_taken_meanwhile_is_untouched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_links: bool
) -> None:
    if not has_links:
        _forbid_links(monkeypatch)
    with pytest.raises(OutputError, match="exists"):
        write(tmp_path / "a.wav", then=lambda: (tmp_path / "a.wav").write_bytes(b"precious"))
    assert (tmp_path / "a.wav").read_bytes() == b"precious"
    assert names(tmp_path) == {"a.wav"}


def _forbid_links(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)


def test_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _forbid_links(monkeypatch)
    write(tmp_path / "a.wav")
    assert read(tmp_path / "a.wav")[0].shape == SOUND.shape
    assert names(tmp_path) == {"a.wav"}


def test_one_of_two_writers_wins_whole(tmp_path: Path) -> None:
    barrier, outcomes = threading.Barrier(4), []

    def work(level: float) -> None:
        try:
            with AudioWriter(tmp_path / "a.wav", RATE, 1) as writer:
                writer.write(np.full((1, 5 * RATE), level, np.float32))
                barrier.wait()
            outcomes.append("won")
        except OutputError:
            outcomes.append("lost")

    threads = [threading.Thread(target=work, args=(level / 8,)) for level in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["lost", "lost", "lost", "won"]
    assert np.ptp(read(tmp_path / "a.wav")[0]) == 0
    assert names(tmp_path) == {"a.wav"}


def test_parent_folders_are_made(tmp_path: Path) -> None:
    write(tmp_path / "b" / "c" / "a.wav")
    assert read(tmp_path / "b" / "c" / "a.wav")[1] == RATE


def test_unwritable_places_are_output_errors(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="could not be written"):
        write(tmp_path / "file" / "a.wav")
    (tmp_path / "d.wav").mkdir()
    with pytest.raises(OutputError, match="could not be written"):
        write(tmp_path / "d.wav", overwrite=True)
    assert names(tmp_path) == {"file", "d.wav"}


FULL_DISK = """
import resource, signal, sys, numpy as np
from voxguard.audio import publish
from voxguard.audio import AudioWriter
from voxguard.errors import OutputError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
limit = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
noise = np.random.default_rng(0).standard_normal((1, 16000)).astype("f4") / 8
try:
    with AudioWriter(sys.argv[1], 16000, 1) as writer:
        for _ in range(4):
            writer.write(noise)
except OutputError as error:
    print(error)
"""


@needs_fork
@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("missing", [1.0, 0.5, 0.01])
def test_full_disk(tmp_path: Path, suffix: str, missing: float) -> None:
    """The last bytes matter: libsndfile does not report those that do not fit on closing a FLAC."""
    noise = np.random.default_rng(0).standard_normal((1, RATE)).astype(np.float32) / 8
    write(tmp_path / f"whole{suffix}", np.tile(noise, 4))
    size = (tmp_path / f"whole{suffix}").stat().st_size
    limit = size - 1 if missing == 0.01 else int(size * (1 - missing))
    done = run(FULL_DISK, tmp_path / f"a{suffix}", limit)
    assert done.returncode == 0, done.stderr
    assert f"a{suffix} could not be written: File too large" in done.stdout
    assert names(tmp_path) == {f"whole{suffix}"}


ENDLESS = """
import sys, time, numpy as np
from voxguard.audio import publish
from voxguard.audio import AudioWriter
with AudioWriter(sys.argv[1], 16000, 1) as writer:
    writer.write(np.zeros((1, 16000), "f4"))
    print("written", flush=True)
    time.sleep(60)
"""


@needs_fork
def test_killed_process_leaves_only_what_is_cleaned(tmp_path: Path) -> None:
    dead = subprocess.Popen(
        [sys.executable, "-c", ENDLESS, str(tmp_path / "dead.wav")], stdout=subprocess.PIPE
    )
    with dead:
        assert dead.stdout is not None
        assert dead.stdout.readline() == b"written\n"
        assert remove_abandoned(tmp_path) == 0  # still alive
        dead.send_signal(signal.SIGKILL)
        dead.wait()
    assert [name.startswith(".voxguard-") for name in names(tmp_path)] == [True]
    (tmp_path / "mine.part").write_bytes(b"")
    with AudioWriter(tmp_path / "alive.wav", RATE, 1) as writer:
        writer.write(SOUND)
        assert remove_abandoned(tmp_path) == 1
    assert names(tmp_path) == {"alive.wav", "mine.part"}


def test_file_taken_between_creation_and_lock_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def lock_too_late(_: int) -> bool:
        calls.append(1)
        if len(calls) == 1:
            next(tmp_path.glob(".voxguard-*")).unlink()
        return True

    monkeypatch.setattr(publish, "_lock", lock_too_late)
    write(tmp_path / "a.wav")
    assert len(calls) == 2
    assert names(tmp_path) == {"a.wav"}


@needs_fork
def test_cleaning_never_breaks_a_writer(tmp_path: Path) -> None:
    """A cleaner that runs between creation and lock must not take the file."""
    stop = threading.Event()

    def clean() -> None:
        while not stop.is_set():
            remove_abandoned(tmp_path)

    cleaner = threading.Thread(target=clean)
    cleaner.start()
    try:
        end = time.monotonic() + 1.0
        count = 0
        while time.monotonic() < end:
            write(tmp_path / f"{count}.wav")
            count += 1
    finally:
        stop.set()
        cleaner.join()
    assert names(tmp_path) == {f"{index}.wav" for index in range(count)}
