"""A folder of recordings, or a prefix of objects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from voxguard.corpus.items import Entry
from voxguard.corpus.settings import Settings
from voxguard.corpus.sources.listing import ListingSource
from voxguard.corpus.storage import is_address, open_storage
from voxguard.errors import ConfigurationError
from voxguard.files.scan import audio_suffixes, shown


class FolderSource(ListingSource):
    """Every audio file below a folder; the other files are not looked at.

    Args:
        settings: Of the run.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, open_storage(settings.source))
        if not is_address(settings.source) and not Path(settings.source).is_dir():
            raise ConfigurationError(f"{settings.source} is not a folder")

    def entries(self) -> Iterator[Entry]:
        """In the order of the walk."""
        suffixes = audio_suffixes()
        top = shown(Path(self.settings.source).absolute().name)
        named = self.settings.speaker_from == "folder"
        others: set[str] = set()
        empty = True
        for found in self.storage.walk(avoid=self.settings.target):
            path = PurePosixPath(found.name)
            if found.problem is None and path.suffix.lower() not in suffixes:
                others.add(path.suffix.lower())
                continue
            empty = False
            speaker = (shown(path.parent.name) or top) if named else None
            yield Entry(found.name, found.size, speaker, problem=found.problem)
        if empty:
            hint = ""
            if others & {".tar", ".parquet"}:
                kind = "webdataset" if ".tar" in others else "parquet"
                hint = f"; it holds shards: read it as a {kind} with --from {kind}"
            raise ConfigurationError(f"{self.settings.source} holds no audio{hint}")
