"""Tar shards of samples, as WebDataset lays them out."""

from __future__ import annotations

import json
import lzma
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Self

from voxguard.corpus.items import Item, Unit, check_name
from voxguard.corpus.sources.base import ShardSource
from voxguard.corpus.sources.listing import too_large
from voxguard.errors import CorruptAudioError, UnsupportedAudioError
from voxguard.files.scan import audio_suffixes, shown

_DAMAGE = (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError)
_SIDE_LIMIT = 1 << 20  # bytes of a member that is text


class WebDatasetSource(ShardSource):
    """Tar files whose members share a key up to the first dot of their name.

    Every audio member is an item. Of the others, those whose extension is kept go along, and those
    fields of a ``.json`` member that are. A shard is read from front to back, one sample at a time.
    """

    suffixes = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
    what = "tar shard"

    def items(self, unit: Unit) -> Iterator[Item]:
        """In the order of the members."""
        seen: set[str] = set()
        done = 0
        try:
            with self.storage.open(unit.name) as file, _Shard.open(fileobj=file, mode="r|*") as tar:
                sample = _Sample("")
                for member in tar:
                    key, extension = _split(member.name)
                    if key != sample.key:
                        for item in self._of(sample, unit, seen):
                            yield item
                            done += 1
                        sample = _Sample(key)
                    self._take(sample, tar, member, extension)
                for item in self._of(sample, unit, seen):
                    yield item
                    done += 1
        except _DAMAGE as error:
            raise _damaged(done, error) from None
        except OSError as error:
            if error.errno is None:  # of a decompressor
                raise _damaged(done, error) from None
            raise

    def _take(
        self, sample: _Sample, tar: tarfile.TarFile, member: tarfile.TarInfo, extension: str
    ) -> None:
        audio = PurePosixPath(f"x.{extension}").suffix in audio_suffixes()
        wanted = {*self.settings.keep, self.settings.speaker_column}
        if not (audio or extension in wanted or extension == "json") or member.isdir():
            return
        limit = self.settings.max_bytes if audio else _SIDE_LIMIT
        content: bytes | None = None
        if not member.isreg():
            problem = "it is a link or a device, not a recording"
        elif member.size > limit:
            problem = str(too_large(limit))
        else:
            problem = ""
            reader = tar.extractfile(member)
            content = reader.read() if reader is not None else b""
        if audio:
            sample.audio.append((member.name, content, problem))
        elif content is not None:
            sample.side[extension] = content

    def _of(self, sample: _Sample, unit: Unit, seen: set[str]) -> Iterator[Item]:
        if not sample.audio:
            return
        speaker, kept, problem = self._known(sample)
        for position, (name, content, unread) in enumerate(sample.audio):
            trouble = unread or problem or None
            identity = f"{unit.name}/{shown(name)}"
            try:
                check_name(name)
            except UnsupportedAudioError as error:
                trouble = str(error)
            if name in seen:
                trouble = "the shard holds its name twice; it is done once"
                identity = f"{identity} (again, {len(seen)}.{position})"
            seen.add(name)
            whole = content or b""
            yield Item(identity, name, lambda whole=whole: whole, speaker, kept, trouble)  # type: ignore[misc]

    def _known(self, sample: _Sample) -> tuple[str | None, dict[str, Any], str | None]:
        """Who speaks, what is kept, and what is wrong with it."""
        fields: dict[str, Any] = {}
        try:
            if content := sample.side.get("json"):
                told = json.loads(content)
                fields |= told if isinstance(told, dict) else {}
            for extension, content in sample.side.items():
                if extension != "json":
                    fields[extension] = content.decode("utf-8")
        except (ValueError, RecursionError):
            return None, {}, "its side data are not UTF-8 text or JSON"
        speaker = fields.get(self.settings.speaker_column or "")
        named = None if speaker is None else str(speaker).strip() or None
        return named, {name: fields[name] for name in self.settings.keep if name in fields}, None


@dataclass
class _Sample:
    key: str
    audio: list[tuple[str, bytes | None, str]] = field(default_factory=list)
    side: dict[str, bytes] = field(default_factory=dict)


def _split(name: str) -> tuple[str, str]:
    """Key and extension: up to the first dot of the last part, and from there."""
    head, slash, last = name.rpartition("/")
    stem, _, extension = last.partition(".")
    return f"{head}{slash}{stem}", extension.lower()


def _damaged(done: int, error: Exception) -> CorruptAudioError:
    return CorruptAudioError(
        f"the shard is damaged or cut short after {done} recordings ({type(error).__name__}); what "
        "follows could not be read"
    )


class _Header(tarfile.TarInfo):
    """Python's tarfile takes damage between two members for the end; here it is an error."""

    @classmethod
    def fromtarfile(cls, tar: tarfile.TarFile) -> Self:
        shard: Any = tar
        try:
            header = super().fromtarfile(tar)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            shard.ended = True
            raise
        except tarfile.EmptyHeaderError:  # type: ignore[attr-defined]
            if shard.ended:
                raise
            raise tarfile.ReadError("no end mark") from None
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(str(error)) from None
        shard.ended = False
        return header


class _Shard(tarfile.TarFile):
    tarinfo = _Header
    ignore_zeros = True  # shards that were joined with cat go on behind an end mark
    ended = False
