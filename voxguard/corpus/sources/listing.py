"""Recordings that are files of their own, gathered into units of about equal work."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Callable, Iterator

from voxguard.corpus.items import Entry, Item, Unit
from voxguard.corpus.settings import Settings
from voxguard.corpus.sources.base import Source
from voxguard.corpus.storage import Storage
from voxguard.errors import UnsupportedAudioError
from voxguard.files.scan import shown


class ListingSource(Source):
    """A source whose units are runs of a listing.

    Args:
        settings: Of the run.
        storage: Where the recordings lie.
    """

    def __init__(self, settings: Settings, storage: Storage) -> None:
        super().__init__(settings)
        self.storage = storage

    @abstractmethod
    def entries(self) -> Iterator[Entry]:
        """The listing, lazily, in an order that stays the same."""

    def units(self) -> Iterator[Unit]:
        """Closed at a number of recordings or of bytes, whichever comes first."""
        entries: list[Entry] = []
        size = number = 0
        for entry in self.entries():
            full = len(entries) >= self.settings.unit_items
            if entries and (full or size + entry.size > self.settings.unit_bytes):
                yield _unit(number, entries)
                entries, size, number = [], 0, number + 1
            entries.append(entry)
            size += entry.size
        if entries:
            yield _unit(number, entries)

    def items(self, unit: Unit) -> Iterator[Item]:
        """One a file."""
        for entry in unit.entries:
            yield Item(
                id=shown(entry.name),
                name=entry.name,
                read=self._reader(entry),
                speaker=entry.speaker,
                kept=entry.kept,
                problem=entry.problem,
            )

    def _reader(self, entry: Entry) -> Callable[[], bytes]:
        limit = self.settings.max_bytes

        def read() -> bytes:
            with self.storage.open(entry.name) as file:
                content = file.read(limit + 1)
            if len(content) > limit:
                raise too_large(limit)
            return content

        return read


def too_large(limit: int) -> UnsupportedAudioError:
    """The error about a file that is larger than a recording of the longest length can be."""
    return UnsupportedAudioError(
        f"its file is larger than the {limit:,} bytes that the longest accepted recording takes; "
        "raise max_seconds, or split it"
    )


def _unit(number: int, entries: list[Entry]) -> Unit:
    digest = hashlib.blake2b(digest_size=8)  # of names and sizes: was the listing another one?
    for entry in entries:
        digest.update(f"{shown(entry.name)}\0{entry.size}\0{entry.speaker}\n".encode())
    return Unit(f"chunk-{number:06d}", digest.hexdigest(), tuple(entries))
