"""A corpus in an object store, or whatever else fsspec reaches."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import IO, Any

from voxguard.corpus.storage import Found, Storage
from voxguard.errors import ConfigurationError, OutputError
from voxguard.models.optional import optional


class ObjectStorage(Storage):
    """Objects under an address.

    An object is put when it is complete, from a nameless local file. There are no locks: two
    processes that do the same unit put the same names, and the later one stands.

    Args:
        location: Address in fsspec's words, such as ``s3://bucket/corpus``.
    """

    def __init__(self, location: str) -> None:
        self.location = location.rstrip("/")
        self._open()

    def _open(self) -> None:
        fsspec = optional("fsspec", "cluster", f"the address {self.location}")
        try:
            self._files, self._root = fsspec.core.url_to_fs(self.location)
        except (ImportError, ValueError) as error:
            raise ConfigurationError(f"{self.location} cannot be opened: {error}") from None

    def __getstate__(self) -> dict[str, Any]:
        return {"location": self.location}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.location = state["location"]
        self._open()

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}" if name else str(self._root)

    def walk(self, avoid: str | None = None) -> Iterator[Found]:
        """Depth first, sorted."""
        if avoid is not None and _overlap(self.location, avoid.rstrip("/")):
            raise ConfigurationError(
                f"the target {avoid} and the source {self.location} lie one within the other; "
                "choose a target outside"
            )

        def below(folder: str) -> Iterator[Found]:
            listed = self._files.ls(self._at(folder), detail=True)
            for entry in sorted(listed, key=lambda entry: str(entry["name"])):
                last = str(entry["name"]).rstrip("/").rpartition("/")[2]
                name = f"{folder}/{last}" if folder else last
                if entry["type"] == "directory":
                    yield from below(name)
                elif str(entry["name"]).rstrip("/") != self._at(folder):
                    yield Found(name, int(entry.get("size") or 0))

        self._files.invalidate_cache()
        yield from below("")

    def open(self, name: str) -> IO[bytes]:
        """As a stream."""
        opened: IO[bytes] = self._files.open(self._at(name), "rb")
        return opened

    def size(self, name: str) -> int:
        """As the store says."""
        return int(self._files.size(self._at(name)))

    def names(self, folder: str) -> Iterator[str]:
        """As the store lists them now."""
        self._files.invalidate_cache()
        with suppress(FileNotFoundError, NotADirectoryError):
            for entry in self._files.ls(self._at(folder), detail=True):
                yield str(entry["name"]).rstrip("/").rpartition("/")[2]

    def draft(self, name: str) -> _Upload:
        """A nameless local file, put when it is complete."""
        return _Upload(self._files, self._at(name))

    def remove(self, name: str) -> None:
        """From the store."""
        with suppress(FileNotFoundError):
            self._files.rm_file(self._at(name))

    def settle(self, folders: Iterable[str]) -> None:
        """Nothing: what the store took, it keeps."""

    def clean(self, folder: str) -> None:
        """Nothing: temporary files have no name."""


class _Upload:
    def __init__(self, files: Any, path: str) -> None:
        self._files, self._path = files, path
        self._file = tempfile.TemporaryFile()  # noqa: SIM115

    def write(self, data: Any) -> int:
        return self._file.write(data)

    def publish(self, *, overwrite: bool) -> None:
        if not overwrite and self._files.exists(self._path):
            raise OutputError(f"{self._path} exists")
        self._file.seek(0)
        try:
            self._files.makedirs(self._path.rpartition("/")[0], exist_ok=True)
            with self._files.open(self._path, "wb") as there:
                shutil.copyfileobj(self._file, there, 1 << 20)
        except Exception as error:  # every store has errors of its own
            raise OutputError(
                f"{self._path} could not be written ({type(error).__name__})"
            ) from error
        finally:
            self._file.close()

    def discard(self) -> None:
        self._file.close()

    # What writers of Parquet ask of a file.
    closed = False

    def flush(self) -> None:
        self._file.flush()

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        """Left to `publish` and `discard`."""


def _overlap(one: str, other: str) -> bool:
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")
