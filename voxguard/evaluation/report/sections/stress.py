"""What noise, rooms and codecs do to privacy and utility."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from voxguard.evaluation.report.charts.rows import Item, rows
from voxguard.evaluation.report.content import (
    Cell,
    Chart,
    Column,
    Row,
    Section,
    charts,
    figure_cell,
    head,
    table,
)
from voxguard.evaluation.report.figures import ABSENT
from voxguard.evaluation.report.sections.common import SERIES, terms
from voxguard.evaluation.report.terms import Terms
from voxguard.evaluation.results import Figure, Results

_METRICS = {
    "eer": ("EER, %: higher is more private", SERIES["semi-informed"]),
    "wer": ("WER, %: lower is better", SERIES["ignorant"]),
}


def stress(results: Results) -> Section:
    """Each axis beside clean speech under the same attacker."""
    known, found = terms(results), results.section("stress")
    every = [_clean(results, found[0].get("attacker")), *found] if found else []
    lines = [
        Row(
            (
                Cell(_name(row)),
                *(figure_cell(Figure.of(row.get(name)), known[name].unit) for name in _METRICS),
                Cell(row.get("attacker") or ABSENT),
            ),
            "" if index else "reference",
        )
        for index, row in enumerate(every)
    ]
    columns = Column("Stress"), *(head(known[name]) for name in _METRICS), Column("Attacker")
    return Section(
        "stress",
        "Under stress",
        "Recordings are rarely clean. What noise, rooms and codecs do to both sides.",
        (*charts(*(_chart(name, every, known) for name in _METRICS)),
         *table("Stress", columns, lines)),
    )  # fmt: skip


def _clean(results: Results, attacker: str | None) -> dict[str, Any]:
    """The same figures without any stress."""
    eer = [one.content["metrics"].get("eer") for one in results.attackers if one.name == attacker]
    wer = [row.get("anonymized") for row in results.section("utility") if row["measure"] == "wer"]
    return {
        "axis": "clean speech",
        "level": "",
        "attacker": attacker,
        "eer": next(iter(eer), None),
        "wer": next(iter(wer), None),
    }


def _name(row: Mapping[str, Any]) -> str:
    return ", ".join(filter(None, (row["axis"], row["level"])))


def _chart(metric: str, found: Sequence[Mapping[str, Any]], known: Terms) -> Chart | None:
    axis, series = _METRICS[metric]
    items = [
        Item(_name(row), Figure.of(row[metric]), series if index else 0)
        for index, row in enumerate(found)
        if row.get(metric)
    ]
    return rows(
        f"stress-{metric}",
        f"{known[metric].title} on clean speech and under stress.",
        [("", items)],
        unit=known[metric].unit,
        axis=axis,
        chance=[(0.5, "50 %: guessing")] if metric == "eer" else (),
        least=0.55 if metric == "eer" else 0.0,
    )
