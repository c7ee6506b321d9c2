"""The card as one page that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from voxguard.evaluation.report.charts.rows import Item, rows
from voxguard.evaluation.report.content import (
    Block,
    Cell,
    Chart,
    Column,
    Pairs,
    Points,
    Row,
    Section,
    Table,
    charts,
    figure_cell,
    table,
)
from voxguard.evaluation.report.html import render_page
from voxguard.evaluation.results import Figure
from voxguard.probes.card.card import PrivacyCard
from voxguard.probes.card.gate import GateResult
from voxguard.probes.document import ProbeDocument
from voxguard.probes.figures import (
    ADVANTAGE,
    NO_AUDIO,
    RAW,
    SILENCE,
    TRANSCRIPT,
    UTILITY_LOSS,
    ProbeFigure,
)

_TEMPLATE = Path(__file__).with_name("card.html.j2")
_SERIES = {RAW: 0}
_PER_CENT = ("accuracy", "rate", "loss", "advantage", "told", "recovered", "refusal", "attack")

_INTRO = {
    "attributes": "What the model tells of the speaker, over the best blind guess.",
    "membership": "Whether recordings that the model was trained on stand out.",
    "secrets": "Whether the model repeats a secret that is spoken, and whether it refuses to.",
    "fairness": "Whether the model answers alike whoever asks; 1 is fair.",
    "adversarial": "How often a perturbation steers the model, and how often that survives.",
    "bystanders": "What the model learns of people who did not ask it anything.",
    "utility": "What the model still understands.",
}


def render_card(card: PrivacyCard, verdict: GateResult | None = None) -> str:
    """Make the page.

    Args:
        card: What to show.
        verdict: What the gate said, to stand at the top.

    Returns:
        The page; text from the card is escaped.

    Raises:
        MissingExtraError: Jinja2 is not installed (``report``).

    Example:
        >>> from voxguard.probes.card import make_card, render_card
        >>> from voxguard.probes.document import ProbeDocument
        >>> from voxguard.probes.figures import ProbeFigure
        >>> figure = ProbeFigure("advantage", 0.8, 0.7, 0.9, 120, "raw", {"attribute": "sex"})
        >>> card = make_card([ProbeDocument("attributes", {"name": "m"}, {"clips": 120},
        ...                                 {"raw": {}}, (figure,))], "raw")
        >>> "<svg" in render_card(card)
        True
    """
    return render_page(
        _TEMPLATE,
        card=card,
        verdict=verdict,
        sections=[_section(card, document) for document in card.documents],
        title=f"Privacy card: {card.model}",
    )


def _section(card: PrivacyCard, document: ProbeDocument) -> Section:
    blocks: tuple[Block, ...] = (
        *charts(_advantages(card, document)),
        *_tables(card, document),
        *_about(document),
    )
    intro = _INTRO.get(document.probe, "A probe of a plug-in.")
    return Section(document.probe, document.probe.capitalize(), intro, blocks)


def _advantages(card: PrivacyCard, document: ProbeDocument) -> Chart | None:
    groups = []
    for name, title in ((ADVANTAGE, "Advantage"), (UTILITY_LOSS, "Loss of utility")):
        found = [f for f in document.find(name) if f.system in (RAW, card.system)]
        groups.append((title, [_item(card, figure) for figure in found]))
    return rows(
        document.probe,
        "Per cent, with 95 % intervals: lower is better. Advantage: 0 is a blind guess, 100 is "
        "always right.",
        groups,
        unit="%",
        axis="%",
        chance=[(0.0, "")],
        least=1.0,
    )


def _item(card: PrivacyCard, figure: ProbeFigure) -> Item:
    name = " · ".join((*figure.where.values(), figure.system))
    return Item(name, _plain(figure), _SERIES.get(figure.system, 2), figure.system == card.system)


def _tables(card: PrivacyCard, document: ProbeDocument) -> tuple[Table, ...]:
    main = tuple(dict.fromkeys((RAW, card.system)))
    controls = tuple(
        name for name in (SILENCE, NO_AUDIO, TRANSCRIPT)
        if any(figure.system == name for figure in document.figures)
    )  # fmt: skip
    return (
        *_table(f"Figures of the probe {document.probe}", document, main),
        *_table("The same where the model hears nothing of the voice", document, controls),
    )


def _table(caption: str, document: ProbeDocument, systems: Sequence[str]) -> tuple[Table, ...]:
    """A row a figure, a column a system."""
    cells: dict[tuple[str, str], dict[str, Cell]] = {}
    for figure in document.figures:
        if figure.system in systems:
            about = ", ".join(f"{key} {value}" for key, value in figure.where.items()) or "all"
            row = cells.setdefault((figure.name.replace("_", " "), about), {})
            row[figure.system] = figure_cell(_plain(figure), _unit(figure))
    none = Cell("", kind="missing")
    made = [
        Row((Cell(name), Cell(about), *(row.get(system, none) for system in systems)))
        for (name, about), row in cells.items()
    ]
    columns = [Column("figure"), Column("about"), *map(Column, systems)]
    return table(caption, columns, made)


def _about(document: ProbeDocument) -> tuple[Block, ...]:
    notes = tuple((f"Note {number}", note) for number, note in enumerate(document.notes, 1))
    facts = {
        "data": document.data,
        "counted": document.counts,
        "settings": document.settings,
    }
    said = tuple(
        Pairs(title.capitalize(), tuple((str(key), str(value)) for key, value in content.items()))
        for title, content in facts.items()
        if content
    )
    return (*((Points(notes),) if notes else ()), *said)


def _unit(figure: ProbeFigure) -> str:
    return "%" if any(word in figure.name for word in _PER_CENT) else ""


def _plain(figure: ProbeFigure) -> Figure:
    return Figure(figure.value, figure.low, figure.high, figure.n, figure.why)
