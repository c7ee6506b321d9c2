"""Where corpora lie: local folders, and object stores through fsspec."""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any, Protocol

from voxguard.errors import VoxguardError

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


class StorageError(VoxguardError):
    """A store gave no answer, or refused one; what was asked about may be as good as ever."""


@dataclass(frozen=True)
class Found:
    """A file in a listing, or what could not be listed.

    Attributes:
        name: Relative to the storage, with ``/``.
        size: In bytes.
        problem: Why it cannot be read.
    """

    name: str
    size: int = 0
    problem: str | None = None


class Draft(Protocol):
    """A file that gets its name when it is complete."""

    def write(self, data: Any, /) -> int:
        """Append."""

    def publish(self, *, overwrite: bool) -> None:
        """Give it its name."""

    def discard(self) -> None:
        """Leave nothing of it; harmless after `publish`."""


class Storage(ABC):
    """Files under one root. Names are relative, with ``/``; objects go to workers pickled."""

    @abstractmethod
    def walk(self, avoid: str | None = None) -> Iterator[Found]:
        """Every file below, in an order that stays the same; lazily, folder by folder.

        Args:
            avoid: Location of the results.

        Raises:
            ConfigurationError: Results would be found among the sources, or there are none.
            StorageError: It cannot be listed now.
        """

    @abstractmethod
    def open(self, name: str) -> IO[bytes]:
        """Open a file for reading.

        Raises:
            OSError: It is not there, or cannot be read now.
            StorageError: A store cannot be asked now.
        """

    @abstractmethod
    def size(self, name: str) -> int:
        """Of a file, in bytes."""

    @abstractmethod
    def names(self, folder: str) -> Iterator[str]:
        """Names of the files in a folder, without it; nothing if there is no such folder."""

    @abstractmethod
    def draft(self, name: str) -> Draft:
        """Begin a file.

        Raises:
            OutputError: It cannot be written there.
        """

    @abstractmethod
    def remove(self, name: str) -> None:
        """Delete a file, if it is there."""

    @abstractmethod
    def settle(self, folders: Iterable[str]) -> None:
        """Have what was published in these folders survive a loss of power."""

    @abstractmethod
    def clean(self, folder: str) -> None:
        """Delete temporary files that killed processes left in a folder."""

    @property
    def local(self) -> str | None:
        """The root in the file system, where locks hold; None for an object store."""
        return None


def is_address(location: str) -> bool:
    """Whether a location is an address for fsspec and no path.

    Example:
        >>> from voxguard.corpus.storage import is_address
        >>> is_address("s3://bucket/corpus"), is_address("corpus")
        (True, False)
    """
    return bool(_ADDRESS.match(location))


def open_storage(location: str) -> Storage:
    """The storage at a location.

    Raises:
        MissingExtraError: It is an address, and fsspec is not installed.
        ConfigurationError: fsspec does not know the address, or lacks a package for it.
    """
    if is_address(location):
        from voxguard.corpus.object_storage import ObjectStorage

        return ObjectStorage(location)
    from voxguard.corpus.local_storage import LocalStorage

    return LocalStorage(location)


def split(location: str) -> tuple[str, str]:
    """The storage that holds a file, and its name there."""
    head, _, name = location.replace(os.sep, "/").rpartition("/")
    return (head or ("/" if location.startswith("/") else ".")), name
