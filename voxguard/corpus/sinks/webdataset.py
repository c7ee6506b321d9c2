"""Tar shards of samples, as WebDataset reads them."""

from __future__ import annotations

import io
import json
import tarfile
from typing import Any

from voxguard.corpus.items import Item, Unit
from voxguard.corpus.sinks.base import ShardWriter, Sink, shard_name
from voxguard.corpus.storage import Storage
from voxguard.files.naming import file_name

_TEXT = ("txt", "text")  # the extensions that transcripts have


class WebDatasetSink(Sink):
    """A shard a unit; members bear no owner and no time."""

    def writer(self, unit: Unit, kept_schema: Any) -> WebDatasetWriter:
        """Begin a shard."""
        return WebDatasetWriter(self.storage, shard_name(unit, ".tar"))

    def folders(self, unit: Unit) -> set[str]:
        """The shard's."""
        return {unit.name.rpartition("/")[0] or "."}


class WebDatasetWriter(ShardWriter):
    """A sample a recording: audio, kept transcripts as text, the rest of what is kept as JSON.

    Args:
        storage: Of the target.
        name: Of the shard.
    """

    def __init__(self, storage: Storage, name: str) -> None:
        super().__init__(storage, name)
        file: Any = self.draft
        self._tar = tarfile.open(fileobj=file, mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        self._keys: set[str] = set()

    def add(self, item: Item, content: bytes, suffix: str) -> str:
        """Append a sample."""
        key, extension = self._named(item, suffix)
        name = f"{key}.{extension}"
        self._append(name, content)
        kept = dict(item.kept)
        for text in _TEXT:
            if isinstance(kept.get(text), str):
                self._append(f"{key}.{text}", kept.pop(text).encode("utf-8", "surrogateescape"))
        if kept:
            self._append(f"{key}.json", json.dumps(kept).encode("ascii"))
        return f"{self.name}/{name}"

    def _named(self, item: Item, suffix: str) -> tuple[str, str]:
        """A key that no other sample of the shard has, and no dot is in, and the extension."""
        head, slash, last = file_name(item.name, suffix).rpartition("/")
        stem, _, extension = last.rpartition(".")
        stem = stem.replace(".", "_") or "_"
        key, number = f"{head}{slash}{stem}", 1
        while key in self._keys:
            number += 1
            key = f"{head}{slash}{stem}-{number}"
        self._keys.add(key)
        return key, extension

    def _append(self, name: str, content: bytes) -> None:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        self._tar.addfile(member, io.BytesIO(content))

    def close(self) -> None:
        """Write the end mark."""
        self._tar.close()
