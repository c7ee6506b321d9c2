"""``voxguard compare``: evaluations side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from voxguard.cli.codes import DONE, FAILED, USAGE
from voxguard.cli.output import echo_json, echo_warning
from voxguard.errors import ConfigurationError

HELP = """Put the results of several evaluations side by side.

\b
  voxguard compare mcadams.json none.json
  voxguard compare results/*.json --html compared.html --csv compared.csv
  voxguard compare results/*.json --svg trade-off.svg

Says when they cannot be compared, because protocol, data or attackers differ, and how; and which
headlines their own panels do not trust. EER: higher is more private.
"""

EXIT_CODES = f"""\b
Exit codes:
  {DONE:<3}  compared; also when a warning says that the results are not comparable
  {FAILED:<3}  an output could not be written
  {USAGE:<3}  a file is not a result, or an option cannot be used
"""


def compare(
    files: Annotated[
        list[Path], typer.Argument(metavar="A.json B.json ...", help="Results of evaluations.")
    ],
    html: Annotated[
        Path | None, typer.Option(metavar="OUT.html", help="Write a page with the trade-off plot.")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(metavar="OUT.csv", help="Write every figure as a table.")
    ] = None,
    svg: Annotated[
        Path | None,
        typer.Option(metavar="OUT.svg", help="Draw privacy against utility, one point a file."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace what is there already.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The comparison as JSON.")] = False,
) -> None:
    """Put the results of several evaluations side by side."""
    from voxguard.evaluation.report import comparison as module
    from voxguard.evaluation.report.table import print_comparison
    from voxguard.evaluation.results import Results, write_text

    if len(files) < 2:
        raise ConfigurationError(f"compare takes two files or more, got {len(files)}")
    targets = [path for path in (html, csv, svg) if path is not None]
    if len({path.resolve() for path in targets}) < len(targets):
        raise ConfigurationError("two of --html, --csv and --svg name the same file")
    results = [Results.read(path) for path in files]
    comparison = module.compare(results, _sources(files))
    if html is not None:
        from voxguard.evaluation.report.html import render_comparison

        write_text(html, render_comparison(comparison), overwrite=overwrite)
    if csv is not None:
        from voxguard.evaluation.report.csv import render_csv

        text = render_csv(*results, runs=[entry.label for entry in comparison.entries])
        write_text(csv, text, overwrite=overwrite)
    if svg is not None:
        from voxguard.evaluation.report.standalone import render_trade_off

        write_text(svg, render_trade_off(comparison), overwrite=overwrite)
    for difference in comparison.differences:
        echo_warning(f"not comparable: {difference}")
    for remark in comparison.remarks:
        echo_warning(remark)
    for entry in comparison.entries:
        if not entry.results.headline.trusted:
            reasons = "; ".join(entry.results.headline.reasons)
            echo_warning(f"{entry.key} ({entry.label}) is UNTRUSTED: {reasons}")
    if as_json:
        echo_json(comparison.as_dict())
    else:
        print_comparison(comparison)


def _sources(files: list[Path]) -> list[str]:
    """File names, with as much of the folder as tells them apart."""
    names = [path.name for path in files]
    return names if len(set(names)) == len(names) else [str(path) for path in files]
