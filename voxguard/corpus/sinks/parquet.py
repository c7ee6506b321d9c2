"""Parquet files with audio bytes in a column, as Hugging Face datasets read them."""

from __future__ import annotations

import json
from typing import Any

from voxguard.corpus.items import Item, Unit
from voxguard.corpus.settings import Settings
from voxguard.corpus.sinks.base import ShardWriter, Sink, shard_name
from voxguard.corpus.storage import Storage
from voxguard.files.naming import file_name
from voxguard.files.scan import shown
from voxguard.models.optional import optional

_GROUP_BYTES = 8 << 20
_GROUP_ROWS = 1000


class ParquetSink(Sink):
    """A file a unit, with the audio as ``{"bytes", "path"}`` and what is kept."""

    def writer(self, unit: Unit, kept_schema: Any) -> ParquetWriter:
        """Begin a file."""
        return ParquetWriter(self.storage, shard_name(unit, ".parquet"), self.settings, kept_schema)

    def folders(self, unit: Unit) -> set[str]:
        """The file's."""
        return {unit.name.rpartition("/")[0] or "."}


class ParquetWriter(ShardWriter):
    """Writes rows in groups of bounded size.

    Args:
        storage: Of the target.
        name: Of the file.
        settings: Of the run.
        kept_schema: Of the kept columns; by default they are text.
    """

    def __init__(self, storage: Storage, name: str, settings: Settings, kept_schema: Any) -> None:
        arrow = optional("pyarrow", "cluster", "a Parquet dataset")
        parquet = optional("pyarrow.parquet", "cluster", "a Parquet dataset")
        self._texts = kept_schema is None
        audio = settings.audio_column
        fields = [
            arrow.field(audio, arrow.struct({"bytes": arrow.binary(), "path": arrow.string()}))
        ]
        if kept_schema is None:
            fields += [arrow.field(column, arrow.string()) for column in settings.keep]
        else:
            fields += [kept_schema.field(column) for column in settings.keep]
        self._arrow = arrow
        self._audio = audio
        self._keep = settings.keep
        self._rows: list[dict[str, Any]] = []
        self._bytes = 0
        features = {audio: {"_type": "Audio"}}
        features |= {field.name: _feature(field.type) for field in fields[1:]}
        about = {"huggingface": json.dumps({"info": {"features": features}})}
        self._schema = arrow.schema([field.remove_metadata() for field in fields], about)
        super().__init__(storage, name)
        try:
            self._writer = parquet.ParquetWriter(self.draft, self._schema, compression="zstd")
        except BaseException:
            self.draft.discard()
            raise

    def add(self, item: Item, content: bytes, suffix: str) -> str:
        """Append a row."""
        name = file_name(item.name, suffix)
        kept = {column: item.kept.get(column) for column in self._keep}
        if self._texts:
            kept = {column: _text(value) for column, value in kept.items()}
        row = {self._audio: {"bytes": content, "path": shown(name)}, **kept}
        self._rows.append(row)
        self._bytes += len(content)
        if self._bytes >= _GROUP_BYTES or len(self._rows) >= _GROUP_ROWS:
            self._flush()
        return f"{self.name}/{shown(name)}"

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(self._arrow.Table.from_pylist(self._rows, schema=self._schema))
        self._rows, self._bytes = [], 0

    def close(self) -> None:
        """Write what is left, and the footer."""
        self._flush()
        self._writer.close()

    def discard(self) -> None:
        """Remove the draft."""
        self._rows = []
        super().discard()


def _feature(kind: Any) -> dict[str, Any]:
    """A column in the words of Hugging Face datasets."""
    value_type = getattr(kind, "value_type", None)
    if value_type is not None:
        return {"_type": "Sequence", "feature": _feature(value_type)}
    name = {"double": "float64", "float": "float32", "halffloat": "float16"}.get(str(kind))
    return {"_type": "Value", "dtype": name or str(kind)}


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)
