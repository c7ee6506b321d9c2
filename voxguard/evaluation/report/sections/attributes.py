"""What else a voice tells: sex, age, accent, emotion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    figure_cell,
    head,
    table,
)
from voxguard.evaluation.report.figures import constant
from voxguard.evaluation.report.sections.common import SERIES, terms
from voxguard.evaluation.report.terms import Terms
from voxguard.evaluation.results import Figure, Results

_ORDER = ("unprotected", "ignorant", "retrained")


def attributes(results: Results) -> Section:
    """Inferred attributes, and how far they single people out."""
    known = terms(results)
    found = sorted(
        results.section("attributes"),
        key=lambda row: (row["attribute"], row["features"], _ORDER.index(row["knowledge"])),
    )
    blocks: list[Block] = [
        *beside(_bars(found), *attribute_table(results)),
        *_recalls(found),
        *_profiles(results.section("profiles"), known),
    ]
    return Section(
        "attributes",
        "Inferred attributes",
        "Classifiers that were never shown a test speaker infer attributes from the voice. "
        "Ignorant: made for original speech. Retrained: made again for anonymized speech. The "
        "dotted mark is the best blind guess; what counts is the advantage over it. Lower is "
        "more private.",
        tuple(blocks),
    )


def attribute_table(results: Results) -> tuple[Table, ...]:
    """Accuracy and advantage of every classifier."""
    known = terms(results)
    names = ("balanced_accuracy", "advantage")
    lines = [
        Row(
            (
                Cell(f"{row['attribute']}, {row['features']}"),
                Cell(str(row["knowledge"])),
                *(figure_cell(Figure.of(row.get(name)), known[name].unit) for name in names),
                Cell(constant(row.get("blind"), known["balanced_accuracy"])),
            ),
            "reference" if row["knowledge"] == "unprotected" else "",
        )
        for row in sorted(
            results.section("attributes"),
            key=lambda row: (row["attribute"], row["features"], _ORDER.index(row["knowledge"])),
        )
    ]
    columns = (
        Column("Attribute, features"),
        Column("Classifier"),
        *(head(known[name]) for name in names),
        Column("Blind guess"),
    )
    return table("Inferred attributes", columns, lines)


def _bars(found: Sequence[Mapping[str, Any]]) -> Chart | None:
    groups: dict[str, list[Item]] = {}
    for row in found:
        classes = f" ({', '.join(row['classes'])})" if row.get("classes") else ""
        heading = f"{row['attribute']}, {row['features']}{classes}"
        groups.setdefault(heading, []).append(
            Item(
                row["knowledge"],
                Figure.of(row["balanced_accuracy"]),
                SERIES[row["knowledge"]],
                blind=row.get("blind"),
            )
        )
    return rows(
        "attribute-bars",
        "Balanced accuracy on original speech and on anonymized speech.",
        list(groups.items()),
        unit="%",
        axis="balanced accuracy, %: lower is more private",
        mark="bar",
        least=1.0,
    )


def _recalls(found: Sequence[Mapping[str, Any]]) -> tuple[Table, ...]:
    """One table an attribute: classifiers down, classes across."""
    tables: list[Table] = []
    for attribute in dict.fromkeys(row["attribute"] for row in found):
        of = [row for row in found if row["attribute"] == attribute and row.get("recall")]
        classes = list(dict.fromkeys(name for row in of for name in row["recall"]))
        lines = [
            Row(
                (
                    Cell(f"{row['features']}, {row['knowledge']}"),
                    *(figure_cell(Figure.of(row["recall"].get(name)), "%") for name in classes),
                ),
                "reference" if row["knowledge"] == "unprotected" else "",
            )
            for row in of
        ]
        columns = Column("Classifier"), *(Column(name) for name in classes)
        tables += table(f"Recall of each class of {attribute}", columns, lines)
    return tuple(tables)


def _profiles(found: Sequence[Mapping[str, Any]], known: Terms) -> tuple[Table, ...]:
    names = ("unique", "correct_and_unique")
    lines = [
        Row(
            (
                Cell(row["knowledge"]),
                Cell(", ".join(row["attributes"])),
                *(figure_cell(Figure.of(row.get(name)), known[name].unit) for name in names),
            ),
            "reference" if row["knowledge"] == "unprotected" else "",
        )
        for row in found
    ]
    columns = Column("Classifier"), Column("Profile of"), *(head(known[name]) for name in names)
    return table("Profiles: people whom their inferred attributes single out", columns, lines)
