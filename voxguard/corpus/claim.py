"""A claim on a unit, which also remembers what its holder had in hand when it died."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from voxguard.corpus.parts import FOLDER
from voxguard.corpus.storage import Storage, StorageError

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows: no locks, so two runs on one target are not kept apart
    fcntl = None

DEATHS = 3  # after so many, an item is taken to be what kills
_PREFIX, _SUFFIX = ".voxguard-", ".claim"


class Note(Protocol):
    """What outlives its writer."""

    cheap: bool  # enough to be written for every item

    def read(self) -> bytes:
        """What a writer before left; nothing if there was none."""

    def write(self, content: bytes) -> None:
        """In place of what is there."""


class Claim:
    """A unit in one process's hands.

    Args:
        note: Where to write what is in hand; None where nothing can be.

    Attributes:
        inherited: Whether a killed process had it before, and may have left temporary files.
    """

    def __init__(self, note: Note | None) -> None:
        self._note = note
        self._deaths: dict[str, int] = {}
        self.inherited = False
        if note is None:
            return
        if last := note.read():
            self.inherited = True
            with suppress(ValueError, KeyError, TypeError, AttributeError):  # half, or another's
                told = json.loads(last)
                self._deaths = {str(item): int(count) for item, count in told["deaths"].items()}
                if (item := told["item"]) is not None:
                    self._deaths[item] = self._deaths.get(item, 0) + 1
        self._tell(None)

    def take(self, item: str) -> bool:
        """Take an item in hand; False if that has killed a process too often."""
        if self._deaths.get(item, 0) >= DEATHS:
            return False
        if self._note is not None and (self._note.cheap or self.inherited):
            self._tell(item)
        return True

    def _tell(self, item: str | None) -> None:
        if self._note is not None:
            self._note.write(json.dumps({"item": item, "deaths": self._deaths}).encode("ascii"))


@contextmanager
def claim(storage: Storage, name: str) -> Iterator[Claim | None]:
    """Hold a unit for as long as the process lives.

    In a file system that has locks, nobody else gets it meanwhile, and the system lets go of a dead
    process's. Elsewhere another process may work on the same, which wastes its time.

    Args:
        storage: Of the target.
        name: Of the unit, as a file name.

    Yields:
        The claim, or None if another process has the unit in hand.
    """
    if storage.local is None:
        note = _Object(storage, f"{FOLDER}/{_PREFIX}{name}{_SUFFIX}")
        try:
            yield Claim(note)
        finally:
            with suppress(StorageError):
                note.remove()
        return
    if fcntl is None:
        yield Claim(None)
        return
    folder = Path(storage.local, FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{_PREFIX}{name}{_SUFFIX}"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        except OSError:  # a network folder without locks
            locked = False
        else:
            locked = True
        if not locked:
            yield Claim(None)
            return
        try:
            mine = path.stat().st_ino == os.fstat(descriptor).st_ino
        except FileNotFoundError:
            mine = False
        if not mine:  # its last holder was just done with it
            yield None
            return
        try:
            yield Claim(_File(descriptor))
        finally:  # only a killed process leaves it, for the next one to know what was in hand
            path.unlink()
    finally:
        os.close(descriptor)


def sweep(storage: Storage) -> None:
    """Remove what processes left that were killed when they were just done."""
    for name in list(storage.names(FOLDER)):
        if name.startswith(_PREFIX) and name.endswith(_SUFFIX):
            with claim(storage, name.removeprefix(_PREFIX).removesuffix(_SUFFIX)):
                pass


class _File:
    """A note in the file that is locked."""

    cheap = True

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read(self) -> bytes:
        return os.pread(self._descriptor, 1 << 16, 0)

    def write(self, content: bytes) -> None:
        os.pwrite(self._descriptor, content.ljust(256), 0)
        os.ftruncate(self._descriptor, max(256, len(content)))


class _Object:
    """A note in a store, where each costs a request: items are noted only after a death."""

    cheap = False

    def __init__(self, storage: Storage, name: str) -> None:
        self._storage, self._name = storage, name

    def read(self) -> bytes:
        try:
            with self._storage.open(self._name) as file:
                return file.read()
        except FileNotFoundError:
            return b""

    def write(self, content: bytes) -> None:
        draft = self._storage.draft(self._name)
        try:
            draft.write(content)
            draft.publish(overwrite=True)
        finally:
            draft.discard()

    def remove(self) -> None:
        self._storage.remove(self._name)
