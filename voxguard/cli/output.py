"""Where things are said: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import typer

SCHEMA_VERSION = 1
_PATIENCE = 0.5  # seconds before a bar is worth showing


def echo_error(message: str) -> None:
    """One line about what went wrong."""
    typer.echo(f"error: {' '.join(message.split())}", err=True)


def echo_warning(message: str) -> None:
    """One line about what weakens the result."""
    typer.echo(f"warning: {message}", err=True)


def echo_json(content: Mapping[str, Any]) -> None:
    """One object on stdout, with the version of its schema."""
    typer.echo(json.dumps({"schema_version": SCHEMA_VERSION, **content}, indent=1, default=str))


def echo_table(rows: list[list[str]], *header: str) -> None:
    """Columns on stdout, in a terminal as wide as it is and else as wide as they are."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD if any(header) else None, show_header=any(header), pad_edge=False)
    for title in header:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console = Console(highlight=False, emoji=False)
    if console.is_terminal:
        console.print(table, crop=False)
        return
    console.width = 10_000
    with console.capture() as lines:
        console.print(table, crop=False)
    for line in lines.get().splitlines():
        typer.echo(line.rstrip())


Progress = Callable[[float, float | None], None]


@contextmanager
def progress_bar(unit: str) -> Iterator[Progress]:
    """A bar with the time left on stderr, if that is a terminal and the work takes a while.

    Yields:
        A function that is told how much is done and, if known, how much there is.
    """
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    started = time.monotonic()
    bar: Any = None
    task: Any = None

    def tell(done: float, total: float | None) -> None:
        nonlocal bar, task
        if bar is None:
            if time.monotonic() - started < _PATIENCE:
                return
            bar = open_bar(unit)
            task = bar.add_task("", total=total)
            bar.start()
        bar.update(task, completed=done, total=total)

    try:
        yield tell
    finally:
        if bar is not None:
            bar.stop()


def open_bar(unit: str) -> Any:
    """A bar of rich on stderr: what, how much of how much, time gone, time left."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f} " + unit),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
