"""How risk grows with the amount of speech, and shrinks with the crowd."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from voxguard.evaluation.report.charts.sweep import Curve, sweep
from voxguard.evaluation.report.content import (
    Cell,
    Column,
    Row,
    RowKind,
    Section,
    Table,
    charts,
    direction,
    figure_cell,
    table,
)
from voxguard.evaluation.report.sections.common import SERIES, champions, terms
from voxguard.evaluation.report.terms import Terms
from voxguard.evaluation.results import Attacker, Figure, Results


def lengths(results: Results) -> Section:
    """The sweep over the length of a conversation."""
    known, found = terms(results), [one for one in champions(results) if one.content.get("lengths")]
    names = ("eer", "identification_rate")
    drawn = [
        sweep(
            f"lengths-{name}",
            f"{known[name].title} by the number of utterances that the attacker hears at once.",
            _curves(found, "lengths", "utterances", name),
            unit=known[name].unit,
            x_title="utterances of the unknown speaker",
            y_title=f"{known[name].title}, %",
            chance=[(1, 0.5), (1e9, 0.5)] if name == "eer" else (),
            least=0.55 if name == "eer" else 0.0,
        )
        for name in names
    ]
    return Section(
        "lengths",
        "Length of the conversation",
        "A method is usually judged by single utterances. Whoever speaks longer gives more away: "
        "the attacker averages over all that it hears of the same person.",
        (
            *charts(*drawn),
            *_tables(found, known, "lengths", "utterances", names, "utterances heard"),
        ),
    )


def populations(results: Results) -> Section:
    """The sweep over the number of people that a speaker could be."""
    known = terms(results)
    found = [one for one in champions(results) if one.content.get("populations")]
    names = ("link_rate", "singling_out_rate")
    sizes = [row["population"] for one in found for row in one.content["populations"]]
    drawn = [
        sweep(
            f"populations-{name}",
            caption,
            _curves(found, "populations", "population", name),
            unit=known[name].unit,
            x_title="people that it could be",
            y_title=f"{known[name].title}, %",
            chance=_chance(name, sizes),
        )
        for name, caption in (
            ("link_rate", "How often the right person beats everybody else; guessing gives 1/N."),
            ("singling_out_rate", "How often a threshold picks exactly one person."),
        )
    ]
    return Section(
        "populations",
        "Size of the population",
        "It is easier to find somebody among five people than among a thousand. What counts is "
        "how far the attacker stays above guessing.",
        (
            *charts(*drawn),
            *_tables(found, known, "populations", "population", names, "people that it could be"),
        ),
    )


def _curves(found: Sequence[Attacker], sweep_name: str, at: str, metric: str) -> list[Curve]:
    return [
        Curve(
            one.name,
            SERIES[one.knowledge],
            [(row[at], Figure.of(row.get(metric))) for row in one.content[sweep_name]],
        )
        for one in found
    ]


def _chance(metric: str, sizes: Sequence[int]) -> list[tuple[float, float]]:
    """Where guessing lies over the population."""
    if not sizes:
        return []
    low, high = min(sizes), max(sizes)
    places = [low * (high / low) ** (step / 40) for step in range(41)]
    if metric == "link_rate":
        return [(at, 1 / at) for at in places]
    return [(at, (1 - 1 / at) ** (at - 1)) for at in places]  # one of N, and nobody else


def _tables(
    found: Sequence[Attacker],
    known: Terms,
    sweep_name: str,
    at: str,
    names: Sequence[str],
    what: str,
) -> tuple[Table, ...]:
    """One table a metric: attackers down, places across."""
    places = sorted({row[at] for one in found for row in one.content[sweep_name]})
    tables: list[Table] = []
    for name in names:
        lines = []
        for one in found:
            there = {row[at]: Figure.of(row.get(name)) for row in one.content[sweep_name]}
            cells = [figure_cell(there.get(x, _MISSING), known[name].unit) for x in places]
            kind: RowKind = "reference" if one.knowledge == "unprotected" else ""
            lines.append(Row((Cell(one.name), *cells), kind))
        columns = Column("Attacker"), *(Column(_PLACES[at](x)) for x in places)
        caption = f"{known[name].title} by {what}: {direction(known[name])}"
        tables += table(caption, columns, lines)
    return tuple(tables)


_MISSING = Figure.of(None)
_PLACES: dict[str, Callable[[int], str]] = {
    "utterances": lambda x: f"{x} utterance{'s' if x > 1 else ''}",
    "population": lambda x: f"N = {x}",
}
