"""Several evaluations side by side, and whether they may be put there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from voxguard.errors import ConfigurationError
from voxguard.evaluation.report.sections.common import is_original
from voxguard.evaluation.results import Results

_SAME = 1e-3  # figures of the same speech and models agree to this, whatever the machine
_DATA = ("name", "speakers", "enrolment", "trials", "train_speakers", "train_utterances")
_NONE = "none"


@dataclass(frozen=True)
class Entry:
    """One evaluation of a comparison: its letter, what it is called, where it is from."""

    key: str
    label: str
    source: str
    results: Results


@dataclass(frozen=True)
class Comparison:
    """Evaluations side by side.

    Attributes:
        entries: Two or more.
        differences: Why their figures do not answer the same question; empty: they do.
        remarks: What else differs, and should not matter.
    """

    entries: tuple[Entry, ...]
    differences: tuple[str, ...]
    remarks: tuple[str, ...]

    @property
    def comparable(self) -> bool:
        """Whether protocol, data, panel and models are the same."""
        return not self.differences

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return {
            "comparable": self.comparable,
            "differences": list(self.differences),
            "remarks": list(self.remarks),
            "methods": [_brief(entry) for entry in self.entries],
        }


def compare(results: Sequence[Results], sources: Sequence[str]) -> Comparison:
    """Put evaluations side by side.

    Args:
        results: Two or more.
        sources: What each was read from; tells two evaluations of one method apart.

    Raises:
        ConfigurationError: Fewer than two.
    """
    if len(results) < 2:
        raise ConfigurationError(f"a comparison takes two results or more, got {len(results)}")
    names = [one.system for one in results]
    entries = tuple(
        Entry(_letter(i), n if names.count(n) == 1 else f"{n} ({sources[i]})", sources[i], r)
        for i, (n, r) in enumerate(zip(names, results, strict=True))
    )
    return Comparison(entries, tuple(_differences(entries)), tuple(_remarks(entries)))


def _differences(entries: Sequence[Entry]) -> Iterator[str]:
    yield from _unequal(
        entries,
        "protocol",
        lambda r: f"{r.document['protocol']['name']} {r.document['protocol']['version']}",
    )
    yield from _settings(entries)
    for key in _DATA:
        yield from _unequal(entries, f"data, {key.replace('_', ' ')}", _getter("data", key))
    yield from _unequal(entries, "utterances left out", _left_out)
    # Original speech as a system has no anonymized speech to attack: it is a reference.
    attacked = [e for e in entries if not is_original(e.results)]
    yield from _unequal(attacked, "data, train draws", _getter("data", "train_draws"))
    yield from _panel(attacked)
    yield from _references(entries)
    yield from _recognisers(entries)


def _remarks(entries: Sequence[Entry]) -> Iterator[str]:
    yield from _unequal(entries, "voxguard", _getter("voxguard"))
    yield from _unequal(entries, "seed", _getter("seed"))


def _settings(entries: Sequence[Entry]) -> Iterator[str]:
    found = [entry.results.document["protocol"].get("settings") or {} for entry in entries]
    for name in dict.fromkeys(name for settings in found for name in settings):
        if name not in ("name", "version", "description", "seed"):
            get = _getter("protocol", "settings", name)
            yield from _unequal(entries, f"protocol setting {name}", get)


def _panel(entries: Sequence[Entry]) -> Iterator[str]:
    panels = [{one.name for one in entry.results.attackers} for entry in entries]
    for name in sorted(set().union(*panels)):
        absent = [e.key for e, panel in zip(entries, panels, strict=True) if name not in panel]
        if absent:
            yield f"attacker {name} is not in the panel of {', '.join(absent)}"


def _references(entries: Sequence[Entry]) -> Iterator[str]:
    """Original speech under the same models: weights and EER have to be the same."""
    seen = {entry.key: {one.name: one for one in entry.results.references} for entry in entries}
    for name in sorted({name for references in seen.values() for name in references}):
        having = [entry for entry in entries if name in seen[entry.key]]
        contents = {e.key: seen[e.key][name].content for e in having}
        weights = {k: c.get("fingerprint") for k, c in contents.items() if not _is_learnt(c)}
        if len({value for value in weights.values() if value}) > 1:
            yield f"the models of {name} have other weights or settings ({_listed(weights)})"
        eers = {e.key: seen[e.key][name].metric("eer").value for e in having}
        known = [value for value in eers.values() if value is not None]
        if known and max(known) - min(known) > _SAME:
            shown = {k: _NONE if v is None else f"{100 * v:.1f} %" for k, v in eers.items()}
            yield (
                f"{name} has not the same EER on original speech ({_listed(shown)}), so the speech "
                "or the trials are others"
            )


def _is_learnt(attacker: Mapping[str, Any]) -> bool:
    """Whether the evaluation trained it: its weights are then rounded as the machine does.

    What it was trained with and on is compared as settings and data, and by its EER.
    """
    return "seed" in (attacker.get("options") or {})


def _recognisers(entries: Sequence[Entry]) -> Iterator[str]:
    rows = [{row["measure"]: row for row in e.results.section("utility")} for e in entries]
    for measure in dict.fromkeys(name for found in rows for name in found):
        hows = {
            e.key: found[measure].get("how", "")
            for e, found in zip(entries, rows, strict=True)
            if measure in found
        }
        if len(set(hows.values())) > 1:
            yield f"{measure} was measured in different ways ({_listed(hows)})"


def _unequal(entries: Sequence[Entry], what: str, get: Callable[[Results], Any]) -> Iterator[str]:
    values = {entry.key: get(entry.results) for entry in entries}
    texts = {key: json.dumps(value, sort_keys=True) for key, value in values.items()}
    if len(set(texts.values())) > 1:
        shown = {k: v if isinstance(v, str) else texts[k] for k, v in values.items()}
        yield f"{what} differs ({_listed(shown)})"


def _listed(values: dict[str, Any]) -> str:
    parts = []
    for key, value in values.items():
        text = str(value) if value not in (None, "", "null") else _NONE
        parts.append(f"{key}: {text if len(text) <= 60 else text[:59] + '…'}")
    return "; ".join(parts)


def _getter(*keys: str) -> Callable[[Results], Any]:
    def get(results: Results) -> Any:
        found: Any = results.document
        for key in keys:
            found = (found or {}).get(key)
        return found

    return get


def _left_out(results: Results) -> list[str]:
    return sorted(one["utterance"] for one in results.document["data"].get("excluded") or ())


def _letter(index: int) -> str:
    return chr(ord("A") + index % 26) + (str(index // 26) if index >= 26 else "")


def _brief(entry: Entry) -> dict[str, Any]:
    document, headline = entry.results.document, entry.results.headline
    return {
        "key": entry.key,
        "label": entry.label,
        "file": entry.source,
        "system": document["system"],
        "protocol": document["protocol"]["name"],
        "eer": document["headline"]["eer"],
        "attacker": headline.attacker,
        "trusted": headline.trusted,
        "reasons": list(headline.reasons),
        "utility": [
            {key: row.get(key) for key in ("measure", "original", "anonymized", "how")}
            for row in entry.results.section("utility")
        ],
        "rtf": entry.results.section("cost").get("rtf"),
    }
