"""Puts the committed results into the README; with ``--check`` only says whether they are there.

python -m recipes.anonymize_then_train.tables
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from recipes.anonymize_then_train.study import RAW
from recipes.common import publish

HERE = Path(__file__).parent
RESULTS = HERE / "results"
NONE = "No results are committed yet."
Result = dict[str, Any]


def results(folder: Path) -> str:
    """One row a method: what it costs, and who is still found."""
    found = _read(folder)
    if not found:
        return NONE
    lines = [
        "| trained on | tested on raw | tested on anonymized | trained on raw, tested on "
        "anonymized | speaker from hidden units | recording was trained on, AUC | TPR at 1 % | "
        "speaker was trained on, AUC |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for method, some in found.items():
        heard = RAW if method == RAW else "anonymized"
        lines.append(
            "| "
            + " | ".join(
                [
                    method,
                    _percents(some, lambda r: r["accuracy"][RAW]),
                    "-" if method == RAW else _percents(some, lambda r, h=heard: r["accuracy"][h]),
                    "-" if method == RAW else _percents(some, lambda r: r["before"]),
                    _percents(some, lambda r, h=heard: r["speaker"][h]["hidden"]),
                    _means(some, lambda r: _strongest(r["members"], "auc")),
                    _percents(some, lambda r: _strongest(r["members"], "tpr")),
                    _means(some, lambda r: _strongest(r["member_speakers"], "auc")),
                ]
            )
            + " |"
        )
    first = next(iter(found.values()))
    one, seeds = first[0], [r["seed"] for r in first]
    chance = one["speaker"][RAW]["chance"]
    said = (
        f"{one['tested']} test recordings; mean and standard deviation over seeds {seeds}. "
        f"By chance a speaker is named in {100 * chance:.1f} %, an AUC is 0.5, a TPR 1 %."
    )
    return "\n".join([*lines, "", said])


def speakers(folder: Path) -> str:
    """One row a method and input: who speaks."""
    found = _read(folder)
    if not found:
        return NONE
    lines = ["| trained on | hears | features | hidden units | output |", "|---|---|---|---|---|"]
    for method, some in found.items():
        for heard in some[0]["speaker"]:
            cells = [
                _percents(some, lambda r, h=heard, w=where: r["speaker"][h][w])
                for where in ("input", "hidden", "output")
            ]
            lines.append(f"| {method} | {heard} | {' | '.join(cells)} |")
    return "\n".join(lines)


def members(folder: Path) -> str:
    """One row a method and query: who was trained on."""
    found = _read(folder)
    if not found:
        return NONE
    lines = [
        "| trained on | attacker asks with | recording: AUC | TPR at 1 % | speaker: AUC |",
        "|---|---|---|---|---|",
    ]
    for method, some in found.items():
        for query in some[0]["members"]:
            cells = [
                _means(some, lambda r, q=query: r["members"][q]["auc"]["value"]),
                _percents(some, lambda r, q=query: r["members"][q]["tpr"]["value"]),
                _means(some, lambda r, q=query: r["member_speakers"][q]["auc"]["value"]),
            ]
            lines.append(f"| {method} | {query} | {' | '.join(cells)} |")
    return "\n".join(lines)


def cost(folder: Path) -> str:
    """Seconds of one core."""
    found = _read(folder)
    if not found:
        return NONE
    lines = ["| | rendering, seconds of one core | each seed |", "|---|---|---|"]
    for method, some in found.items():
        rendering = max(r["rendering_seconds"] for r in some)
        lines.append(f"| {method} | {rendering:.0f} | {fmean(r['seconds'] for r in some):.0f} |")
    return "\n".join(lines)


TABLES = {"results": results, "speakers": speakers, "members": members, "cost": cost}


def made(folder: Path) -> dict[str, str]:
    """All of them."""
    return {mark: table(folder) for mark, table in TABLES.items()}


def _read(folder: Path) -> dict[str, list[Result]]:
    """By method, in the order of the file."""
    path = folder / "full.json"
    found: dict[str, list[Result]] = {}
    for result in json.loads(path.read_text()) if path.exists() else ():
        found.setdefault(result["method"], []).append(result)
    return found


def _strongest(queries: Result, figure: str) -> float:
    return max(query[figure]["value"] for query in queries.values())


def _percents(some: list[Result], figure: Callable[[Result], float]) -> str:
    values = [figure(result) for result in some]
    spread = f" ± {100 * stdev(values):.1f}" if len(values) > 1 else ""
    return f"{100 * fmean(values):.1f}{spread} %"


def _means(some: list[Result], figure: Callable[[Result], float]) -> str:
    values = [figure(result) for result in some]
    spread = f" ± {stdev(values):.2f}" if len(values) > 1 else ""
    return f"{fmean(values):.2f}{spread}"


def main() -> None:
    """Fill in, or check."""
    publish(HERE / "README.md", made(RESULTS))


if __name__ == "__main__":
    main()
