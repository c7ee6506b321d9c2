"""The work on one unit: read, anonymize, write, mark; or leave it as if nothing had been."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from voxguard.anonymizers.base import Anonymizer
from voxguard.audio import AudioReader
from voxguard.corpus.claim import DEATHS, Claim, claim
from voxguard.corpus.items import Item, Unit, check_kept, check_name
from voxguard.corpus.parts import FOLDER, part_name, read_head, write_part
from voxguard.corpus.record import read_record
from voxguard.corpus.settings import Maker, Settings
from voxguard.corpus.sinks import Sink, UnitWriter, open_sink
from voxguard.corpus.sources import Source, open_source
from voxguard.corpus.storage import Storage, StorageError, open_storage
from voxguard.errors import (
    AudioError,
    ConfigurationError,
    CorruptAudioError,
    OutputError,
    UnsupportedAudioError,
    VoxguardError,
    one_tree,
)
from voxguard.files.memory import render_bytes
from voxguard.files.naming import own_suffix
from voxguard.files.scan import shown

SHOWN_FAILURES = 5
_NOT_THERE = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)
_ABOUT_ITS_NAME = {errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EILSEQ, errno.EINVAL}

State = Literal["done", "there", "busy", "unfinished"]


@dataclass(frozen=True)
class Outcome:
    """What became of a unit.

    Attributes:
        unit: Its name.
        state: ``"done"`` now, ``"there"`` already, ``"busy"`` in another process's hands, or
            ``"unfinished"``: nothing of it counts, and it may be tried again.
        done: Recordings anonymized.
        failed: Recordings that could not be.
        seconds: Of audio anonymized.
        failures: The first of those that failed: id and reason.
        reason: Why it is unfinished.
    """

    unit: str
    state: State
    done: int = 0
    failed: int = 0
    seconds: float = 0.0
    failures: tuple[tuple[str, str], ...] = ()
    reason: str = ""


class Workplace:
    """Everything that a worker needs, opened once.

    Args:
        settings: Of the run.
        maker: Makes the anonymizer.

    Raises:
        ConfigurationError: Something cannot be used here, or the target cannot be seen from here.
    """

    def __init__(self, settings: Settings, maker: Maker) -> None:
        self.settings = settings
        self.storage: Storage = open_storage(settings.target)
        if read_record(self.storage) is None:
            raise ConfigurationError(
                f"a worker does not see what the driver began in {settings.target}: the target "
                "must be a folder that all machines share, or an object store"
            )
        self.source: Source = open_source(settings)
        self.sink: Sink = open_sink(settings, self.storage)
        self.anonymizer: Anonymizer = maker()

    def do(self, unit: Unit, look: Callable[[], None] = lambda: None) -> Outcome:
        """Do a unit.

        Args:
            unit: Which.
            look: Called before every item; what it raises ends the work and leaves nothing.

        Returns:
            What became of it. What is wrong with an item is its failure; what is wrong with the
            machine, the network or the disk leaves the unit unfinished.
        """
        part = part_name(unit)
        try:
            with claim(self.storage, part) as claimed:
                if claimed is None:
                    return Outcome(unit.name, "busy")
                try:
                    head = read_head(self.storage, part)
                except FileNotFoundError:
                    return self._work(unit, claimed, look)
                return Outcome(unit.name, "there", head["done"], head["failed"], head["seconds"])
        except Exception as error:  # whatever broke, nothing of the unit counts
            return Outcome(unit.name, "unfinished", reason=_reason(error))

    def clean_up_behind(self, unit: Unit) -> None:
        """Remove what a process that was killed over a unit left of it."""
        with claim(self.storage, part_name(unit)) as claimed:
            if claimed is not None:
                self._clean(unit)

    def _clean(self, unit: Unit) -> None:
        for folder in {FOLDER, *self.sink.folders(unit)}:
            self.storage.clean(folder)

    def _work(self, unit: Unit, claimed: Claim, look: Callable[[], None]) -> Outcome:
        if claimed.inherited:
            self._clean(unit)
        lines: list[dict[str, Any]] = []
        writer = self.sink.writer(unit, self.source.kept_schema(unit))
        try:
            for item in self._items(unit, lines):
                look()
                lines.append({"id": item.id, **self._one(item, writer, claimed)})
            self.storage.settle(writer.publish())
        finally:
            writer.discard()
        seconds = sum(line.get("seconds", 0.0) for line in lines)
        write_part(self.storage, unit, lines, seconds)
        failed = [(line["id"], line["reason"]) for line in lines if line["status"] == "failed"]
        return Outcome(
            unit.name,
            "done",
            done=len(lines) - len(failed),
            failed=len(failed),
            seconds=seconds,
            failures=tuple(failed[:SHOWN_FAILURES]),
        )

    def _items(self, unit: Unit, lines: list[dict[str, Any]]) -> Iterator[Item]:
        """Those that can be read; that the rest of the unit cannot is a failure of its own."""
        try:
            yield from self.source.items(unit)
        except CorruptAudioError as error:
            lines.append({"id": shown(unit.name), "status": "failed", "reason": _reason(error)})

    def _one(self, item: Item, writer: UnitWriter, claimed: Claim) -> dict[str, Any]:
        """A line of the manifest without its id."""
        try:
            content, suffix, seconds = self._render(item, claimed)
            try:
                output = writer.add(item, content, suffix)
            except OutputError as error:
                cause = error.__cause__ or error.__context__
                if getattr(cause, "errno", None) not in _ABOUT_ITS_NAME:
                    raise
                raise UnsupportedAudioError(_reason(error)) from None
        except (OutputError, StorageError):
            raise
        except VoxguardError as error:
            writer.without(item)
            return {"status": "failed", "reason": _reason(error)}
        return {"status": "done", "output": shown(output), "seconds": round(seconds, 3)}

    def _render(self, item: Item, claimed: Claim) -> tuple[bytes, str, float]:
        """Content and suffix of an anonymized file, and its seconds."""
        if not claimed.take(item.id):
            raise VoxguardError(f"the process that worked on it died {DEATHS} times")
        if item.problem is not None:
            raise UnsupportedAudioError(item.problem)
        if item.speaker is None and self.settings.names_speakers:
            raise UnsupportedAudioError("its speaker is not named")
        check_name(item.name)
        check_kept(item.kept)
        try:
            content = item.read()
        except _NOT_THERE as error:
            raise AudioError(f"it cannot be read: {error.strerror}") from None
        except MemoryError:
            raise AudioError("not enough memory to read it") from None
        rendered, suffix = render_bytes(
            content,
            self.anonymizer,
            suffix=own_suffix(item.name),
            speaker=item.speaker,
            utterance=item.id,
            max_seconds=self.settings.max_seconds,
        )
        with one_tree("audio"), AudioReader(rendered) as reader:
            return rendered, suffix, (reader.frames or 0) / reader.sample_rate


def _reason(error: Exception) -> str:
    """Of what voxguard raises, its message; of anything else the type, which holds no content."""
    if isinstance(error, VoxguardError):
        return str(error).removeprefix("audio: ")
    system = getattr(error, "strerror", None)
    return f"{type(error).__name__}: {system}" if system else type(error).__name__
