"""A report for the terminal: 80 columns are enough, and nothing depends on colour."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import wrap
from typing import IO, TYPE_CHECKING

from voxguard.evaluation.report.comparison import Comparison
from voxguard.evaluation.report.content import Cell, Table
from voxguard.evaluation.report.figures import show
from voxguard.evaluation.report.sections.attackers import disclosure, panel
from voxguard.evaluation.report.sections.attributes import attribute_table
from voxguard.evaluation.report.sections.common import original
from voxguard.evaluation.report.sections.comparison import methods
from voxguard.evaluation.report.sections.origin import excluded_counts
from voxguard.evaluation.report.sections.utility import cost_table, utility_table
from voxguard.evaluation.report.terms import EER_DIRECTION
from voxguard.evaluation.results import Results

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_PANEL = ("eer", "min_cllr", "identification_rate", "link_rate")
_STYLES = {"good": "green", "bad": "bold red", "unknown": "yellow", "missing": "dim"}
_PIPED = 110  # columns where nobody says how many there are


def print_report(results: Results, file: IO[str] | None = None, *, width: int = 0) -> None:
    """Print the report.

    Args:
        results: What to show.
        file: Where to; by default stdout.
        width: In columns; by default the terminal's, and 110 where there is none.

    Example:
        >>> import io
        >>> from voxguard.evaluation.report import print_report
        >>> from voxguard.evaluation.results import Results
        >>> nothing = {"value": None, "low": None, "high": None, "n": 0, "why": "no trials"}
        >>> results = Results({
        ...     "schema": "voxguard.evaluation/1", "voxguard": "0.1.0", "seed": 0,
        ...     "protocol": {"name": "smoke", "version": 1}, "system": {"name": "none"},
        ...     "data": {"speakers": 0, "trials": 0}, "attackers": [],
        ...     "headline": {"eer": nothing, "attacker": None, "trusted": False,
        ...                  "reasons": ["no trials"], "checks": []}})
        >>> page = io.StringIO()
        >>> print_report(results, page, width=60)
        >>> "UNTRUSTED" in page.getvalue()
        True
    """
    console = _console(file, width)
    _headline(console, results)
    names = _PANEL if console.width >= _PIPED else _PANEL[:3]
    _show(console, panel(results, "Speaker attackers", names), "Speaker attackers: none was tried")
    _show(console, attribute_table(results), "Inferred attributes: not measured")
    _show(console, utility_table(results), "Utility: not measured")
    _show(console, disclosure(results), "")
    _show(console, cost_table(results), "Cost: not measured")
    _show(console, excluded_counts(results), "Left out: nothing")
    console.print()
    for one in results.headline.checks:
        if one["passed"] is None:
            _say(console, f"Not checked: {one['check']} ({one.get('detail') or 'no reason given'})")
    for note in results.section("notes"):
        _say(console, f"Note: {note}")


def print_comparison(
    comparison: Comparison, file: IO[str] | None = None, *, width: int = 0
) -> None:
    """Print a comparison.

    Args:
        comparison: What to show.
        file: Where to; by default stdout.
        width: In columns; by default the terminal's, and 110 where there is none.
    """
    console = _console(file, width)
    _show(console, methods(comparison, brief=True), "")
    _say(console, EER_DIRECTION)
    for difference in comparison.differences:
        _say(console, f"NOT COMPARABLE: {difference}", "bold red")
    for entry in comparison.entries:
        headline, who = entry.results.headline, f"{entry.key} ({entry.label})"
        _say(console, f"{who}: lowest EER by {headline.attacker or 'nobody'}")
        for reason in headline.reasons:
            _say(console, f"{who} is UNTRUSTED: {reason}", "bold red")


def _say(console: Console, text: str, style: str = "") -> None:
    """A line that goes on indented."""
    from rich.text import Text

    for line in wrap(text, console.width - 1, subsequent_indent="  "):
        console.print(Text(line, style))


def _console(file: IO[str] | None, width: int) -> Console:
    from rich.console import Console

    console = Console(file=file, highlight=False, emoji=False, markup=False)
    if width or not console.is_terminal:
        console.width = width or _PIPED
    return console


def _headline(console: Console, results: Results) -> None:
    from rich.panel import Panel
    from rich.table import Table as RichTable
    from rich.text import Text

    headline, protocol = results.headline, results.document["protocol"]
    eer, before = show(headline.eer, "%"), show(original(results), "%")
    lines = RichTable.grid(padding=(0, 2, 0, 0))
    lines.add_row(Text("Lowest EER"), Text(f"{eer}  {eer.n}".rstrip(), "bold"))
    lines.add_row(Text("Attacker"), Text(headline.attacker or "none"))
    verdict = ("TRUSTED", "bold green") if headline.trusted else ("UNTRUSTED", "bold red")
    lines.add_row(Text("Verdict"), Text(*verdict))
    for reason in headline.reasons:
        lines.add_row(Text(""), Text(reason))
    lines.add_row(Text("Original"), Text(f"{before}  {before.n}".rstrip()))
    lines.add_row(Text(""), Text(EER_DIRECTION))
    about = f"{results.system}, protocol {protocol['name']} {protocol['version']}"
    style = "green" if headline.trusted else "red"
    console.print(
        Panel(lines, title=Text(f" voxguard: {about} "), title_align="left", border_style=style)
    )


def _show(console: Console, tables: Iterable[Table], missing: str) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as RichTable
    from rich.text import Text

    found = list(tables)
    if not found and missing:
        console.print(Text(f"\n{missing}", "dim"))
    for one in found:
        console.print(Text(f"\n{one.caption}", "bold"))
        shown = RichTable(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
        numeric = [any(c.kind == "figure" for c in cells) for cells in _columns(one)]
        widths = [max(_width(cell) for cell in cells) for cells in _columns(one)]
        for column, width, fixed in zip(one.columns, widths, numeric, strict=True):
            title = [column.title, column.note] if column.note else [column.title]
            room = max([10, width, *map(len, column.title.split())])
            wrapped = [line for text in title for line in wrap(text, room)]
            shown.add_column(Text("\n".join(wrapped)), no_wrap=fixed, overflow="fold")
        for row in one.rows:
            cells = [
                _text(cell, max(width, 10) if fixed else 0)
                for cell, width, fixed in zip(row.cells, widths, numeric, strict=True)
            ]
            if console.width < _PIPED:  # long names break where they mean something
                cells[0] = Text(cells[0].plain.replace("/", "/\n", 1))
            if row.kind == "headline":
                cells[0].append("  *headline")
            shown.add_row(*cells)
        console.print(shown)


def _columns(table: Table) -> list[tuple[Cell, ...]]:
    return list(zip(*(row.cells for row in table.rows), strict=True))


def _lines(cell: Cell) -> list[str]:
    """A figure takes two lines: value and n, then the interval."""
    if cell.kind == "figure" and len(cell.notes) == 2:
        return [f"{cell.text}  {cell.notes[0].replace('= ', '')}", cell.notes[1]]
    return [cell.text, *cell.notes]


def _width(cell: Cell) -> int:
    return 0 if cell.kind == "missing" else max(map(len, _lines(cell)))


def _text(cell: Cell, width: int) -> Text:
    from rich.text import Text

    first, *rest = _lines(cell)
    if cell.kind == "missing" and width:
        first = "\n".join(wrap(first, width))
    text = Text(first, _STYLES.get(cell.kind, ""))
    text.append("".join(f"\n{line}" for line in rest), "dim")
    return text
