"""A corpus in a folder of this machine, or one that machines share."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from voxguard.audio.publish import PartFile, output_error, remove_abandoned
from voxguard.corpus.storage import Found, Storage
from voxguard.errors import ConfigurationError


class LocalStorage(Storage):
    """Files below a folder.

    Args:
        location: The folder.
    """

    def __init__(self, location: str) -> None:
        self.root = Path(location)

    @property
    def local(self) -> str:
        """The folder."""
        return str(self.root)

    def walk(self, avoid: str | None = None) -> Iterator[Found]:
        """Depth first, sorted; links are followed, each real folder once."""
        there = None if avoid is None else os.path.realpath(avoid)
        seen: set[str] = set()

        def below(folder: Path, prefix: str) -> Iterator[Found]:
            real = os.path.realpath(folder)
            if real in seen:
                return
            seen.add(real)
            if there is not None and os.path.commonpath([real, there]) in (real, there):
                raise ConfigurationError(
                    f"the target {avoid} and {folder}, which belongs to the source, lie one within "
                    "the other; results would be taken for sources: choose a target outside"
                )
            try:
                with os.scandir(folder) as entries:
                    listed = sorted(entries, key=lambda entry: entry.name)
            except OSError as error:
                yield Found(prefix or ".", problem=error.strerror or "unreadable")
                return
            for entry in listed:
                name = prefix + entry.name
                try:
                    if entry.is_dir():
                        yield from below(Path(entry.path), f"{name}/")
                    elif entry.is_file():
                        yield Found(name, entry.stat().st_size)
                    elif entry.is_symlink():
                        yield Found(name, problem="a link to nowhere")
                except OSError:  # a link to itself
                    yield Found(name, problem="a link to nowhere")

        yield from below(self.root, "")

    def open(self, name: str) -> IO[bytes]:
        """From the disk."""
        return (self.root / name).open("rb")

    def size(self, name: str) -> int:
        """As the file system says."""
        return (self.root / name).stat().st_size

    def names(self, folder: str) -> Iterator[str]:
        """As the file system lists them."""
        with (
            suppress(FileNotFoundError, NotADirectoryError),
            os.scandir(self.root / folder) as all_,
        ):
            yield from (entry.name for entry in all_)

    def draft(self, name: str) -> PartFile:
        """A locked temporary file beside it."""
        return PartFile(self.root / name)

    def remove(self, name: str) -> None:
        """From the disk."""
        path = self.root / name
        with output_error(path), suppress(FileNotFoundError, NotADirectoryError):
            path.unlink()

    def settle(self, folders: Iterable[str]) -> None:
        """Flush the folders' lists of names, where the system can."""
        if os.name == "nt":
            return
        for folder in folders:
            with suppress(OSError):
                descriptor = os.open(self.root / folder, os.O_RDONLY)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)

    def clean(self, folder: str) -> None:
        """Those that no live process holds."""
        remove_abandoned(self.root / folder)
