"""What every sink is: it opens a writer for a unit, whose work counts when the unit is marked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

from voxguard.corpus.items import Item, Unit
from voxguard.corpus.settings import Settings
from voxguard.corpus.storage import Draft, Storage


class Sink(ABC):
    """Base of all sinks.

    Args:
        settings: Of the run.
        storage: Of the target.
    """

    def __init__(self, settings: Settings, storage: Storage) -> None:
        self.settings = settings
        self.storage = storage

    @abstractmethod
    def writer(self, unit: Unit, kept_schema: Any) -> UnitWriter:
        """Begin a unit.

        Args:
            unit: Which.
            kept_schema: Arrow's schema of what is kept, if the source has one.

        Raises:
            OutputError: It cannot be written there.
        """

    @abstractmethod
    def folders(self, unit: Unit) -> set[str]:
        """Where a killed process may have left temporary files of a unit."""

    def finish(self, parts: Iterable[str]) -> None:  # noqa: B027
        """Called when every unit is complete.

        Args:
            parts: Their file names without prefix and suffix, in order.
        """


class UnitWriter(ABC):
    """What a sink writes of one unit."""

    @abstractmethod
    def add(self, item: Item, content: bytes, suffix: str) -> str:
        """Take the content of an anonymized audio file.

        Args:
            item: Which; its side data go along.
            content: Of the file.
            suffix: Of its format, without dot.

        Returns:
            Where it will be found, for the manifest.

        Raises:
            OutputError: It could not be written.
        """

    def without(self, item: Item) -> None:  # noqa: B027
        """See that nothing of an earlier attempt bears the name of an item that failed."""

    @abstractmethod
    def publish(self) -> set[str]:
        """Give everything its name; the folders that were written to."""

    @abstractmethod
    def discard(self) -> None:
        """Leave nothing that is not complete; harmless after `publish`."""


class ShardWriter(UnitWriter):
    """A writer of one file.

    Args:
        storage: Of the target.
        name: Of the file.
    """

    def __init__(self, storage: Storage, name: str) -> None:
        self.name = name
        self.draft: Draft = storage.draft(name)

    def publish(self) -> set[str]:
        """Close it and give it its name, in place of what an unmarked attempt left."""
        self.close()
        self.draft.publish(overwrite=True)
        return {str(PurePosixPath(self.name).parent)}

    def discard(self) -> None:
        """Remove the draft."""
        self.draft.discard()

    @abstractmethod
    def close(self) -> None:
        """Write what is still to be written."""


def shard_name(unit: Unit, suffix: str) -> str:
    """The file that a unit becomes; distinct units become distinct files.

    Example:
        >>> from voxguard.corpus.items import Unit
        >>> from voxguard.corpus.sinks.base import shard_name
        >>> [shard_name(Unit(name, "1"), ".tar") for name in ("a.tar", "a.parquet", "chunk-1")]
        ['a.tar', 'a.parquet.tar', 'chunk-1.tar']
    """
    return unit.name if unit.name.endswith(suffix) else unit.name + suffix
