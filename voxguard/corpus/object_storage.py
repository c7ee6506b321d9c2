"""A corpus in an object store, or whatever else fsspec reaches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import IO, Any, cast

from voxguard.corpus.storage import Found, Storage, is_address
from voxguard.corpus.transfer import Download, Upload, store_errors
from voxguard.errors import ConfigurationError
from voxguard.models.optional import optional

# Where folders are but a part of names, and making one would make the bucket.
_BUCKETS = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az"}


class ObjectStorage(Storage):
    """Objects under an address.

    An object is put when it is complete, from a nameless local file. There are no locks: two
    processes that do the same unit put the same names, and the later one stands. Listings are never
    remembered, since others write there too.

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
        protocol = self._files.protocol
        names = {protocol} if isinstance(protocol, str) else set(protocol)
        self._folders = not names & _BUCKETS

    def __getstate__(self) -> dict[str, Any]:
        return {"location": self.location}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.location = state["location"]
        self._open()

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}" if name else str(self._root)

    def _listed(self, folder: str) -> list[dict[str, Any]]:
        self._files.invalidate_cache()
        try:
            with store_errors(f"listing {self._at(folder)}"):
                return list(self._files.ls(self._at(folder), detail=True))
        finally:
            self._files.invalidate_cache()

    def walk(self, avoid: str | None = None) -> Iterator[Found]:
        """Depth first, sorted."""
        if avoid is not None and is_address(avoid) and self._overlaps(ObjectStorage(avoid)):
            raise ConfigurationError(
                f"the target {avoid} and the source {self.location} lie one within the other; "
                "choose a target outside"
            )

        def below(folder: str) -> Iterator[Found]:
            here = self._at(folder)
            for entry in sorted(self._listed(folder), key=lambda entry: str(entry["name"])):
                path = str(entry["name"]).rstrip("/")
                last = path.rpartition("/")[2]
                name = f"{folder}/{last}" if folder else last
                is_folder = entry["type"] == "directory"
                if path == here and not is_folder:  # the mark of an empty folder
                    continue
                if path == here or last in (".", ".."):  # objects may be called so, files not
                    name = f"{folder}//" if path == here else f"{name}/"
                    yield Found(name, problem="its name is no path; rename what lies there")
                elif is_folder:
                    yield from below(name)
                else:
                    yield Found(name, int(entry.get("size") or 0))

        try:
            yield from below("")
        except FileNotFoundError:
            raise ConfigurationError(f"{self.location} does not exist, or is empty") from None

    def _overlaps(self, other: ObjectStorage) -> bool:
        one, two = f"{self._root}/", f"{other._root}/"
        alike = type(self._files) is type(other._files)
        return alike and (one.startswith(two) or two.startswith(one))

    def open(self, name: str) -> IO[bytes]:
        """As a stream."""
        return cast(IO[bytes], Download(self._files, self._at(name)))

    def size(self, name: str) -> int:
        """As the store says."""
        path = self._at(name)
        with store_errors(f"looking at {path}"):
            about = self._files.info(path)
            if about["type"] == "directory":
                raise FileNotFoundError(path)
            return int(about["size"])

    def names(self, folder: str) -> Iterator[str]:
        """As the store lists them now."""
        with suppress(FileNotFoundError, NotADirectoryError):
            for entry in self._listed(folder):
                yield str(entry["name"]).rstrip("/").rpartition("/")[2]

    def draft(self, name: str) -> Upload:
        """A nameless local file, put when it is complete."""
        return Upload(self._files, self._at(name), folders=self._folders)

    def remove(self, name: str) -> None:
        """From the store."""
        path = self._at(name)
        with suppress(FileNotFoundError), store_errors(f"removing {path}"):
            self._files.rm_file(path)

    def settle(self, folders: Iterable[str]) -> None:
        """Nothing: what the store took, it keeps."""

    def clean(self, folder: str) -> None:
        """Nothing: temporary files have no name."""
