"""Every attacker with every figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from voxguard.evaluation.report.charts.det import det
from voxguard.evaluation.report.charts.rows import Item, rows
from voxguard.evaluation.report.content import (
    Block,
    Cell,
    Chart,
    Column,
    Row,
    RowKind,
    Section,
    Table,
    charts,
    figure_cell,
    head,
    table,
)
from voxguard.evaluation.report.sections.common import SERIES, champions, models, terms
from voxguard.evaluation.report.terms import KNOWLEDGE
from voxguard.evaluation.results import Attacker, Figure, Results

KEY = ("eer", "min_cllr", "identification_rate", "link_rate")
_GROUPS = (
    ("verification", ("rocch_eer", "cllr", "tpr_at_fpr_1e-2", "tpr_at_fpr_1e-3", "d_sys")),
    ("ranks and disclosed information", ("singling_out_rate", "srd_mean", "srd_max",
                                         "zebra_expected", "zebra_worst")),
)  # fmt: skip


def attackers(results: Results) -> Section:
    """Forest plot, error curves and the first figures of the panel."""
    return Section(
        "attackers",
        "Speaker attackers",
        "All attackers of the panel. Original speech comes first: it is what there was to "
        "protect, and models that are weak there say little about anonymized speech. "
        "EER: higher is more private.",
        (*charts(_forest(results), _det(results)), *panel(results, "Speaker attackers", KEY)),
        missing="No attacker was tried.",
    )


def appendix(results: Results) -> Section:
    """Every other figure of every attacker."""
    named = {name for _, names in _GROUPS for name in names}
    other = {n for one in results.attackers for n in one.content["metrics"]} - named - {*KEY}
    blocks: list[Block] = []
    for about, names in (*_GROUPS, ("further figures", tuple(sorted(other)))):
        blocks += panel(results, f"Speaker attackers: {about}", names)
    return Section(
        "appendix",
        "All other figures of the attackers",
        "An EER is one point; these say what it leaves out. What each one means is explained "
        "below.",
        (*blocks, *disclosure(results)),
    )


def panel(results: Results, caption: str, names: Sequence[str]) -> tuple[Table, ...]:
    """A table of attackers with these metrics, of which those that nobody has are left out."""
    known = terms(results)
    found = {name for one in results.attackers for name in one.content["metrics"]}
    shown = [name for name in names if name in found]
    if not shown:
        return ()
    lines = [
        Row(
            (
                Cell(_name(one, results)),
                *(_cell(one, name, known[name].unit) for name in shown),
            ),
            _kind(one, results),
        )
        for one in results.attackers
    ]
    return table(caption, (Column("Attacker"), *(head(known[name]) for name in shown)), lines)


def disclosure(results: Results) -> tuple[Table, ...]:
    """What whole similarity matrices say, where it was measured."""
    found = results.section("disclosure")
    known = terms(results)
    whose = str(found.get("how") or "")
    lines = [
        Row((Cell(known[name].title), figure_cell(Figure.of(found[name]), known[name].unit),
             Cell(known[name].plain)))
        for name in ("g_vd", "deid")
        if found.get(name)
    ]  # fmt: skip
    of = f" ({whose})" if whose else ""
    columns = Column("Measure"), Column("Figure"), Column("What it says")
    return table(f"Similarity of all voices to each other{of}", columns, lines)


def _name(one: Attacker, results: Results) -> str:
    alone = [other.name for other in results.attackers].count(one.name) == 1
    return one.name if alone else f"{one.name}, seed {one.content.get('seed')}"


def _kind(one: Attacker, results: Results) -> RowKind:
    if one.name == results.headline.attacker:
        return "headline"
    return "reference" if one.knowledge == "unprotected" else ""


def _cell(one: Attacker, name: str, unit: str) -> Cell:
    cell = figure_cell(one.metric(name), unit)
    tag = one.content.get("zebra_tag")
    if name == "zebra_worst" and tag and cell.kind == "figure":
        return replace(cell, text=f"{cell.text} (tag {tag})")
    return cell


def _forest(results: Results) -> Chart | None:
    groups = [
        (
            KNOWLEDGE[knowledge],
            [
                Item(models(one), one.metric("eer"), SERIES[knowledge],
                     strong=one.name == results.headline.attacker)
                for one in found
            ],
        )
        for knowledge, found in groupby(results.attackers, key=lambda one: one.knowledge)
    ]  # fmt: skip
    return rows(
        "forest",
        "EER of every attacker with its 95 % interval. The lowest on anonymized speech is the "
        "headline.",
        groups,
        unit="%",
        axis="EER, %: higher is more private",
        chance=[(0.5, "50 %: guessing")],
        least=0.55,
    )


def _det(results: Results) -> Chart | None:
    shown = [one for one in champions(results) if one.content.get("det")]
    return det(
        "det",
        "Detection error trade-off of the strongest attacker of each knowledge. The EER is where a "
        "curve crosses the thin diagonal. Towards the lower left: the attacker errs less, so the "
        "speech is less private.",
        [(one.name, SERIES[one.knowledge], one.content["det"]) for one in shown],
    )
