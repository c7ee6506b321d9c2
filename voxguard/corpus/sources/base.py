"""What every source is: units, listed lazily, and the items of one unit, read lazily."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from voxguard.corpus.items import Item, Unit
from voxguard.corpus.settings import Settings
from voxguard.corpus.storage import Storage, is_address, open_storage, split
from voxguard.errors import ConfigurationError


class Source(ABC):
    """Base of all sources; listing happens in the driver, reading in the workers.

    Args:
        settings: Of the run.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @abstractmethod
    def units(self) -> Iterator[Unit]:
        """Every unit, in an order and with names that are the same in every run.

        Raises:
            ConfigurationError: The source is not there, or is not of this kind.
        """

    @abstractmethod
    def items(self, unit: Unit) -> Iterator[Item]:
        """The items of a unit, each once.

        Raises:
            CorruptAudioError: The rest of the unit cannot be read, now or ever.
            OSError: It cannot be read now.
            StorageError: It cannot be asked for now.
        """

    def kept_schema(self, unit: Unit) -> Any:
        """The Arrow schema of what is kept, where the source has one."""
        return None


class ShardSource(Source):
    """A source of large files; each is a unit.

    Attributes:
        suffixes: What their names end in.
        what: What they are called.
    """

    suffixes: tuple[str, ...]
    what: str

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        location, self._only = settings.source, None
        if location.lower().endswith(self.suffixes) and not Path(location).is_dir():
            location, self._only = split(location)
        self.storage: Storage = open_storage(location)

    def units(self) -> Iterator[Unit]:
        """One a file."""
        if self._only is not None:
            try:
                size = self.storage.size(self._only)
            except FileNotFoundError:
                raise ConfigurationError(
                    f"{self.settings.source} does not exist; an address of a folder ends in /"
                ) from None
            yield Unit(self._only, f"{size:x}")
            return
        if not is_address(self.settings.source) and not Path(self.settings.source).is_dir():
            raise ConfigurationError(f"{self.settings.source} is no {self.what} and no folder")
        empty = True
        for found in self.storage.walk(avoid=self.settings.target):
            if found.problem is not None and found.name.endswith(("/", ".")):  # a folder
                raise ConfigurationError(f"{found.name} may hold shards: {found.problem}")
            if found.name.lower().endswith(self.suffixes):
                empty = False
                yield Unit(found.name, f"{found.size:x}")
        if empty:
            raise ConfigurationError(
                f"{self.settings.source} holds no {self.what} (*{', *'.join(self.suffixes)})"
            )
