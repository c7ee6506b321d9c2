"""One file a recording, and a CSV of them with what is kept of the source's columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

from voxguard.corpus.items import Item, Unit
from voxguard.corpus.parts import FOLDER, part_name
from voxguard.corpus.settings import Settings
from voxguard.corpus.sinks.folder import FolderSink, FolderWriter
from voxguard.corpus.storage import Storage

NAME = "manifest.csv"


class ManifestSink(FolderSink):
    """Rows are written a unit at a time, and become ``manifest.csv`` when all are there."""

    def writer(self, unit: Unit, kept_schema: Any) -> ManifestWriter:
        """Begin a unit."""
        return ManifestWriter(self.storage, unit, self.settings)

    def finish(self, parts: Iterable[str]) -> None:
        """Put the rows together, unit by unit."""
        draft = self.storage.draft(NAME)
        try:
            draft.write(_line(["path", *self.settings.keep]))
            for part in parts:
                with self.storage.open(_rows(part)) as rows:
                    while block := rows.read(1 << 20):
                        draft.write(block)
            draft.publish(overwrite=True)
        finally:
            draft.discard()


class ManifestWriter(FolderWriter):
    """Files and their rows.

    Args:
        storage: Of the target.
        unit: Which is written.
        settings: Of the run.
    """

    def __init__(self, storage: Storage, unit: Unit, settings: Settings) -> None:
        super().__init__(storage, unit)
        self._keep = settings.keep
        self._name = _rows(part_name(unit))
        self._lines: list[bytes] = []

    def add(self, item: Item, content: bytes, suffix: str) -> str:
        """Write a file, and note its row."""
        name = super().add(item, content, suffix)
        self._lines.append(_line([name, *(_cell(item.kept.get(column)) for column in self._keep)]))
        return name

    def publish(self) -> set[str]:
        """Write the rows."""
        draft = self._storage.draft(self._name)
        try:
            for line in self._lines:
                draft.write(line)
            draft.publish(overwrite=True)
        finally:
            draft.discard()
        return super().publish() | {FOLDER}


def _rows(part: str) -> str:
    return f"{FOLDER}/rows-{part}.csv"


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(value)
    return "" if value is None else str(value)


def _line(cells: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode("utf-8", "surrogateescape")
