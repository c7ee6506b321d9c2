"""Parquet files with audio in a column, as Hugging Face datasets have it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from voxguard.corpus.items import Item, Unit
from voxguard.corpus.sources.base import ShardSource
from voxguard.corpus.sources.listing import too_large
from voxguard.errors import ConfigurationError, CorruptAudioError
from voxguard.models.optional import optional

_ROWS = 8  # at once in memory
_BUFFER = 1 << 20


class ParquetSource(ShardSource):
    """Files with a column of audio bytes, alone or as ``{"bytes", "path"}``.

    A row group is in memory at a time, several times over: a file of one group of a gigabyte takes
    more memory than one of ten groups. The path in the column often names people, and is dropped; a
    row is named by its number.
    """

    suffixes = (".parquet",)
    what = "Parquet file"

    def units(self) -> Iterator[Unit]:
        """One a file; the columns of the first are checked before anything is done."""
        first = True
        for unit in super().units():
            if first:
                self._check(unit)
                first = False
            yield unit

    def items(self, unit: Unit) -> Iterator[Item]:
        """One a row."""
        arrow = _arrow()
        row = 0
        try:
            with self.storage.open(unit.name) as file:
                table = _opened(file)
                columns = self._columns(unit, table.schema_arrow)
                batches = table.iter_batches(batch_size=_ROWS, columns=columns, use_threads=False)
                for batch in batches:
                    for values in batch.to_pylist():
                        yield self._item(unit, row, values)
                        row += 1
        except arrow.ArrowException as error:
            raise _damaged(row, error) from None
        except OSError as error:
            if error.errno is None:  # of the decoder, not of the system
                raise _damaged(row, error) from None
            raise

    def kept_schema(self, unit: Unit) -> Any:
        """With the types that the columns have."""
        if not self.settings.keep:
            return None
        arrow = _arrow()
        try:
            with self.storage.open(unit.name) as file:
                schema = _opened(file).schema_arrow
                return arrow.schema([schema.field(name) for name in self.settings.keep])
        except (arrow.ArrowException, KeyError, OSError):
            return None  # reading the items says what is wrong

    def _check(self, unit: Unit) -> None:
        try:
            with self.storage.open(unit.name) as file:
                schema = _opened(file).schema_arrow
        except (_arrow().ArrowException, OSError):
            return  # it is one of the files that fail, and are told
        try:
            self._columns(unit, schema)
        except CorruptAudioError as error:
            raise ConfigurationError(str(error)) from None

    def _columns(self, unit: Unit, schema: Any) -> list[str]:
        audio = self.settings.audio_column
        wanted = [audio, *self.settings.keep]
        if self.settings.speaker_column:
            wanted.append(self.settings.speaker_column)
        for name in wanted:
            if name not in schema.names:
                raise CorruptAudioError(
                    f"{unit.name} has no column {name!r}; it has {', '.join(schema.names)}"
                )
        if not _holds_bytes(schema.field(audio).type):
            raise CorruptAudioError(
                f"the column {audio!r} of {unit.name} holds {schema.field(audio).type}; accepted "
                "are the bytes of audio files, alone or as bytes and path"
            )
        for name in self.settings.keep:
            if not _harmless(schema.field(name).type):
                raise CorruptAudioError(
                    f"the column {name!r} of {unit.name} holds {schema.field(name).type}, which "
                    "could be a voice; kept are text, numbers, truth values and lists of text"
                )
        return list(dict.fromkeys(wanted))

    def _item(self, unit: Unit, row: int, values: dict[str, Any]) -> Item:
        audio = values[self.settings.audio_column]
        content = audio.get("bytes") if isinstance(audio, dict) else audio
        problem = None if content else "its row holds no audio bytes"
        limit = self.settings.max_bytes

        def read() -> bytes:
            if len(content or b"") > limit:
                raise too_large(limit)
            return bytes(content or b"")

        column = self.settings.speaker_column
        speaker = values[column] if column else None
        return Item(
            id=f"{unit.name}/{row:06d}",
            name=f"{row:06d}",
            read=read,
            speaker=None if speaker is None else str(speaker).strip() or None,
            kept={name: values[name] for name in self.settings.keep},
            problem=problem,
        )


def _arrow() -> Any:
    return optional("pyarrow", "cluster", "a Parquet dataset")


def _opened(file: Any) -> Any:
    parquet = optional("pyarrow.parquet", "cluster", "a Parquet dataset")
    return parquet.ParquetFile(file, pre_buffer=False, buffer_size=_BUFFER)


def _holds_bytes(kind: Any) -> bool:
    types = _arrow().types
    if types.is_struct(kind):
        at = kind.get_field_index("bytes")
        return at >= 0 and _holds_bytes(kind.field(at).type)
    return bool(types.is_binary(kind) or types.is_large_binary(kind))


def _harmless(kind: Any) -> bool:
    types = _arrow().types
    if types.is_list(kind) or types.is_large_list(kind):
        kind = kind.value_type
        return bool(types.is_string(kind) or types.is_large_string(kind))
    checks = (types.is_string, types.is_large_string, types.is_boolean, types.is_integer,
              types.is_floating)  # fmt: skip
    return any(check(kind) for check in checks)


def _damaged(row: int, error: Exception) -> CorruptAudioError:
    return CorruptAudioError(
        f"the file is damaged behind row {row} ({type(error).__name__}); what follows could not be "
        "read"
    )
