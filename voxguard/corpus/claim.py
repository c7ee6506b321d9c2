"""A lock on a unit, which also remembers what its holder had in hand when it died."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows: no locks, so two runs on one target are not kept apart
    fcntl = None

DEATHS = 3  # after so many, an item is taken to be what kills


class Claim:
    """A unit in one process's hands.

    Attributes:
        inherited: Whether a killed process had it before, and may have left temporary files.
    """

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor
        self._deaths: dict[str, int] = {}
        self.inherited = False
        if descriptor is None:
            return
        if last := os.pread(descriptor, 1 << 16, 0):
            self.inherited = True
            try:
                told = json.loads(last)
                self._deaths = {str(told["item"]): int(told["deaths"]) + 1}
            except (ValueError, KeyError, TypeError):
                self._deaths = {}  # it died while it wrote this
        self._tell({"item": None, "deaths": 0} if not self._deaths else self._last())

    def _last(self) -> dict[str, Any]:
        item, deaths = next(iter(self._deaths.items()))
        return {"item": item, "deaths": deaths - 1}  # until it is taken in hand again

    def take(self, item: str) -> bool:
        """Take an item in hand; False if that has killed a process too often."""
        deaths = self._deaths.get(item, 0)
        if deaths >= DEATHS:
            return False
        self._tell({"item": item, "deaths": deaths})
        return True

    def _tell(self, what: dict[str, Any]) -> None:
        if self._descriptor is not None:
            content = json.dumps(what).encode("ascii")
            os.pwrite(self._descriptor, content.ljust(256), 0)
            os.ftruncate(self._descriptor, max(256, len(content)))


@contextmanager
def claim(folder: Path | None, name: str) -> Iterator[Claim | None]:
    """Hold a unit for as long as the process lives; the system lets go of a dead one's.

    Args:
        folder: Where locks lie; None if there can be none.
        name: Of the unit, as a file name.

    Yields:
        The claim, or None if another process has the unit in hand.
    """
    if folder is None or fcntl is None:
        yield Claim(None)
        return
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f".voxguard-{name}.claim"
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
            yield Claim(descriptor)
        finally:  # only a killed process leaves it, for the next one to know what was in hand
            path.unlink()
    finally:
        os.close(descriptor)


def sweep(folder: Path) -> None:
    """Remove the locks of processes that were killed when they were just done."""
    for path in folder.glob(".voxguard-*.claim"):
        name = path.name.removeprefix(".voxguard-").removesuffix(".claim")
        with claim(folder, name):
            pass
