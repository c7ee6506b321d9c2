"""Shows on stderr how far work is that has several stages."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

from voxguard.cli.output import open_bar

Tell = Callable[[str, float, float | None], None]


@contextmanager
def stages() -> Iterator[Tell]:
    """A bar with the time left for each stage in a terminal; elsewhere a line when one begins.

    Yields:
        A function that is told the stage, how much of it is done and, if known, how much there is.
    """
    tasks: dict[str, object] = {}
    if not sys.stderr.isatty():

        def line(stage: str, done: float, total: float | None) -> None:
            if stage not in tasks:
                tasks[stage] = None
                typer.echo(f"{stage} ...", err=True)

        yield line
        return
    with open_bar("") as bar:

        def tell(stage: str, done: float, total: float | None) -> None:
            if stage not in tasks:
                for earlier in tasks.values():
                    bar.update(earlier, visible=False)
                tasks[stage] = bar.add_task(stage, total=total)
            bar.update(tasks[stage], completed=done, total=total)

        yield tell
