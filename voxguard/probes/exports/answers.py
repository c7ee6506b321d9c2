"""Answers that another harness has got, scored as the attributes probe scores its own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voxguard.audiollm import Answer, Question
from voxguard.errors import ConfigurationError
from voxguard.probes.attributes.conditions import Asked
from voxguard.probes.attributes.parser import read_answer
from voxguard.probes.attributes.scoring import Read
from voxguard.probes.attributes.summary import counts_of, figures_of
from voxguard.probes.attributes.taxonomy import ATTRIBUTES, Attribute, own_attribute
from voxguard.probes.document import ProbeDocument
from voxguard.probes.exports.folder import KEY_SCHEMA
from voxguard.probes.exports.jsonl import QUESTIONS
from voxguard.probes.exports.lines import Line


def score_answers(
    folder: str | Path,
    answers: str | Path | Sequence[str | Path],
    *,
    model: str,
    key: str | Path | None = None,
    fields: tuple[str, str] = ("id", "answer"),
    attributes: Sequence[Attribute] = (),
    resamples: int = 1000,
    seed: int = 0,
) -> ProbeDocument:
    """Read answers back, and score them with the probe's own rules, baselines and intervals.

    Questions without an answer, or with null, are errors: they are counted and left out, never
    taken for wrong answers.

    Args:
        folder: What was exported.
        answers: JSON lines of an id and an answer each, in any order; one file or several.
        model: What answered.
        key: The key of the export, for the intervals over speakers; None: beside the folder.
        fields: Where id and answer stand in each line; ``"doc.id"`` is ``id`` within ``doc``, and
            ``"resps.0"`` the first of ``resps``.
        attributes: Those of your own that were exported as :class:`Attribute` objects.
        resamples: Of the intervals.
        seed: Of the intervals.

    Returns:
        A document of the probe ``"attributes"``, as
        :func:`~voxguard.probes.attributes.probe_attributes` gives it.

    Raises:
        ConfigurationError: A file that cannot be read, an id that was not exported or that has two
            answers, or no answer at all.
    """
    place = Path(folder)
    lines = {line.id: line for line in _lines(place / QUESTIONS)}
    where = place.with_name(f"{place.name}-key.json") if key is None else Path(key)
    secret = _Key.read(where)
    files = [answers] if isinstance(answers, str | Path) else answers
    given = _answers([Path(file) for file in files], fields, lines)
    known = {attribute.name: attribute for attribute in attributes}
    read = []
    for line in lines.values():
        attribute = known.get(line.attribute) or attribute_of(line.attribute, line.classes)
        question = Question(line.id, line.prompt)
        about = (line.system, line.asked, line.form, line.options)
        asked = Asked(question, attribute, line.answer, *about, line.clip, secret.speaker(line))  # type: ignore[arg-type]
        answer = Answer(given.get(line.id), None if line.id in given else "not answered")
        reading = read_answer(answer, attribute, line.options, reasoned=line.reasoned)
        read.append(Read(asked, reading))
    figures, notes = figures_of(read, resamples, seed)
    return ProbeDocument(
        probe="attributes",
        model={"name": model, "states": False},
        data={
            "name": secret.content["data"],
            "clips": len({line.clip for line in lines.values()}),
            "speakers": len({one.asked.speaker for one in read}),
        },
        systems=secret.content["systems"],
        figures=tuple(figures),
        counts=counts_of(read),
        settings={**secret.content["settings"], "resamples": resamples, "answers": "imported"},
        notes=(*secret.content["notes"], *notes, *_missing(lines, given)),
    )


@dataclass(frozen=True)
class _Key:
    """Who is behind the clips."""

    content: Mapping[str, Any]
    place: str

    @classmethod
    def read(cls, path: Path) -> _Key:
        try:
            content = json.loads(path.read_text("utf-8"))
        except OSError as error:
            raise ConfigurationError(
                f"{path} cannot be read: {error.strerror}; key= is what the export wrote beside "
                "its folder, and the intervals need it"
            ) from None
        except ValueError:
            content = None
        if not isinstance(content, dict) or content.get("schema") != KEY_SCHEMA:
            raise ConfigurationError(f"{path} is no key of an export")
        return cls(content, str(path))

    def speaker(self, line: Line) -> str:
        try:
            return str(self.content["clips"][line.clip]["speaker"])
        except KeyError:
            raise ConfigurationError(
                f"{self.place} is the key of another export: it has no clip {line.clip!r}"
            ) from None


def _lines(path: Path) -> list[Line]:
    return [Line.of(content, place) for place, content in _json_lines(path)]


def _json_lines(path: Path) -> list[tuple[str, Any]]:
    try:
        rows = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from None
    found = []
    for number, row in enumerate(rows, 1):
        if not row.strip():
            continue
        try:
            found.append((f"{path}, line {number}", json.loads(row)))
        except ValueError:
            raise ConfigurationError(f"{path}, line {number}: no JSON") from None
    return found


def _answers(
    files: Sequence[Path], fields: tuple[str, str], lines: Mapping[str, Line]
) -> dict[str, str]:
    """Id to text; a null is no answer."""
    found: dict[str, str] = {}
    seen: set[str] = set()
    for place, row in (row for file in files for row in _json_lines(file)):
        name, text = (_field(row, field, place) for field in fields)
        if name not in lines:
            raise ConfigurationError(f"{place}: {name!r} is no id of this export")
        if name in seen:
            raise ConfigurationError(f"{place}: a second answer to {name!r}; keep one")
        seen.add(name)
        if text is None:
            continue
        if not isinstance(text, str):
            raise ConfigurationError(
                f"{place}: the answer is {type(text).__name__}, not text; fields= says where it is"
            )
        found[name] = text
    if not found:
        raise ConfigurationError(f"no answer in {', '.join(map(str, files)) or 'no file'}")
    return found


def _field(row: Any, path: str, place: str) -> Any:
    value = row
    for part in path.split("."):
        try:
            value = value[int(part)] if isinstance(value, list) else value[part]
        except (KeyError, IndexError, TypeError, ValueError):
            raise ConfigurationError(f"{place}: no {path!r}; fields= says where it is") from None
    return value


def attribute_of(name: str, classes: Sequence[str]) -> Attribute:
    """The attribute of an exported question.

    Args:
        name: What it is called.
        classes: Of it.

    Example:
        >>> from voxguard.probes.exports.answers import attribute_of
        >>> attribute_of("emotion", ("calm", "fear")).classes
        ('calm', 'fear')
    """
    usual = ATTRIBUTES.get(name)
    if usual is not None and usual.classes == tuple(classes):
        return usual
    return own_attribute(name, classes)


def _missing(lines: Mapping[str, Line], given: Mapping[str, str]) -> list[str]:
    missing = len(lines) - len(given)
    told = f"{missing} of {len(lines)} questions have no answer and are left out"
    return [told] if missing else []
