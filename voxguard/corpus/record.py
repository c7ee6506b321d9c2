"""The record of a corpus: what made it, so that no target mixes methods or sources."""

from __future__ import annotations

import json
from typing import Any

import voxguard
from voxguard.anonymizers.base import Anonymizer
from voxguard.corpus.settings import Settings
from voxguard.corpus.storage import Storage
from voxguard.errors import ConfigurationError, OutputError
from voxguard.files.record import describe

NAME = "voxguard-corpus.json"
SCHEMA_VERSION = 1


class CorpusRecord:
    """The record in a target.

    Args:
        storage: Of the target.
        settings: Of the run.
        anonymizer: That does the work.
    """

    def __init__(self, storage: Storage, settings: Settings, anonymizer: Anonymizer) -> None:
        self._storage = storage
        self._made_by = {**describe(anonymizer), **settings.describe()}

    def begin(self, *, join: bool) -> None:
        """Take the target for this run.

        Args:
            join: Whether what is there already may be gone on with.

        Raises:
            ConfigurationError: Something else is there, or it may not be gone on with.
        """
        earlier = self._read()
        if earlier is None:
            names = {name for name in self._storage.names("") if not name.startswith(".voxguard-")}
            if NAME in names:  # another process was faster
                earlier = self._read()
            elif names:
                raise ConfigurationError(
                    f"the target holds files, but no {NAME} that says what made them; they could "
                    "be raw voices: take another target"
                )
        if earlier is None:
            try:
                self._write({"complete": False}, overwrite=False)
            except OutputError:
                earlier = self._read()
                if earlier is None:
                    raise
            else:
                return
        if not join:
            raise ConfigurationError(
                "the target holds a run already: go on with it by resume, or take another target"
            )
        for name, now in self._made_by.items():
            if earlier.get(name) != now:
                raise ConfigurationError(
                    f"the target was made with {name} {json.dumps(earlier.get(name))}, this run "
                    f"has {json.dumps(now)}; a target does not mix them: take another one"
                )

    def finish(self, totals: dict[str, Any]) -> None:
        """Write down that every unit is complete, and how many items were done and failed."""
        self._write({"complete": True, **totals}, overwrite=True)

    def _read(self) -> dict[str, Any] | None:
        return read_record(self._storage)

    def _write(self, state: dict[str, Any], *, overwrite: bool) -> None:
        content = {
            "schema_version": SCHEMA_VERSION,
            "voxguard": voxguard.__version__,
            **self._made_by,
            **state,
        }
        draft = self._storage.draft(NAME)
        try:
            draft.write(json.dumps(content, indent=1).encode("ascii") + b"\n")
            draft.publish(overwrite=overwrite)
        finally:
            draft.discard()


def read_record(storage: Storage) -> dict[str, Any] | None:
    """The record, or None if there is none.

    Raises:
        ConfigurationError: It cannot be read as one.
    """
    try:
        with storage.open(NAME) as file:
            content = json.loads(file.read())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError:
        content = None
    if not isinstance(content, dict) or content.get("schema_version") != SCHEMA_VERSION:
        raise ConfigurationError(
            f"{NAME} cannot be read as the record of a corpus (schema {SCHEMA_VERSION}); take "
            "another target"
        )
    return content
