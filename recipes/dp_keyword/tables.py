"""Puts the committed results into the README; with ``--check`` only says whether they are there.

python -m recipes.dp_keyword.tables
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from recipes.common import publish

HERE = Path(__file__).parent
RESULTS = HERE / "results"
NONE = "No results are committed yet."
UNITS = {"example": "one recording", "user": "pseudo-user, 5 recordings"}
FRONT_ENDS = {
    "kernel": "frozen: cepstra, random features, linear model",
    "encoded": "frozen: encoder of the shipped converter, random features, linear model",
    "both": "frozen: both of these side by side",
    "bands": "learnt: convolutional network on mel bands",
}
Result = dict[str, Any]
Group = list[Result]


def results(folder: Path) -> str:
    """One row a unit and epsilon, over seeds."""
    found = _read(folder / "full.json")
    if not found:
        return NONE
    lines = [
        "| what is hidden | epsilon (PLD) | (RDP) | delta | sigma | q | steps | clip | accuracy | "
        "loss attack, AUC | canaries, AUC | epsilon is at least |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for group in _groups(found, lambda r: r["run"]["front_end"] == "kernel" and "audit" not in r):
        run, privacy = group[0]["run"], group[0]["privacy"]
        audited = [r for r in found if "audit" in r and _key(r)[:3] == _key(group[0])[:3]]
        (one,) = privacy["mechanisms"]
        private = run["epsilon"] is not None
        cells = [
            UNITS[run["unit"]],
            _number(privacy["epsilon_pld"], ".2f"),
            _number(privacy["epsilon_rdp"], ".2f"),
            f"{privacy['delta']:.1e}" if private else "-",
            f"{one['noise_multiplier']:.2f}" if private else "0",
            f"{one['sampling_rate']:g}",
            f"{one['steps']}",
            f"{run['clipping_norm']:g}" if private else "none",
            f"**{_percents([r['accuracy'] for r in group])}**",
            _mean([r["membership"]["auc"]["value"] for r in group]),
            _mean([r["audit"]["auc"]["value"] for r in audited]),
            _mean([r["audit"]["lower"] for r in audited]),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    seeds = sorted({r["run"]["seed"] for r in found})
    tested = found[0]["tested"]
    return "\n".join(
        [*lines, "", f"{tested} test recordings; mean and standard deviation over seeds {seeds}."]
    )


def front_ends(folder: Path) -> str:
    """One row a front end and model, at example level."""
    found = [r for r in _read(folder / "full.json") if r["run"]["unit"] == "example"]
    if not found:
        return NONE
    epsilons = sorted({r["run"]["epsilon"] for r in found}, key=lambda e: -(e or 1e9))
    lines = [
        f"| | parameters | {' | '.join(f'epsilon {_epsilon(e)}' for e in epsilons)} |",
        "|---|---|" + "---|" * len(epsilons),
    ]
    for name, said in FRONT_ENDS.items():
        rows = [r for r in found if r["run"]["front_end"] == name and "audit" not in r]
        if not rows:
            continue
        cells = [
            _percents([r["accuracy"] for r in rows if r["run"]["epsilon"] == e]) for e in epsilons
        ]
        lines.append(f"| {said} | {rows[0]['parameters']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def cost(folder: Path) -> str:
    """Seconds of one core."""
    found = _read(folder / "full.json")
    if not found:
        return NONE
    lines = ["| | trainings | seconds of one core, each |", "|---|---|---|"]
    for (unit, front_end, kind), some in _by(
        found, lambda r: (r["run"]["unit"], r["run"]["front_end"], _kind(r))
    ):
        each = [r["seconds"] for r in some]
        lines.append(f"| {unit}, {front_end}{kind} | {len(each)} | {fmean(each):.0f} |")
    total = sum(r["seconds"] for r in found) / 60
    return "\n".join(
        [*lines, "", f"Together {total:.0f} minutes, accounting and attacks included."]
    )


def tuning(folder: Path) -> str:
    """What was chosen, and among how much."""
    found = _read(folder / "tuning.json")
    if not found:
        return NONE
    lines = [
        "| | epsilon | tried | best on the development clips | worst | steps | clip | "
        "learning rate |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for (unit, front_end, epsilon), some in _by(found, lambda r: _key(r)[:3]):
        best = max(some, key=lambda r: r["accuracy"])
        worst = min(r["accuracy"] for r in some)
        run = best["run"]
        lines.append(
            f"| {unit}, {front_end} | {_epsilon(epsilon)} | {len(some)} | {best['accuracy']:.1%} | "
            f"{worst:.1%} | {run['steps']} | {run['clipping_norm']:g} | {run['learning_rate']:g} |"
        )
    return "\n".join([*lines, "", f"{len(found)} trainings in all."]).replace("%", " %")


TABLES = {"results": results, "front_ends": front_ends, "cost": cost, "tuning": tuning}


def made(folder: Path) -> dict[str, str]:
    """All of them."""
    return {mark: table(folder) for mark, table in TABLES.items()}


def _read(path: Path) -> list[Result]:
    return json.loads(path.read_text()) if path.exists() else []


def _key(result: Result) -> tuple[str, str, Any, str]:
    run = result["run"]
    return run["unit"], run["front_end"], run["epsilon"], _kind(result)


def _kind(result: Result) -> str:
    return f", canaries by {result['run']['canary']}" if "audit" in result else ""


def _groups(found: Sequence[Result], wanted: Callable[[Result], bool]) -> list[Group]:
    """Results that differ in nothing but the seed, from the greatest epsilon down."""
    return [some for _, some in _by([r for r in found if wanted(r)], lambda r: _key(r)[:3])]


def _by(found: Sequence[Result], key: Callable[[Result], Any]) -> list[tuple[Any, Group]]:
    def order(result: Result) -> tuple[Any, ...]:
        return tuple((-1e9 if x is None else -x) if not isinstance(x, str) else x
                     for x in key(result))  # fmt: skip

    return [(key(some[0]), some) for some in
            (list(group) for _, group in groupby(sorted(found, key=order), key=order))]  # fmt: skip


def _epsilon(epsilon: float | None) -> str:
    return "infinite" if epsilon is None else f"{epsilon:g}"


def _number(value: float | None, form: str) -> str:
    return "infinite" if value is None else format(value, form)


def _mean(values: Sequence[float]) -> str:
    return f"{fmean(values):.2f}" if values else "-"


def _percents(values: Sequence[float]) -> str:
    if not values:
        return "-"
    spread = f" ± {100 * stdev(values):.1f}" if len(values) > 1 else ""
    return f"{100 * fmean(values):.1f}{spread} %"


def main() -> None:
    """Fill in, or check."""
    publish(HERE / "README.md", made(RESULTS))


if __name__ == "__main__":
    main()
