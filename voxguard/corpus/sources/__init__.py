"""Where the recordings of a corpus come from; one file a kind."""

from __future__ import annotations

from voxguard.corpus.settings import Settings
from voxguard.corpus.sources.base import Source
from voxguard.errors import ConfigurationError

__all__ = ["Source", "open_source"]


def open_source(settings: Settings) -> Source:
    """The source that settings name.

    Raises:
        ConfigurationError: There is none, or it is not of that kind.
    """
    from voxguard.corpus.sources.folder import FolderSource
    from voxguard.corpus.sources.manifest import ManifestSource
    from voxguard.corpus.sources.parquet import ParquetSource
    from voxguard.corpus.sources.webdataset import WebDatasetSource

    kinds: dict[str, type[Source]] = {
        "folder": FolderSource,
        "manifest": ManifestSource,
        "webdataset": WebDatasetSource,
        "parquet": ParquetSource,
    }
    try:
        return kinds[settings.source_kind](settings)
    except FileNotFoundError:
        raise ConfigurationError(f"{settings.source} does not exist") from None
