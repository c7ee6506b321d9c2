"""What the parts of an evaluation share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from voxguard.anonymizers.base import Anonymizer
from voxguard.evaluation.protocol import Protocol
from voxguard.evaluation.speech import Speech
from voxguard.evaluation.store import Store
from voxguard.evaluation.system import System
from voxguard.evaluation.trials import Sets

Tell = Callable[[float, float | None], None]


@dataclass(frozen=True)
class Context:
    """The plan, the data, and where things are kept.

    Attributes:
        protocol: What is done.
        data: What the data are called.
        system: What is evaluated.
        sets: The utterances.
        speech: Gives them, original and anonymized.
        store: Keeps vectors and trained encoders.
        work: Folder for all else.
        draws: Renderings of each training utterance.
        stage: Told which part runs; gives what is told how far it is.
        notes: What the report has to say beside the figures.
    """

    protocol: Protocol
    data: str
    system: System
    sets: Sets
    speech: Speech
    store: Store
    work: Path
    draws: int
    stage: Callable[[str], Tell]
    notes: list[str]

    @property
    def anonymizer(self) -> Anonymizer | None:
        """The system under test, if it is an anonymizer of voxguard's kind."""
        return getattr(self.system, "anonymizer", None)
