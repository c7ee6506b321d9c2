"""Who is protected less, and who loses more: every figure by subgroup."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from voxguard.evaluation.report.charts.rows import Item, rows
from voxguard.evaluation.report.content import (
    Block,
    Cell,
    Chart,
    Column,
    Row,
    Section,
    Table,
    beside,
    direction,
    figure_cell,
    table,
)
from voxguard.evaluation.report.figures import ABSENT, with_unit
from voxguard.evaluation.report.sections.common import SERIES, champions, leader, terms
from voxguard.evaluation.report.terms import Terms
from voxguard.evaluation.results import Figure, Results

_WORDS = ("worst", "gap")


@dataclass(frozen=True)
class Split:
    """One metric of one source by the groups of one axis."""

    source: str
    metric: str
    axis: str
    groups: Mapping[str, Figure]
    worst: str
    gap: float | None
    series: int


def subgroups(results: Results) -> Section:
    """Figures by subgroup with the worst group and the gap."""
    known, splits = terms(results), list(_splits(results))
    drawn = {one.name for one in (leader(results), results.strongest("unprotected")) if one}
    axes: dict[tuple[str, str], list[Split]] = {}
    for split in splits:
        axes.setdefault((split.axis, split.metric), []).append(split)
    blocks: list[Block] = []
    for index, ((axis, metric), found) in enumerate(axes.items()):
        shown = [s for s in found if metric != "eer" or s.source in drawn]
        picture = _bars(f"subgroups-{index}", axis, metric, shown, known)
        blocks += beside(picture, *_table(axis, metric, found, known))
    return Section(
        "subgroups",
        "Subgroups",
        "A mean can hide that one group is protected less than another. Differences that original "
        "speech has already are the yardstick's, not the method's.",
        tuple(blocks),
        missing="No subgroups were given, so nothing was split.",
    )


def _splits(results: Results) -> Iterator[Split]:
    for one in champions(results):
        yield from _of(one.name, one.content.get("subgroups"), SERIES[one.knowledge])
    for row in results.section("attributes"):
        source = f"{row['attribute']}, {row['features']}, {row['knowledge']}"
        yield from _of(source, row.get("subgroups"), SERIES[row["knowledge"]])
    for row in results.section("utility"):
        for side, series in (("original", 0), ("anonymized", 2)):
            yield from _of(f"{side} speech", _side(row, side), series)


def _of(source: str, found: Mapping[str, Any] | None, series: int) -> Iterator[Split]:
    for axis, groups in (found or {}).items():
        named = {name: value for name, value in groups.items() if name not in _WORDS}
        metrics = dict.fromkeys(metric for value in named.values() for metric in value)
        for index, metric in enumerate(metrics):
            figures = {n: Figure.of(v[metric]) for n, v in named.items() if metric in v}
            first = index == 0  # worst and gap are of the leading metric
            worst, gap = (groups.get(word) if first else None for word in _WORDS)
            yield Split(source, metric, axis, figures, worst or "", gap, series)


def _side(row: Mapping[str, Any], side: str) -> dict[str, Any]:
    """A utility measure's subgroups as those of an attacker: one figure under its name."""
    return {
        axis: {
            name: value if name in _WORDS else {row["measure"]: value[side]}
            for name, value in groups.items()
            if (name in _WORDS and side == "anonymized")
            or (name not in _WORDS and value.get(side) is not None)
        }
        for axis, groups in (row.get("subgroups") or {}).items()
    }


def _bars(key: str, axis: str, metric: str, splits: list[Split], known: Terms) -> Chart | None:
    term = known[metric]
    groups = [
        (
            f"{axis}: {group}",
            [
                Item(split.source, split.groups[group], split.series,
                     strong=bool(group == split.worst))
                for split in splits if group in split.groups
            ],
        )
        for group in dict.fromkeys(group for split in splits for group in split.groups)
    ]  # fmt: skip
    return rows(
        key,
        f"{term.title} by {axis}. The worst group of each source is in bold.",
        groups,
        unit=term.unit,
        axis=f"{term.title}{f', {term.unit}' if term.unit else ''}",
        chance=[(0.5, "50 %: guessing")] if metric == "eer" else (),
        mark="bar",
        least=0.55 if metric == "eer" else 0.0,
    )


def _table(axis: str, metric: str, splits: Sequence[Split], known: Terms) -> tuple[Table, ...]:
    """Sources down, groups across."""
    unit = known[metric].unit
    groups = list(dict.fromkeys(group for split in splits for group in split.groups))
    lines = [
        Row(
            (
                Cell(split.source),
                *(figure_cell(split.groups.get(group, Figure.of(None)), unit) for group in groups),
                Cell(split.worst or ABSENT),
                Cell(ABSENT if split.gap is None else with_unit(split.gap, unit)),
            ),
            "reference" if split.series == 0 else "",
        )
        for split in splits
    ]
    columns = (
        Column("Source"),
        *(Column(group) for group in groups),
        Column("Worst group"),
        Column("Gap", "best to worst"),
    )
    term = known[metric]
    return table(
        ", ".join(filter(None, (f"{term.title} by {axis}", direction(term)))), columns, lines
    )
