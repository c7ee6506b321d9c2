"""A CSV that lists recordings, with what is known of them in its other columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from hashlib import blake2b

from voxguard.corpus.items import Entry, check_name
from voxguard.corpus.settings import Settings
from voxguard.corpus.sources.listing import ListingSource
from voxguard.corpus.storage import open_storage, split
from voxguard.errors import ConfigurationError, UnsupportedAudioError

PATH_COLUMNS = ("path", "file", "filename", "wav", "audio")


class ManifestSource(ListingSource):
    """The recordings that a CSV names, by paths relative to its own folder.

    The listing is read row by row. A recording that is listed twice is done once; to know it, the
    driver remembers 8 bytes of a hash of every path (about 70 bytes of memory a recording).

    Args:
        settings: Of the run.
    """

    def __init__(self, settings: Settings) -> None:
        location, self._name = split(settings.source)
        super().__init__(settings, open_storage(location))

    def entries(self) -> Iterator[Entry]:
        """In the order of the rows."""
        seen: set[bytes] = set()
        source = self.settings.source
        column, keep = self.settings.speaker_column, self.settings.keep
        try:
            with (
                self.storage.open(self._name) as file,
                io.TextIOWrapper(file, "utf-8-sig", newline="") as text,
            ):
                rows = csv.DictReader(text, strict=True)
                header = list(rows.fieldnames or [])
                place = next((name for name in PATH_COLUMNS if name in header), None)
                wanted = [*keep, *([column] if column else [])]
                missing = [name for name in wanted if name not in header]
                if place is None or missing or place in keep:
                    raise ConfigurationError(
                        f"{source} needs the column {missing[0] if missing else 'path'!r}, and "
                        f"keeps no path; it has {', '.join(header) or 'no header'}"
                    )
                for number, row in enumerate(rows, start=2):
                    if None in row or None in row.values():
                        raise ConfigurationError(
                            f"{source}, line {number}: not as many cells as the header has"
                        )
                    entry = self._entry(row, place, number)
                    digest = blake2b(entry.name.encode("utf-8"), digest_size=8).digest()
                    if entry.problem is None and digest in seen:
                        again = f"line {number}: {entry.name}"
                        entry = Entry(again, problem="it is listed twice; it is done once")
                    seen.add(digest)
                    yield entry
        except FileNotFoundError:
            raise ConfigurationError(f"{source} does not exist") from None
        except (UnicodeDecodeError, csv.Error) as error:
            raise ConfigurationError(f"{source} cannot be read as CSV: {error}") from None

    def _entry(self, row: dict[str, str], place: str, number: int) -> Entry:
        name = row[place].strip()
        if not name:
            return Entry(f"line {number}", problem="no path in its row")
        column = self.settings.speaker_column
        speaker = row[column].strip() if column else ""
        kept = {key: row[key] for key in self.settings.keep}
        entry = Entry(name, 0, speaker or None, kept)
        try:
            check_name(name)
            return replace(entry, size=self.storage.size(name))
        except UnsupportedAudioError as error:
            return replace(entry, problem=str(error))
        except FileNotFoundError:
            return replace(entry, problem="there is no such file")
        except (OSError, ValueError) as error:
            return replace(entry, problem=f"cannot be read ({type(error).__name__})")
