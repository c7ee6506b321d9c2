"""One file a recording, in the folders of the source."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

from voxguard.audio.writer import OUTPUTS
from voxguard.corpus.items import Item, Unit, check_name
from voxguard.corpus.sinks.base import Sink, UnitWriter
from voxguard.corpus.storage import Storage
from voxguard.errors import OutputError, UnsupportedAudioError
from voxguard.files.naming import file_name, own_suffix
from voxguard.files.scan import shown


class FolderSink(Sink):
    """Files of a listing keep their path; those of a shard lie in a folder of its name."""

    def writer(self, unit: Unit, kept_schema: Any) -> FolderWriter:
        """Begin a unit."""
        return FolderWriter(self.storage, unit)

    def folders(self, unit: Unit) -> set[str]:
        """Those of the recordings."""
        if not unit.entries:
            found = {unit.name}
            root = self.storage.local
            if root is not None:
                below = Path(root, unit.name)
                found |= {
                    path.relative_to(root).as_posix() for path in below.rglob("*") if path.is_dir()
                }
            return found
        return {str(PurePosixPath(entry.name).parent) for entry in unit.entries}


class FolderWriter(UnitWriter):
    """Publishes every file at once; a unit that is done again replaces them.

    Args:
        storage: Of the target.
        unit: Which is written.
    """

    def __init__(self, storage: Storage, unit: Unit) -> None:
        self._storage = storage
        self._listed = bool(unit.entries)
        self._written: set[str] = set()
        self._prefix = "" if unit.entries else f"{unit.name}/"
        self._folders: set[str] = set()

    def add(self, item: Item, content: bytes, suffix: str) -> str:
        """Write a file."""
        name = self._prefix + file_name(item.name, suffix)
        if name in self._written:
            raise UnsupportedAudioError(f"{shown(name)} is another recording's; rename one of them")
        self._written.add(name)
        draft = self._storage.draft(name)
        try:
            draft.write(content)
            draft.publish(overwrite=True)
        finally:
            draft.discard()
        self._folders.add(str(PurePosixPath(name).parent))
        return name

    def without(self, item: Item) -> None:
        """Remove what an unmarked attempt wrote for it."""
        if item.problem is not None and not self._listed:  # a shard's name may be another item's
            return
        try:
            check_name(item.name)
        except UnsupportedAudioError:
            return
        own = own_suffix(item.name)
        for suffix in [own] if own else sorted(OUTPUTS):
            name = self._prefix + file_name(item.name, suffix)
            if name not in self._written:
                with suppress(OutputError):  # a name that cannot be, is not there
                    self._storage.remove(name)

    def publish(self) -> set[str]:
        """Everything has its name already."""
        return self._folders

    def discard(self) -> None:
        """What is there is complete; the unit is not marked, and will be done again."""
