"""What ``voxguard anonymize`` is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from voxguard.errors import ConfigurationError

PIPE = "-"


@dataclass(frozen=True)
class Job:
    """What is to be done, apart from how."""

    source: str
    target: str
    speaker: str | None
    speaker_from: str | None
    jobs: int | None
    resume: bool
    overwrite: bool
    as_json: bool

    def refuse(self, kind: str, **given: Any) -> None:
        """Refuse options that mean nothing here, rather than ignore them."""
        for name, value in given.items():
            if value is not None and value is not False:
                raise ConfigurationError(f"--{name.replace('_', '-')} has no meaning for {kind}")
