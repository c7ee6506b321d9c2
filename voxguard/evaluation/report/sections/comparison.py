"""The parts of a comparison."""

from __future__ import annotations

from voxguard.evaluation.report.charts.rows import Item, rows
from voxguard.evaluation.report.charts.tradeoff import Spot, tradeoff
from voxguard.evaluation.report.comparison import Comparison, Entry
from voxguard.evaluation.report.content import (
    Cell,
    Chart,
    Column,
    Row,
    Section,
    Table,
    charts,
    figure_cell,
    head,
    table,
)
from voxguard.evaluation.report.figures import ABSENT
from voxguard.evaluation.report.sections.common import leader, original, terms
from voxguard.evaluation.report.sections.utility import TRADED
from voxguard.evaluation.report.svg import method_series
from voxguard.evaluation.results import Attacker, Figure


def comparison_sections(comparison: Comparison) -> list[Section]:
    """Trade-off, methods, attackers, utility, and where it is all from."""
    return [
        Section(
            "methods",
            "Privacy against utility",
            "Every method with its 95 % intervals; those that overlap widely are not told apart. "
            "EER: higher is more private.",
            (*charts(trade_off(comparison), _forest(comparison)), *methods(comparison)),
        ),
        Section(
            "attackers",
            "Attackers",
            "The EER of every attacker against every method. EER: higher is more private.",
            _attackers(comparison),
            missing="No attacker was tried.",
        ),
        Section(
            "utility",
            "What is kept",
            "Every measure of utility on anonymized speech; original speech comes first.",
            _utility(comparison),
        ),
        Section("files", "Where it is from", "The files that were compared.", _files(comparison)),
    ]


def methods(comparison: Comparison, *, brief: bool = False) -> tuple[Table, ...]:
    """One row a method: headline, verdict, utility, speed; original speech comes first.

    Args:
        comparison: What to show.
        brief: Leave out what does not fit into a terminal.
    """
    first = comparison.entries[0]
    known, measure = terms(first.results), _measure(comparison)
    side = ("identification_rate",) if not brief else ()
    before, nothing = first.results.strongest("unprotected"), Cell(ABSENT)

    def line(name: str, eer: Figure, verdict: Cell, by: Attacker | None, *rest: Cell) -> list[Cell]:
        rates = [by.metric(metric) if by else Figure.of(None) for metric in side]
        return [
            Cell(name),
            figure_cell(eer, "%"),
            verdict,
            *(figure_cell(f, known[metric].unit) for f, metric in zip(rates, side, strict=True)),
            *rest,
        ]

    def kept(entry: Entry, which: str) -> list[Cell]:
        return [figure_cell(_kept(entry, measure, which), known[measure].unit)] if measure else []

    cells = [
        line(
            f"original ({first.key})",
            original(first.results),
            Cell("reference"),
            before,
            *kept(first, "original"),
            nothing,
            Cell(before.name if before else ABSENT),
        )
    ]
    for entry in comparison.entries:
        results = entry.results
        speed = figure_cell(Figure.of(results.section("cost").get("rtf")))
        cells.append(
            line(
                f"{entry.key}  {entry.label}",
                results.headline.eer,
                _verdict(entry),
                leader(results),
                *kept(entry, "anonymized"),
                speed,
                Cell(results.headline.attacker or ABSENT),
            )
        )
    columns = [
        Column("Method"),
        Column("Lowest EER", "higher is more private"),
        Column("Verdict"),
        *(head(known[metric]) for metric in side),
        *([head(known[measure])] if measure else []),
        head(known["rtf"]),
        Column("Attacker"),
    ]
    shown = len(columns) - (2 if brief else 0)
    lines = [
        Row(tuple(found[:shown]), "" if index else "reference") for index, found in enumerate(cells)
    ]
    return table("Methods side by side", columns[:shown], lines)


def _measure(comparison: Comparison) -> str:
    """The utility measure that all of them have, else the first that any has."""
    counts = {
        name: sum(_kept(e, name, "anonymized").value is not None for e in comparison.entries)
        for name in TRADED
    }
    best = max(counts.values())
    return next((name for name in TRADED if counts[name] == best > 0), "")


