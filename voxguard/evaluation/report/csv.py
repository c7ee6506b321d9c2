"""Every figure of an evaluation as one tidy table, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from voxguard.evaluation.report.sections.common import terms
from voxguard.evaluation.results import Attacker, Figure, Results

COLUMNS = (
    "run",
    "system",
    "protocol",
    "section",
    "name",
    "knowledge",
    "subgroup",
    "level",
    "metric",
    "value",
    "low",
    "high",
    "n",
    "unit",
    "private",
    "chance",
    "attacker",
    "seed",
    "fingerprint",
    "trusted",
    "why",
)
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_WORDS = ("worst", "gap")


def render_csv(results: Results, *more: Results, runs: Sequence[str] = ()) -> str:
    """Make one table of one or more evaluations; one row a figure.

    Args:
        results: What to write.
        *more: Further evaluations, into the same table.
        runs: What to call them in the column ``run``; by default their systems.

    Returns:
        CSV with a head. Values are as in the JSON: fractions from 0 to 1 where the unit is
        ``fraction``. A text that a spreadsheet would take for a formula begins with ``'``.

    Example:
        >>> from voxguard.evaluation.report.csv import safe
        >>> safe("=HYPERLINK(1)")
        "'=HYPERLINK(1)"
    """
    every = (results, *more)
    names = list(runs) or [one.system for one in every]
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for run, one in zip(names, every, strict=True):
        common = {"run": run, "system": one.system, "protocol": one.document["protocol"]["name"]}
        for row in _rows(one):
            writer.writerow({name: safe(value) for name, value in {**common, **row}.items()})
    return stream.getvalue()


def safe(value: Any) -> Any:
    """A cell that no spreadsheet runs; numbers stay numbers."""
    if isinstance(value, str):
        value = re.sub(r"[\x00-\x1f]+", " ", value)  # one row, one line
        return f"'{value}" if value.lstrip(" '").startswith(_FORMULA) else value
    return "" if value is None else value


def _rows(results: Results) -> Iterator[dict[str, Any]]:
    known, document = terms(results), results.document

    def row(metric: str, content: Mapping[str, Any] | None, **where: Any) -> dict[str, Any]:
        figure, term = Figure.of(content), known[metric]
        about = {
            "metric": metric,
            "unit": "fraction" if term.unit == "%" else term.unit,
            "private": term.private,
            "chance": term.chance,
        }
        numbers = {"value": figure.value, "low": figure.low, "high": figure.high, "n": figure.n}
        return {**about, **numbers, "why": figure.why, **where}

    headline = results.headline
    yield row("eer", document["headline"]["eer"], section="headline", name=headline.attacker,
              attacker=headline.attacker, trusted=str(headline.trusted).lower(),
              why="; ".join(headline.reasons))  # fmt: skip
    for one in results.attackers:
        yield from _attacker(one, row)
    for metric, content in results.section("disclosure").items():
        if isinstance(content, Mapping):
            yield row(metric, content, section="disclosure")
    for found in results.section("attributes"):
        where = {
            "section": "attributes",
            "name": found["attribute"],
            "knowledge": found["knowledge"],
            "attacker": f"{found['knowledge']}/{found['features']}",
        }
        for metric in ("balanced_accuracy", "advantage"):
            if metric in found:
                yield row(metric, found[metric], **where)
        for label, content in found.get("recall", {}).items():
            yield row("recall", content, level=label, **{**where, "unit": "fraction"})
        yield from _groups(found.get("subgroups"), row, where)
    for found in results.section("profiles"):
        for metric in ("unique", "correct_and_unique"):
            if metric in found:
                yield row(metric, found[metric], section="profiles",
                          name=", ".join(found["attributes"]),
                          knowledge=found["knowledge"])  # fmt: skip
    for found in results.section("utility"):
        yield from _utility(found, row)
    for found in results.section("stress"):
        for metric in ("eer", "wer"):
            if found.get(metric):
                yield row(metric, found[metric], section="stress", name=found["axis"],
                          level=found["level"], attacker=found.get("attacker"))  # fmt: skip
    cost = results.section("cost")
    if cost.get("rtf"):
        yield row("rtf", cost["rtf"], section="cost", name=str(cost.get("how", "")))
    for key, unit in (("peak_memory_mib", "MiB"), ("seconds_of_audio", "s")):
        if cost.get(key) is not None:
            yield {"section": "cost", "metric": key, "value": cost[key], "unit": unit}
    for found in document["data"].get("excluded") or ():
        yield {"section": "excluded", "name": found["utterance"], "subgroup": found["speaker"],
               "why": found["reason"]}  # fmt: skip


def _attacker(one: Attacker, row: Any) -> Iterator[dict[str, Any]]:
    content = one.content
    where = {
        "section": "attackers",
        "name": one.name,
        "knowledge": one.knowledge,
        "attacker": one.name,
        "seed": content.get("seed"),
        "fingerprint": content.get("fingerprint"),
    }
    for metric, found in content["metrics"].items():
        yield row(metric, found, **where)
    yield from _groups(content.get("subgroups"), row, where)
    for sweep, at in (("lengths", "utterances"), ("populations", "population")):
        for point in content.get(sweep, ()):
            for metric, found in point.items():
                if metric != at and isinstance(found, Mapping):
                    yield row(metric, found, **{**where, "section": sweep}, level=point[at])


def _groups(
    groups: Mapping[str, Any] | None, row: Any, where: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    for axis, found in (groups or {}).items():
        for name, figures in found.items():
            if name not in _WORDS:
                for metric, content in figures.items():
                    yield row(metric, content, subgroup=f"{axis}={name}", **where)


def _utility(found: Mapping[str, Any], row: Any) -> Iterator[dict[str, Any]]:
    where = {"section": "utility", "name": found.get("how", "")}
    for side in ("original", "anonymized"):
        if found.get(side):
            yield row(found["measure"], found[side], level=side, **where)
        for axis, groups in (found.get("subgroups") or {}).items():
            for name, figures in groups.items():
                if name not in _WORDS and figures.get(side):
                    group = f"{axis}={name}"
                    yield row(found["measure"], figures[side], level=side, subgroup=group, **where)
