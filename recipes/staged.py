"""Recipes in steps, each of which goes on where it was interrupted: their command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from recipes import common
from recipes.common import say
from voxguard.errors import VoxguardError

Job = TypeVar("Job")


@dataclass(frozen=True)
class Steps(Generic[Job]):
    """What a recipe does.

    Attributes:
        ordered: What it does by default, in order, by name.
        experiments: What it does only if asked to.

    Example:
        >>> Steps({"greet": print}, {}).take("all", "hello")
        hello
    """

    ordered: Mapping[str, Callable[[Job], None]]
    experiments: Mapping[str, Callable[[Job], None]]

    def parser(self, module: str, description: str | None, config: str) -> argparse.ArgumentParser:
        """The command line: that of all recipes, and which step, on what, and where to."""
        made = common.parser(module, description, config)
        made.add_argument(
            "--step", choices=["all", *self.ordered, *self.experiments], default="all"
        )
        made.add_argument("--device", default="auto", help="auto takes a GPU where there is one")
        made.add_argument("--results", type=Path, help="WORK/results by default")
        return made

    def take(self, wanted: str, job: Job) -> None:
        """Take one step, or ``"all"`` of the ordered ones."""
        for name in [wanted] if wanted != "all" else list(self.ordered):
            say(f"== {name}")
            {**self.ordered, **self.experiments}[name](job)

    def main(
        self,
        parser: argparse.ArgumentParser,
        job: Callable[[argparse.Namespace], Job],
        arguments: Sequence[str] | None,
    ) -> None:
        """Do what the command line says.

        Args:
            parser: Of it; see :meth:`parser`.
            job: What the steps work on, from what was given.
            arguments: Of the process by default.

        Raises:
            SystemExit: It did not work out, or was interrupted; says why.
        """
        given = parser.parse_args(arguments)
        given.results = given.results or given.work / "results"
        try:
            self.take(given.step, job(given))
        except VoxguardError as error:
            raise SystemExit(str(error)) from error
        except KeyboardInterrupt:
            raise SystemExit("interrupted; the same command goes on from here") from None
