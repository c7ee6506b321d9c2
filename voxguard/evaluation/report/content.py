"""What a report is made of, before it is a page or a terminal table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from voxguard.evaluation.report.figures import show
from voxguard.evaluation.report.terms import Term
from voxguard.evaluation.results import Figure

CellKind = Literal["", "figure", "missing", "code", "good", "bad", "unknown"]
RowKind = Literal["", "reference", "headline"]


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Attributes:
        text: What it says.
        notes: Small print: of a figure n, which stands beside it, and the interval, under it.
        kind: How it looks; the text says the same without it.
    """

    text: str
    notes: tuple[str, ...] = ()
    kind: CellKind = ""


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        title: Its head.
        note: Small print in the head: which way is more private.
    """

    title: str
    note: str = ""


@dataclass(frozen=True)
class Row:
    """One row; its first cell names it.

    Attributes:
        cells: One a column.
        kind: ``"reference"`` for original speech, ``"headline"`` for what the headline is from.
    """

    cells: tuple[Cell, ...]
    kind: RowKind = ""


@dataclass(frozen=True)
class Table:
    """A table with its caption."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Chart:
    """A drawing, as SVG, with its caption."""

    caption: str
    svg: str


@dataclass(frozen=True)
class Charts:
    """Drawings side by side."""

    charts: tuple[Chart, ...]


@dataclass(frozen=True)
class Text:
    """A paragraph, or a block of code."""

    text: str
    code: bool = False


@dataclass(frozen=True)
class Points:
    """A list of terms with what is said of each."""

    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Pairs:
    """Short facts by name, under a caption of their own."""

    caption: str
    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Beside:
    """A drawing and the tables that belong to it."""

    chart: Chart
    tables: tuple[Table, ...]


Block = Table | Charts | Text | Points | Pairs | Beside


@dataclass(frozen=True)
class Section:
    """A part of the report under a heading.

    Attributes:
        key: Its anchor.
        title: The heading.
        intro: What it is about, in plain words.
        blocks: What is in it; empty: nothing was measured, and ``missing`` says so.
        missing: Why it is empty.
    """

    key: str
    title: str
    intro: str
    blocks: tuple[Block, ...] = ()
    missing: str = "Not measured in this evaluation."


def figure_cell(figure: Figure, unit: str = "", *, kind: CellKind = "figure") -> Cell:
    """A figure with its interval and n as a cell."""
    shown = show(figure, unit)
    if shown.missing:
        return Cell(shown.value, kind="missing")
    return Cell(shown.value, (shown.n, shown.interval), kind)


def direction(term: Term) -> str:
    """Which way is good, for the head of a column."""
    if term.private:
        return f"{term.private} is more private"
    return f"{term.better} is better" if term.better else ""


def head(term: Term) -> Column:
    """The column of a metric."""
    return Column(term.title, direction(term))


def charts(*drawn: Chart | None) -> tuple[Charts, ...]:
    """Those that there was anything to draw for, as one block or none."""
    found = tuple(chart for chart in drawn if chart is not None)
    return (Charts(found),) if found else ()


def table(caption: str, columns: Sequence[Column], rows: Iterable[Row]) -> tuple[Table, ...]:
    """A table as one block, or none where it would be empty."""
    found = tuple(rows)
    return (Table(caption, tuple(columns), found),) if found else ()


def beside(chart: Chart | None, *tables: Table) -> tuple[Block, ...]:
    """A drawing with its tables, or what there is of them."""
    return (Beside(chart, tables),) if chart and tables else (*charts(chart), *tables)


def pairs(caption: str, items: Iterable[tuple[str, str]]) -> tuple[Pairs, ...]:
    """Facts as one block, or none where there are none."""
    found = tuple(items)
    return (Pairs(caption, found),) if found else ()
