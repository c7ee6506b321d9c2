"""The result of an evaluation: one JSON document, checked whenever it is read or written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

from voxguard.audio.publish import PartFile
from voxguard.errors import ConfigurationError
from voxguard.evaluation.protocol import KNOWLEDGE
from voxguard.evaluation.schema import SCHEMA, check

__all__ = ["SCHEMA", "Attacker", "Figure", "Headline", "Results", "write_text"]


@dataclass(frozen=True)
class Figure:
    """A number with how sure it is.

    Attributes:
        value: In the unit of its metric, fractions as 0 to 1; None: could not be computed.
        low: Lower end of the 95 % interval; None: there is no interval.
        high: Its upper end.
        n: What it was computed from: trials, utterances, speakers.
        why: Why there is no value.

    Example:
        >>> from voxguard.evaluation.results import Figure
        >>> Figure.of({"value": 0.043, "low": 0.02, "high": 0.07, "n": 125}).n
        125
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    why: str = ""

    @classmethod
    def of(cls, content: Mapping[str, Any] | None) -> Figure:
        """From the document; what is not there at all is a figure that was not measured."""
        if content is None:
            return cls(None, why="not measured")
        low, high = content.get("low"), content.get("high")
        return cls(content["value"], low, high, content["n"], content.get("why") or "")


@dataclass(frozen=True)
class Headline:
    """The figure that an evaluation comes down to.

    Attributes:
        eer: The lowest EER of the panel; higher is more private.
        attacker: Who reached it; empty if nobody could be tried.
        trusted: Whether the panel stood its own checks.
        reasons: Why not.
        checks: ``{"check", "passed": true | false | null, "detail"}`` each.
    """

    eer: Figure
    attacker: str
    trusted: bool
    reasons: tuple[str, ...]
    checks: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Attacker:
    """One attacker of the panel, over its part of the document.

    Attributes:
        content: The attacker's object in the document.
    """

    content: Mapping[str, Any]

    @property
    def name(self) -> str:
        """``knowledge/encoder/backend``."""
        return str(self.content["name"])

    @property
    def knowledge(self) -> str:
        """What it knows, see :data:`~voxguard.evaluation.protocol.KNOWLEDGE`.

        ``"unprotected"`` is the reference on original speech.
        """
        return str(self.content["knowledge"])

    def metric(self, name: str) -> Figure:
        """The figure of a metric, or one that says that it was not measured."""
        return Figure.of(self.content["metrics"].get(name))


@dataclass(frozen=True)
class Results:
    """A results document of the schema ``voxguard.evaluation/1``, valid by construction.

    Args:
        document: As :mod:`voxguard.evaluation.schema` describes it. It is copied.

    Raises:
        ConfigurationError: The document is not valid: another schema, something missing, a number
            that JSON does not have, a figure without an attacker. The message names the place.

    Example:
        >>> from voxguard.evaluation.results import Results
        >>> nothing = {"value": None, "low": None, "high": None, "n": 0, "why": "no trials"}
        >>> results = Results({
        ...     "schema": "voxguard.evaluation/1", "voxguard": "0.1.0", "seed": 0,
        ...     "protocol": {"name": "smoke", "version": 1}, "system": {"name": "none"},
        ...     "data": {"speakers": 0, "trials": 0}, "attackers": [],
        ...     "headline": {"eer": nothing, "attacker": None, "trusted": False,
        ...                  "reasons": ["no trials"], "checks": []}})
        >>> results.write("results.json")
        >>> Results.read("results.json").headline.reasons
        ('no trials',)
    """

    document: dict[str, Any]

    def __post_init__(self) -> None:
        check(self.document)
        object.__setattr__(self, "document", json.loads(json.dumps(self.document)))

    @classmethod
    def read(cls, path: str | Path) -> Results:
        """Read and check a document.

        Raises:
            ConfigurationError: There is no such file, it is not JSON, or it is not valid.
        """
        path = Path(path)
        try:
            document = json.loads(path.read_text("utf-8"), parse_constant=_refuse)
        except OSError as error:
            raise ConfigurationError(
                f"{path} cannot be read: {error.strerror}; name the JSON of an evaluation"
            ) from None
        except UnicodeDecodeError:
            raise ConfigurationError(f"{path} is not JSON: it is not UTF-8 text") from None
        except json.JSONDecodeError as error:
            raise ConfigurationError(
                f"{path} is not JSON: {error.msg} in line {error.lineno}, column {error.colno}"
            ) from None
        except (ValueError, RecursionError) as error:
            raise ConfigurationError(f"{path} is not JSON: {error}") from None
        try:
            return cls(document)
        except ConfigurationError as error:
            raise ConfigurationError(f"{path}: {error}") from None

    def write(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write the document, whole or not at all.

        Args:
            path: Where to; folders are made.
            overwrite: Replace what is there.

        Raises:
            OutputError: The file exists, or could not be written.
        """
        write_text(path, json.dumps(self.document, indent=1, allow_nan=False), overwrite=overwrite)

    @cached_property
    def headline(self) -> Headline:
        """The lowest EER, who reached it, and whether it can be trusted."""
        content = self.document["headline"]
        return Headline(
            eer=Figure.of(content["eer"]),
            attacker=content["attacker"] or "",
            trusted=content["trusted"],
            reasons=tuple(content["reasons"]),
            checks=tuple(content["checks"]),
        )

    @cached_property
    def attackers(self) -> tuple[Attacker, ...]:
        """The panel: what is known of original speech first, then by rising knowledge and EER."""
        found = [Attacker(content) for content in self.document["attackers"]]
        return tuple(sorted(found, key=_rank))

    @property
    def references(self) -> tuple[Attacker, ...]:
        """The attackers on original speech, the strongest first."""
        return tuple(one for one in self.attackers if one.knowledge == "unprotected")

    def strongest(self, knowledge: str) -> Attacker | None:
        """The attacker of a knowledge with the lowest EER; None if none has one."""
        found = [one for one in self.attackers if one.knowledge == knowledge]
        return found[0] if found and found[0].metric("eer").value is not None else None

    @property
    def system(self) -> str:
        """The name of what was evaluated."""
        return str(self.document["system"]["name"])

    def section(self, name: str) -> Any:
        """A part of the document that need not be there: its content, or an empty list or object.

        Args:
            name: ``"attributes"``, ``"utility"``, ``"stress"``, ``"cost"``, ``"notes"`` ...
        """
        empty: Any = {} if name in _OBJECTS else []
        return self.document.get(name) or empty


_OBJECTS = ("versions", "machine", "metrics", "disclosure", "cost")


def write_text(path: str | Path, text: str, *, overwrite: bool = False) -> None:
    """Write a text file as UTF-8, whole or not at all.

    Args:
        path: Where to; folders are made.
        text: Its content.
        overwrite: Replace what is there.

    Raises:
        OutputError: The file exists, or could not be written.
    """
    part = PartFile(Path(path))
    try:
        part.write(text.rstrip("\n").encode("utf-8", "backslashreplace") + b"\n")
        part.publish(overwrite=overwrite)
    finally:
        part.discard()


def _rank(attacker: Attacker) -> tuple[int, bool, float, str]:
    eer = attacker.metric("eer").value
    return KNOWLEDGE.index(attacker.knowledge), eer is None, eer or 0.0, attacker.name


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"it holds {constant}, which JSON does not have")