def trade_off(comparison: Comparison) -> Chart | None:
    """Privacy against utility, one point a method; None where no file has both."""
    measure = _measure(comparison)
    if not measure:
        return None
    first = comparison.entries[0]
    spots = [
        Spot(
            "original",
            f"original speech ({first.key})",
            original(first.results),
            _kept(first, measure, "original"),
            0,
        )
    ]
    spots += [
        Spot(entry.key, f"{entry.key}  {_named(entry)}", entry.results.headline.eer,
             _kept(entry, measure, "anonymized"), method_series(index))
        for index, entry in enumerate(comparison.entries)
    ]  # fmt: skip
    return tradeoff(
        "tradeoff",
        "Lowest EER of each panel against utility. A method without either figure is missing here "
        "and is in the table.",
        spots,
        terms(first.results)[measure],
    )


def _forest(comparison: Comparison) -> Chart | None:
    first = comparison.entries[0]
    items = [Item(f"original speech ({first.key})", original(first.results), 0)]
    items += [
        Item(f"{entry.key}  {_named(entry)}", entry.results.headline.eer, method_series(index))
        for index, entry in enumerate(comparison.entries)
    ]
    return rows(
        "forest",
        "Lowest EER of each panel with its 95 % interval.",
        [("", items)],
        unit="%",
        axis="EER, %: higher is more private",
        chance=[(0.5, "50 %: guessing")],
        least=0.55,
    )


def _attackers(comparison: Comparison) -> tuple[Table, ...]:
    found = {
        entry.key: {one.name: one for one in entry.results.attackers}
        for entry in comparison.entries
    }
    every = dict.fromkeys(name for one in found.values() for name in one)
    lines = [
        Row(
            (
                Cell(name),
                *(
                    figure_cell(one[name].metric("eer"), "%") if name in one
                    else Cell("not in the panel", kind="missing")
                    for one in found.values()
                ),
            ),
            "reference" if name.startswith("unprotected") else "",
        )
        for name in every
    ]  # fmt: skip
    columns = Column("Attacker"), *(Column(f"{e.key}  {e.label}") for e in comparison.entries)
    return table("EER of every attacker", columns, lines)


def _utility(comparison: Comparison) -> tuple[Table, ...]:
    known = terms(comparison.entries[0].results)
    measures = dict.fromkeys(
        row["measure"] for e in comparison.entries for row in e.results.section("utility")
    )
    lines = [
        Row(
            (
                Cell(known[name].title),
                figure_cell(_kept(comparison.entries[0], name, "original"), known[name].unit),
                *(
                    figure_cell(_kept(e, name, "anonymized"), known[name].unit)
                    for e in comparison.entries
                ),
            )
        )
        for name in measures
    ]
    columns = (
        Column("Measure"),
        Column(f"Original ({comparison.entries[0].key})"),
        *(Column(f"{e.key}  {e.label}") for e in comparison.entries),
    )
    return table("Utility", columns, lines)


def _files(comparison: Comparison) -> tuple[Table, ...]:
    lines = []
    for entry in comparison.entries:
        document = entry.results.document
        protocol = document["protocol"]
        lines.append(
            Row(
                (
                    Cell(f"{entry.key}  {entry.label}"),
                    Cell(entry.source),
                    Cell(f"{protocol['name']}, version {protocol['version']}"),
                    Cell(f"{document['data']['speakers']} / {document['data']['trials']}"),
                    Cell(str(document["voxguard"])),
                    Cell(str(document["seed"])),
                )
            )
        )
    titles = ("Method", "File", "Protocol", "Speakers / trials", "voxguard", "Seed")
    return table("Files", [Column(title) for title in titles], lines)


def _kept(entry: Entry, measure: str, side: str) -> Figure:
    for row in entry.results.section("utility"):
        if row["measure"] == measure:
            return Figure.of(row.get(side))
    return Figure.of(None)


def _named(entry: Entry) -> str:
    return entry.label if entry.results.headline.trusted else f"{entry.label} (UNTRUSTED)"


def _verdict(entry: Entry) -> Cell:
    if entry.results.headline.trusted:
        return Cell("✓ trusted", kind="good")
    return Cell("✗ UNTRUSTED", kind="bad")
