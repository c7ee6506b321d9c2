"""What is lost, what it costs, and what happens under stress."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from voxguard.evaluation.report.charts.tradeoff import Spot, tradeoff
from voxguard.evaluation.report.content import (
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
from voxguard.evaluation.report.figures import ABSENT, number
from voxguard.evaluation.report.sections.common import SERIES, is_original, original, terms
from voxguard.evaluation.results import Figure, Results

TRADED = ("wer", "cer", "uar", "pitch_correlation")  # the first that was measured is traded


def traded(results: Results) -> Mapping[str, Any] | None:
    """The utility measure that privacy is traded against."""
    measured = {
        row["measure"]: row
        for row in results.section("utility")
        if Figure.of(row.get("anonymized")).value is not None
    }
    return next((measured[name] for name in TRADED if name in measured), None)


def utility(results: Results) -> Section:
    """Privacy against utility, every measure of what is kept, and what it costs."""
    return Section(
        "utility",
        "Privacy against utility",
        "Silence is perfectly private. A method is good if it makes attackers err and leaves "
        "everything else as it was.",
        (*beside(_tradeoff(results), *utility_table(results)), *cost_table(results)),
    )


def _tradeoff(results: Results) -> Chart | None:
    row = traded(results)
    if row is None:
        return None
    before, after = Figure.of(row.get("original")), Figure.of(row["anonymized"])
    spots = [Spot("original", "original speech", original(results), before, SERIES["unprotected"])]
    if not is_original(results):
        series = SERIES["semi-informed"]
        spots.append(Spot("anonymized", results.system, results.headline.eer, after, series))
    return tradeoff(
        "tradeoff",
        "Speech under its strongest attackers, with 95 % intervals. EER: higher is more private.",
        spots,
        terms(results)[row["measure"]],
    )


def utility_table(results: Results) -> tuple[Table, ...]:
    """Every measure of utility, original beside anonymized."""
    known = terms(results)
    lines = [
        Row(
            (
                Cell(term.title, (direction(term),) if direction(term) else ()),
                figure_cell(Figure.of(row["original"]), term.unit)
                if row.get("original")
                else Cell(ABSENT),
                figure_cell(Figure.of(row.get("anonymized")), term.unit),
                Cell(row.get("how") or ABSENT),
            )
        )
        for row in results.section("utility")
        for term in [known[row["measure"]]]
    ]
    columns = Column("Measure"), Column("Original"), Column("Anonymized"), Column("How")
    return table("Utility", columns, lines)


def cost_table(results: Results) -> tuple[Table, ...]:
    """Time and memory, with how they were measured."""
    found, known = results.section("cost"), terms(results)
    how = Cell(str(found.get("how") or ABSENT))
    lines = []
    if found.get("rtf"):
        name = Cell(known["rtf"].title, ("lower is better; below 1 it keeps up with speech",))
        lines.append(Row((name, figure_cell(Figure.of(found["rtf"])), how)))
    if found.get("peak_memory_mib") is not None:
        text = f"{number(found['peak_memory_mib'])} MiB"
        lines.append(Row((Cell("Peak memory"), Cell(text, ("one reading",), "figure"), how)))
    if found.get("seconds_of_audio") is not None:
        text = f"{number(found['seconds_of_audio'])} s"
        lines.append(Row((Cell("Audio rendered"), Cell(text, kind="figure"), how)))
    return table("Cost", (Column("Measure"), Column("Figure"), Column("How")), lines)
