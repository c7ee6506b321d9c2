"""Every metric of the report: what it is, what guessing gives, which way is private."""

from __future__ import annotations

from collections.abc import Iterator

from voxguard.evaluation.report.content import Cell, Column, Row, Section, direction, table
from voxguard.evaluation.report.figures import ABSENT, constant
from voxguard.evaluation.report.sections.common import terms
from voxguard.evaluation.results import Results


def glossary(results: Results) -> Section:
    """The metrics that the report shows."""
    known = terms(results)
    names = dict.fromkeys(_used(results))
    lines = []
    for name in names:
        term = known[name]
        lines.append(
            Row(
                (
                    Cell(term.title, tuple({term.full_title} - {term.title})),
                    Cell(term.plain or ABSENT),
                    Cell(term.unit or ABSENT),
                    Cell(direction(term) or ABSENT),
                    Cell(constant(term.chance, term)),
                    Cell(constant(term.ideal, term)),
                    Cell(term.source or ABSENT),
                )
            )
        )
    titles = ("Metric", "What it says", "Unit", "Direction", "Guessing", "Ideal", "Source")
    return Section(
        "glossary",
        "The metrics",
        "Guessing is what an attacker gets that knows nothing; ideal is what perfect "
        "anonymization would give. N is the number of people.",
        table("Metrics", [Column(title) for title in titles], lines),
    )


def _used(results: Results) -> Iterator[str]:
    for one in results.attackers:
        yield from one.content["metrics"]
        for row in one.content.get("populations", ()):
            yield from (name for name in row if name != "population")
    yield from (name for name in ("g_vd", "deid") if results.section("disclosure").get(name))
    for row in results.section("attributes"):
        yield from (name for name in ("balanced_accuracy", "advantage") if name in row)
    for row in results.section("profiles"):
        yield from (name for name in ("unique", "correct_and_unique") if name in row)
    yield from (row["measure"] for row in results.section("utility"))
    if results.section("cost").get("rtf"):
        yield "rtf"
