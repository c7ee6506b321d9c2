"""``voxguard card`` and ``voxguard gate``: all that is known of a model, and whether it will do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from voxguard.cli.codes import DONE, FAILED, USAGE
from voxguard.cli.output import echo_json, echo_table
from voxguard.errors import ConfigurationError

CARD_HELP = """Put the documents of several probes of one model on a privacy card.

\b
  voxguard card attributes.json utility.json --system mcadams --output card.json --html card.html

The documents are what `voxguard probe --output` writes. --system is the anonymizer that the card is
about, by the name that the documents have for it; raw is the model as it is.
"""

GATE_HELP = """Exit with an error if a model tells more than it may, for use in a build.

\b
  voxguard gate card.json --max-advantage 0.1 --max-utility-loss 0.1

Each limit is held against the worst figure of all probes on the card, by the upper end of its 95 %
interval; --by value takes the figure itself. What was not measured has failed.
"""

GATE_EXIT_CODES = f"""\b
Exit codes:
  {DONE:<3}  every limit is kept
  {FAILED:<3}  a limit is not kept, or what it is held against was not measured
  {USAGE:<3}  the file is no card, or an option cannot be used
"""


def card(
    documents: Annotated[
        list[Path], typer.Argument(metavar="PROBE.json ...", help="Documents of probes.")
    ],
    system: Annotated[str, typer.Option(help="The anonymizer, or raw.")],
    output: Annotated[Path | None, typer.Option(help="Write the card as JSON.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the card as a page.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")] = False,
) -> None:
    """Put the documents of several probes of one model on a privacy card."""
    from voxguard.evaluation.results import write_text
    from voxguard.probes.card import make_card, render_card
    from voxguard.probes.document import ProbeDocument

    if output is None and html is None:
        raise ConfigurationError("give --output, --html or both")
    made = make_card([ProbeDocument.read(path) for path in documents], system)
    if output is not None:
        made.write(output, overwrite=overwrite)
    if html is not None:
        write_text(html, render_card(made), overwrite=overwrite)


def gate(
    path: Annotated[Path, typer.Argument(metavar="CARD.json", help="From `voxguard card`.")],
    max_advantage: Annotated[
        float | None, typer.Option(help="Most over the best blind guess, 0 to 1.")
    ] = None,
    max_utility_loss: Annotated[
        float | None, typer.Option(help="Most that answers may suffer, 0 to 1.")
    ] = None,
    max_membership_auc: Annotated[
        float | None, typer.Option(help="Most that members may stand out, 0.5 to 1.")
    ] = None,
    by: Annotated[str, typer.Option(help="upper (end of the interval) or value.")] = "upper",
    as_json: Annotated[bool, typer.Option("--json", help="The checks as JSON.")] = False,
) -> int:
    """Exit with an error if a model tells more than it may, for use in a build."""
    from voxguard.probes.card import PrivacyCard
    from voxguard.probes.card import gate as hold

    result = hold(
        PrivacyCard.read(path),
        max_advantage=max_advantage,
        max_utility_loss=max_utility_loss,
        max_membership_auc=max_membership_auc,
        by=by,  # type: ignore[arg-type]
    )
    if as_json:
        checks = [vars(check) for check in result.checks]
        echo_json({"passed": result.passed, "checks": checks})
    else:
        rows = [
            ["kept" if check.passed else "NOT KEPT", check.name.replace("_", " "), check.detail]
            for check in result.checks
        ]
        echo_table(rows, "limit", "of", "worst figure")
    return DONE if result.passed else FAILED
