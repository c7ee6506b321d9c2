"""Scores of each clip, as they come, in a file that outlives the process."""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from voxguard.audiollm.record import JsonLines
from voxguard.probes.membership.scores import DIRECTIONS
from voxguard.probes.membership.two_stage import Sureness

SCHEMA = "voxguard.membership/1"


class ScoreRecord:
    """Scores of one model, kept as they come; no text is.

    Args:
        path: A file of JSON lines; None: in memory only.
        model: Name of the model; a file of another model is not added to.

    Raises:
        ConfigurationError: The file cannot be gone on with.
        OutputError: It cannot be written.

    Example:
        >>> from voxguard.probes.membership import ScoreRecord
        >>> from voxguard.probes.membership.two_stage import Sureness
        >>> failed = Sureness({}, {"self-transcription": "the model wrote nothing down"})
        >>> with ScoreRecord("scores.jsonl", "my-model") as record:
        ...     record.add(record.place("member/a", "raw", {}, "Write.", "yes"), failed)
        >>> with ScoreRecord("scores.jsonl", "my-model") as record:
        ...     record.found(record.place("member/a", "raw", {}, "Write.", "yes")).failed
        {'self-transcription': 'the model wrote nothing down'}
    """

    def __init__(self, path: str | Path | None = None, model: str = "") -> None:
        self._lines = JsonLines(path, SCHEMA, {"model": model, "scores": list(DIRECTIONS)})
        self._kept: dict[str, Sureness] = {}
        for line in self._lines.found:
            with contextlib.suppress(KeyError, AttributeError):
                vectors = {name: np.array(row) for name, row in line["vectors"].items()}
                self._kept[line["place"]] = Sureness(vectors, line["failed"])

    @property
    def path(self) -> Path | None:
        """Where it is kept."""
        return self._lines.path

    @staticmethod
    def place(clip: str, system: str, about: dict[str, Any], prompt: str, text: str) -> str:
        """Where the scores of a clip belong: a clip, what is heard of it, and what is asked.

        Args:
            clip: Its key.
            system: What the model hears.
            about: Of the anonymizer; another one of the same name is another system.
            prompt: What is asked.
            text: The transcript.
        """
        rest = json.dumps([about, prompt, text], sort_keys=True)
        return f"{clip}/{system}/{hashlib.sha256(rest.encode()).hexdigest()[:16]}"

    def found(self, place: str) -> Sureness | None:
        """What is kept for a place; None: it has not been asked for."""
        return self._kept.get(place)

    def add(self, place: str, sureness: Sureness) -> None:
        """Keep scores; what was there for the same place is superseded."""
        vectors = {name: row.tolist() for name, row in sureness.vectors.items()}
        self._lines.add({"place": place, "vectors": vectors, "failed": dict(sureness.failed)})
        self._kept[place] = sureness

    def close(self) -> None:
        """Give the file free for other runs."""
        self._lines.close()

    def __enter__(self) -> ScoreRecord:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
