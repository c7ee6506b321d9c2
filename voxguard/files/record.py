"""The record that a run leaves in its folder, so that no folder mixes methods.

It holds what was done and what failed, and nothing secret: of a key only that there was one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import voxguard
from voxguard.anonymizers.base import Anonymizer
from voxguard.audio.publish import PartFile
from voxguard.errors import ConfigurationError, OutputError

RECORD_NAME = "voxguard-run.json"
SCHEMA_VERSION = 1
_SETTINGS = ("method", "options", "weights", "randomness", "speaker_from")


def describe(anonymizer: Anonymizer) -> dict[str, Any]:
    """What may be written down about an anonymizer, as JSON types; its weights, if it has any."""
    about = {
        "method": anonymizer.name,
        "options": anonymizer.options,
        **({"weights": anonymizer.weights} if anonymizer.weights else {}),
        "randomness": anonymizer.pseudonyms.describe(),
    }
    plain: dict[str, Any] = json.loads(json.dumps(about, default=_plain))
    return plain


class RunRecord:
    """The record of one run.

    Args:
        folder: Where it lies: the target folder.
        anonymizer: What does the work.
        speaker_from: How speakers are named.
        overwrite: Whether the run replaces what is there.
    """

    def __init__(
        self, folder: Path, anonymizer: Anonymizer, speaker_from: str, *, overwrite: bool
    ) -> None:
        self._path = folder / RECORD_NAME
        self._overwrite = overwrite
        self._content: dict[str, Any] = {
            "schema_version": SCHEMA_VERSION,
            "voxguard": voxguard.__version__,
            **describe(anonymizer),
            "speaker_from": speaker_from,
            "overwrite": overwrite,
            "complete": False,
        }

    def begin(self, *, finds_output: bool) -> None:
        """Take the folder for this run, before anything is written into it.

        Args:
            finds_output: Whether items are to be skipped because they are there already.

        Raises:
            ConfigurationError: The folder holds another method's work, or work of nobody knows
                what.
        """
        earlier = None if self._overwrite else self._read()
        if earlier is None and not self._overwrite:
            if finds_output:
                raise ConfigurationError(
                    f"{self._path.parent} holds files of the same names, but no {RECORD_NAME} that "
                    "says what made them; they could be raw voices. Overwrite them, or take "
                    "another folder"
                )
            try:
                self._write(overwrite=False)
            except OutputError:
                earlier = self._read()  # another process was faster
                if earlier is None:
                    raise
        if earlier is not None:
            self._check(earlier)
        self._write(overwrite=True)

    def finish(self, report: dict[str, Any]) -> None:
        """Write down how it went."""
        counts = {name: value for name, value in report.items() if name != "elapsed"}
        self._content |= {"complete": not report["failed"], **counts}
        self._write(overwrite=True)

    def _check(self, earlier: dict[str, Any]) -> None:
        if earlier.get("overwrite") and not earlier.get("complete"):
            raise ConfigurationError(
                f"a run that was overwriting {self._path.parent} did not come to a good end, so "
                "files of different runs may lie there; run it again with overwrite"
            )
        for name in _SETTINGS:
            was, now = _differing(earlier.get(name), self._content.get(name))
            if was != now:
                raise ConfigurationError(
                    f"{self._path.parent} was made with {name} {json.dumps(was)}, this run has "
                    f"{json.dumps(now)}; a folder does not mix them: take another folder, or "
                    "overwrite everything"
                )

    def _read(self) -> dict[str, Any] | None:
        try:
            content = json.loads(self._path.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise OutputError(f"{self._path} cannot be read: {error.strerror}") from None
        except ValueError:
            content = None
        if not isinstance(content, dict) or content.get("schema_version") != SCHEMA_VERSION:
            raise ConfigurationError(
                f"{self._path} cannot be read as the record of a run (schema {SCHEMA_VERSION}); "
                "take another folder, or overwrite everything"
            )
        return content

    def _write(self, *, overwrite: bool) -> None:
        part = PartFile(self._path)
        try:
            part.write(json.dumps(self._content, indent=1).encode("ascii") + b"\n")
            part.publish(overwrite=overwrite)
        finally:
            part.discard()


def _differing(was: Any, now: Any) -> tuple[Any, Any]:
    """Of two mappings what is not in both."""
    if not (isinstance(was, dict) and isinstance(now, dict)):
        return was, now
    return (
        {name: value for name, value in was.items() if now.get(name, was) != value},
        {name: value for name, value in now.items() if was.get(name, was) != value},
    )


def _plain(value: Any) -> Any:
    """A part of a chain by its name and options, a path as text; of anything else the type."""
    if isinstance(value, Anonymizer):
        return {"method": value.name, "options": value.options}
    if isinstance(value, Path):
        return str(value)
    return getattr(value, "item", lambda: type(value).__name__)()
