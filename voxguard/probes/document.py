"""What a probe found: one JSON document, checked whenever it is read or written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import voxguard
from voxguard.errors import ConfigurationError
from voxguard.probes.figures import RAW, ProbeFigure
from voxguard.probes.json_file import of_schema, read_json, write_json

SCHEMA = "voxguard.probe/1"


@dataclass(frozen=True)
class ProbeDocument:
    """The figures of one probe on one model.

    Attributes:
        probe: ``"attributes"``, ``"membership"``, ``"secrets"`` ...
        model: What was asked: its name, and more as known.
        data: What it was asked about: name, clips, speakers.
        systems: What the model heard, by name: of an anonymizer its method and options.
        figures: All numbers.
        counts: How many were asked, answered, refused, unparsable, failed ..., by what is counted.
        settings: Options of the probe, the seed among them.
        notes: What a reader must know: what was skipped, and which figures are not to be trusted.
        voxguard: Version that made it.

    Example:
        >>> from voxguard.probes.document import ProbeDocument
        >>> from voxguard.probes.figures import ProbeFigure
        >>> figure = ProbeFigure("advantage", 0.8, 0.7, 0.9, 120, "raw", {"attribute": "sex"})
        >>> document = ProbeDocument("attributes", {"name": "m"}, {"clips": 120}, {"raw": {}},
        ...                          (figure,))
        >>> document.write("probe.json")
        >>> ProbeDocument.read("probe.json").figure("advantage", attribute="sex").value
        0.8
    """

    probe: str
    model: Mapping[str, Any]
    data: Mapping[str, Any]
    systems: Mapping[str, Any]
    figures: tuple[ProbeFigure, ...]
    counts: Mapping[str, int] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    voxguard: str = voxguard.__version__

    def figure(self, name: str, system: str = RAW, **where: str) -> ProbeFigure:
        """The one figure of a name, for a system, about what is given.

        Raises:
            ConfigurationError: There is none, or more than one.
        """
        found = self.find(name, system, **where)
        if len(found) != 1:
            raise ConfigurationError(
                f"{len(found)} figures are called {name!r} for {system!r} and {where}; one is "
                "wanted"
            )
        return found[0]

    def find(self, name: str, system: str | None = None, **where: str) -> list[ProbeFigure]:
        """All figures of a name; None: for any system."""
        return [
            figure
            for figure in self.figures
            if figure.name == name
            and system in (None, figure.system)
            and all(figure.where.get(key) == value for key, value in where.items())
        ]

    def as_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "schema": SCHEMA,
            "voxguard": self.voxguard,
            "probe": self.probe,
            "model": dict(self.model),
            "data": dict(self.data),
            "systems": dict(self.systems),
            "settings": dict(self.settings),
            "counts": dict(self.counts),
            "notes": list(self.notes),
            "figures": [figure.as_dict() for figure in self.figures],
        }

    def write(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write it as JSON, whole or not at all.

        Raises:
            OutputError: The file exists, or cannot be written.
            ConfigurationError: Something in it is no JSON.
        """
        write_json(self.as_dict(), path, overwrite=overwrite)

    @classmethod
    def read(cls, path: str | Path) -> ProbeDocument:
        """Read a document.

        Raises:
            OutputError: The file cannot be read.
            ConfigurationError: It is no document of this schema.
        """
        return cls.of(read_json(path), str(path))

    @classmethod
    def of(cls, content: Any, place: str = "the document") -> ProbeDocument:
        """From JSON types.

        Args:
            content: What :meth:`as_dict` gives.
            place: What errors call it.

        Raises:
            ConfigurationError: It is no document of this schema.
        """
        content = of_schema(content, SCHEMA, place)
        try:
            figures = tuple(ProbeFigure(**figure) for figure in content["figures"])
            names = ("probe", "model", "data", "systems", "counts", "settings", "voxguard")
            parts = {name: content[name] for name in names}
            return cls(figures=figures, notes=tuple(content["notes"]), **parts)
        except (KeyError, TypeError) as error:
            raise ConfigurationError(f"{place} is no probe document: {error}") from None
