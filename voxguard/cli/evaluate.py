"""``voxguard evaluate``: how much of the voice still tells who it is."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voxguard.cli.make import make_anonymizer
from voxguard.cli.output import echo_json
from voxguard.cli.stages import stages
from voxguard.errors import ConfigurationError

if TYPE_CHECKING:
    from voxguard.anonymizers.base import Anonymizer
    from voxguard.evaluation.results import Results

HELP = """Attack anonymized speech: who is still recognised, what is still told, what was lost.

\b
  voxguard evaluate --protocol smoke --method mcadams
  voxguard evaluate corpus/ --method mcadams --html report.html
  voxguard evaluate corpus/ --anonymized other-tool/ --output other-tool.json
  voxguard evaluate manifest.csv --method none --output original.json

DATA is a folder speaker/utterance.wav, a manifest CSV (columns path, speaker, and as many of
utterance, role, session, split, transcript, sex, age ... as there are) or Kaldi data. The headline
is the lowest equal error rate over all attackers (higher is more private), and whether it can be
trusted. With --work, a run that was interrupted goes on where it was.
"""

NO_METHOD = "none"


def evaluate(
    data: Annotated[
        str | None, typer.Argument(metavar="[DATA]", help="Folder, manifest CSV or Kaldi data.")
    ] = None,
    method: Annotated[
        str | None, typer.Option(help="See `voxguard methods`; none: the original speech.")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", "-o", metavar="NAME=VALUE", help="An option of the method."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of the method, for research: makes its draws repeatable.")
    ] = None,
    anonymized: Annotated[
        Path | None,
        typer.Option(help="Instead of a method: a folder of what another tool made of DATA."),
    ] = None,
    protocol: Annotated[
        str | None, typer.Option(help="smoke, standard, or a YAML file.  [standard]")
    ] = None,
    attacker_data: Annotated[
        Path | None, typer.Option(help="Further speech for the attacker to train on.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="What the report calls the system.")] = None,
    work: Annotated[
        Path | None,
        typer.Option(
            help="Keeps renderings, vectors and trained attackers here, to go on after an "
            "interruption. Holds voiceprints of the speakers."
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Write the results as JSON.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a report as HTML.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write all figures as CSV.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The results as JSON on stdout.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace results and reports that exist.")
    ] = False,
) -> None:
    """Attack anonymized speech: who is still recognised, what is still told, what was lost."""
    for path in (output, html, csv):
        if path is not None and path.exists() and not overwrite:
            raise ConfigurationError(f"{path} exists; choose another name, or --overwrite")
    if (method is None) == (anonymized is None):
        raise ConfigurationError("give --method (none: the original speech) or --anonymized")
    from voxguard.evaluation import evaluate as run

    with stages() as tell:
        results = run(
            _anonymizer(method, option or [], seed),
            protocol or "standard",
            data=data,
            anonymized=anonymized,
            attacker_data=attacker_data,
            name=name or "",
            work=work,
            progress=tell,
            command=_command(),
        )
    _write(results, output, html, csv, overwrite)
    if as_json:
        echo_json(results.document)
    else:
        from voxguard.evaluation.report import print_report

        print_report(results)


def _anonymizer(method: str | None, option: list[str], seed: int | None) -> Anonymizer | None:
    if method is None or method == NO_METHOD:
        if option or seed is not None:
            raise ConfigurationError("--option and --seed are of a method")
        return None
    return make_anonymizer(method, option, None, seed, None, None)


def _write(
    results: Results, output: Path | None, html: Path | None, csv: Path | None, overwrite: bool
) -> None:
    from voxguard.evaluation.report import render_csv, render_report
    from voxguard.evaluation.results import write_text

    if output is not None:
        results.write(output, overwrite=overwrite)
    if html is not None:
        write_text(html, render_report(results), overwrite=overwrite)
    if csv is not None:
        write_text(csv, render_csv(results), overwrite=overwrite)


def _command() -> str:
    return " ".join(["voxguard", *map(shlex.quote, sys.argv[1:])])
