"""What anonymized recordings are written as; one file a kind."""

from __future__ import annotations

from voxguard.corpus.settings import Settings
from voxguard.corpus.sinks.base import Sink, UnitWriter
from voxguard.corpus.storage import Storage

__all__ = ["Sink", "UnitWriter", "open_sink"]


def open_sink(settings: Settings, storage: Storage) -> Sink:
    """The sink that settings name.

    Args:
        settings: Of the run.
        storage: Of the target.
    """
    from voxguard.corpus.sinks.folder import FolderSink
    from voxguard.corpus.sinks.manifest import ManifestSink
    from voxguard.corpus.sinks.parquet import ParquetSink
    from voxguard.corpus.sinks.webdataset import WebDatasetSink

    kinds: dict[str, type[Sink]] = {
        "folder": FolderSink,
        "manifest": ManifestSink,
        "webdataset": WebDatasetSink,
        "parquet": ParquetSink,
    }
    return kinds[settings.target_kind](settings, storage)
