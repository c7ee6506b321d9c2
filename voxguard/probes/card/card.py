"""What is known of one model behind one anonymizer, from all probes that were run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import voxguard
from voxguard.errors import ConfigurationError
from voxguard.probes.document import ProbeDocument
from voxguard.probes.figures import NO_AUDIO, RAW, SILENCE, TRANSCRIPT, ProbeFigure
from voxguard.probes.json_file import of_schema, read_json, write_json

SCHEMA = "voxguard.card/1"
_CONTROLS = (RAW, TRANSCRIPT, SILENCE, NO_AUDIO)


@dataclass(frozen=True)
class PrivacyCard:
    """The probes of one model, raw and behind one anonymizer.

    Attributes:
        model: Name of the model.
        system: Name of the anonymizer in the documents; ``"raw"``: there is none.
        documents: One a probe, with the figures of the controls and of this anonymizer only.
        anonymizer: Its method and options.

    Example:
        >>> from voxguard.probes.card import PrivacyCard, make_card
        >>> from voxguard.probes.document import ProbeDocument
        >>> from voxguard.probes.figures import ProbeFigure
        >>> figures = tuple(ProbeFigure("advantage", value, value - 0.1, value + 0.1, 120, system,
        ...                             {"attribute": "sex"})
        ...                 for system, value in (("raw", 0.8), ("mcadams", 0.3)))
        >>> document = ProbeDocument("attributes", {"name": "m"}, {"clips": 120},
        ...                          {"raw": {}, "mcadams": {"method": "mcadams"}}, figures)
        >>> make_card([document], "mcadams").find("advantage")[0][1].value
        0.3
    """

    model: str
    system: str
    documents: tuple[ProbeDocument, ...]
    anonymizer: Mapping[str, Any]

    def find(
        self, name: str, system: str | None = None, **where: str
    ) -> list[tuple[str, ProbeFigure]]:
        """Figures of a name with the probe that each is from; None: of the card's own system."""
        return [
            (document.probe, figure)
            for document in self.documents
            for figure in document.find(name, system or self.system, **where)
        ]

    def as_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "schema": SCHEMA,
            "voxguard": voxguard.__version__,
            "model": self.model,
            "system": self.system,
            "anonymizer": dict(self.anonymizer),
            "probes": [document.as_dict() for document in self.documents],
        }

    def write(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write it as JSON, whole or not at all.

        Raises:
            OutputError: The file exists, or cannot be written.
        """
        write_json(self.as_dict(), path, overwrite=overwrite)

    @classmethod
    def read(cls, path: str | Path) -> PrivacyCard:
        """Read a card.

        Raises:
            OutputError: The file cannot be read.
            ConfigurationError: It is no card.
        """
        content = of_schema(read_json(path), SCHEMA, str(path))
        try:
            documents = tuple(ProbeDocument.of(probe, str(path)) for probe in content["probes"])
            return cls(content["model"], content["system"], documents, content["anonymizer"])
        except (KeyError, TypeError) as error:
            raise ConfigurationError(f"{path} is no privacy card: {error}") from None


def make_card(documents: Iterable[ProbeDocument], system: str) -> PrivacyCard:
    """Put the documents of several probes on one card.

    Args:
        documents: Of one model, each of another probe.
        system: Name of the anonymizer; ``"raw"`` for the model as it is.

    Raises:
        ConfigurationError: No document; documents of different models, or two of one probe; a
            system that none of them knows, or that is a different anonymizer in two of them.
    """
    found = tuple(documents)
    if not found:
        raise ConfigurationError("a card takes at least one probe's document")
    models = sorted({str(document.model.get("name")) for document in found})
    if len(models) > 1:
        raise ConfigurationError(f"a card is about one model, these are about {', '.join(models)}")
    probes = [document.probe for document in found]
    if twice := sorted({probe for probe in probes if probes.count(probe) > 1}):
        raise ConfigurationError(f"two documents are of the probe {twice[0]!r}; a card takes one")
    abouts = [document.systems[system] for document in found if system in document.systems]
    if not abouts:
        known = sorted({name for document in found for name in document.systems})
        raise ConfigurationError(f"no document is about {system!r}; there are {', '.join(known)}")
    if any(about != abouts[0] for about in abouts):
        raise ConfigurationError(f"{system!r} is a different anonymizer in two of the documents")
    kept = tuple(_only(document, system) for document in found)
    return PrivacyCard(models[0], system, kept, abouts[0])


def _only(document: ProbeDocument, system: str) -> ProbeDocument:
    figures = tuple(figure for figure in document.figures if figure.system in (*_CONTROLS, system))
    systems = {name: about for name, about in document.systems.items()
               if name in (*_CONTROLS, system)}  # fmt: skip
    return replace(document, figures=figures, systems=systems)
