"""Puts the committed results into the README; with ``--check`` only says whether they are there.

python -m recipes.dp_speaker_verification.tables
"""

from __future__ import annotations

import json
import math
from itertools import groupby
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from recipes.common import publish

HERE = Path(__file__).parent
RESULTS = HERE / "results"
NONE = "No results are committed yet."
Run = dict[str, Any]


def results(folder: Path) -> str:
    """One row a method and epsilon, over seeds."""
    found = read(folder)
    if not found:
        return NONE
    lines = [
        "| unit, start, trained, loss | epsilon | by RDP | delta | sigma | q | steps | clip | "
        "EER, test | EER, strangers | membership AUC, encoder | with classifier | "
        "audit of speakers: epsilon at least | "
        f"N for epsilon {found['config']['settings']['practical_epsilon']:g} |",
        "|" + "---|" * 14,
    ]
    for runs in grouped(found):
        method, privacy = runs[0]["method"], runs[0]["privacy"]
        private = runs[0]["noise_multiplier"] > 0
        cells = [
            ", ".join(method[what] for what in ("unit", "start", "trained", "loss")),
            number(privacy["epsilon_pld"], ".2f"),
            number(privacy["epsilon_rdp"], ".2f"),
            f"{fmean(r['privacy']['delta'] for r in runs):.1e}" if private else "-",
            mean([r["noise_multiplier"] for r in runs], ".2f"),
            f"{method['sampling_rate']:g}",
            f"{method['steps']}",
            f"{method['clipping_norm']:g}",
            f"**{percent([r['after']['eer']['value'] for r in runs])}**",
            percent([r["after"]["strangers"]["value"] for r in runs]),
            attacked(runs, "encoder", "auc"),
            attacked(runs, "classifier", "auc"),
            mean([bound(r) for r in runs], ".2f"),
            population([r["population_for"] for r in runs]) if private else "-",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", *_notes(found)])


def starts(folder: Path) -> str:
    """What comes before any private speaker is heard."""
    found = read(folder)
    if not found:
        return NONE
    lines = ["| start | EER, test | EER, strangers |", "|---|---|---|"]
    for start in sorted({r["method"]["start"] for r in found["runs"]}):
        runs = {r["seed"]: r["before"] for r in found["runs"] if r["method"]["start"] == start}
        cells = [
            percent([r[what]["value"] for r in runs.values()]) for what in ("eer", "strangers")
        ]
        lines.append(f"| {start} | {' | '.join(cells)} |")
    return "\n".join(lines)


def practical(folder: Path) -> str:
    """What training gains among strangers, by epsilon, and who could afford most of it."""
    found = read(folder)
    if not found:
        return NONE
    target = found["config"]["settings"]["practical_epsilon"]
    lines = [
        "| method | epsilon | strangers' EER falls by, points | each seed | "
        f"N for epsilon {target:g} |",
        "|---|---|---|---|---|",
    ]
    for runs in grouped(found):
        each = [100 * gain(run) for run in runs]
        cells = [
            runs[0]["method"]["name"],
            number(runs[0]["epsilon"], "g"),
            mean(each, ".1f"),
            ", ".join(f"{points:.1f}" for points in each),
            population([r["population_for"] for r in runs]) if runs[0]["noise_multiplier"] else "-",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def gain(run: Run) -> float:
    """By how much the strangers' EER falls in training."""
    return float(run["before"]["strangers"]["value"] - run["after"]["strangers"]["value"])


def audits(folder: Path) -> str:
    """White-box canaries, one row a method."""
    found = read(folder)
    if not found or not found["audits"]:
        return NONE
    lines = [
        "| speaker level | claim | sigma | canaries | epsilon is at least | contradicted |",
        "|---|---|---|---|---|---|",
    ]
    for name, some in groupby(found["audits"], lambda r: r["method"]["name"]):
        runs = list(some)
        cells = [
            f"{runs[0]['claim']:g}",
            mean([r["noise_multiplier"] for r in runs], ".2f"),
            str(runs[0]["canaries"]),
            mean([r["bound"] for r in runs], ".2f"),
            f"{sum(r['contradicts'] for r in runs)} of {len(runs)} runs",
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def cost(folder: Path) -> str:
    """Seconds of one core."""
    found = read(folder)
    if not found:
        return NONE
    lines = ["| | runs | CPU seconds, each |", "|---|---|---|"]
    for name, some in groupby(found["runs"], lambda r: r["method"]["name"]):
        each = [r["cpu_seconds"] for r in some]
        lines.append(f"| {name} | {len(each)} | {fmean(each):.0f} |")
    total = sum(r["cpu_seconds"] for r in (*found["runs"], *found["audits"]))
    return "\n".join(
        [
            *lines,
            "",
            f"Together {total / 60:.0f} minutes of one core; "
            "the first run of a seed includes the public start.",
        ]
    )


def read(folder: Path) -> dict[str, Any]:
    """What ``summary`` wrote, sorted by method, epsilon and seed; empty where there is nothing."""
    path = folder / "full.json"
    if not path.exists():
        return {}
    found: dict[str, Any] = json.loads(path.read_text())
    order = [method["name"] for method in found["config"]["methods"]]
    found["runs"].sort(
        key=lambda r: (order.index(r["method"]["name"]), -float(r["epsilon"]), r["seed"])
    )
    found["audits"].sort(key=lambda r: (order.index(r["method"]["name"]), r["seed"]))
    return found


def grouped(found: dict[str, Any]) -> list[list[Run]]:
    """The runs that differ in the seed only."""
    key = lambda r: (r["method"]["name"], r["epsilon"])  # noqa: E731
    return [list(runs) for _, runs in groupby(found["runs"], key)]


def _notes(found: dict[str, Any]) -> list[str]:
    corpus = found["corpus"]
    units = {}
    for run in found["runs"]:
        units.setdefault(run["method"]["unit"], []).append(run["units"])
    counted = ", ".join(f"{fmean(n):.0f} {unit}s" for unit, n in sorted(units.items()))
    seeds = sorted({run["seed"] for run in found["runs"]})
    width = fmean(
        100 * (r["after"]["eer"]["high"] - r["after"]["eer"]["low"]) / 2 for r in found["runs"]
    )
    return [
        f"Mean and standard deviation over {len(seeds)} seeds, each with its own draw of members "
        f"and weights; {counted} in training on average; {corpus['test']} test speakers: by "
        f"bootstrap over them an EER is good to {width:.0f} points either way (95 %), the same for "
        "all rows. EER: lower is better here. AUC: 50 % is chance; rows of one seed share the "
        "coins, so there are no more independent draws than seeds. The audit is by the attack on "
        "the classifier where there is one, else on the encoder: mean of the seeds' bounds, each "
        "at 95 % by itself. It is about speakers, at example level too, where the claim is not.",
    ]


def bound(run: Run) -> float:
    """Of one attack, settled beforehand: the best of several would need a correction."""
    found = run["membership"]
    return float(found.get("classifier", found["encoder"])["bound"])


def attacked(runs: list[Run], what: str, figure: str) -> str:
    """Of the membership attacks on one part of the model."""
    some = [r["membership"][what][figure]["value"] for r in runs if what in r["membership"]]
    return percent(some) if some else "-"


def population(sizes: list[int | None]) -> str:
    """How many it takes, in two digits; the most over the seeds."""
    known = [size for size in sizes if size is not None]
    if len(known) < len(sizes):
        return "more than 1e9"
    return f"{float(f'{max(known):.2g}'):,.0f}"


def percent(values: list[float]) -> str:
    """Mean and standard deviation."""
    return f"{mean([100 * value for value in values], '.1f')} %"


def mean(values: list[float], form: str) -> str:
    """Mean and, of several that differ, standard deviation."""
    shown = format(fmean(values), form)
    apart = len(values) > 1 and stdev(values) >= 0.5 * 10.0 ** -int(form[1:-1])
    return f"{shown} ± {format(stdev(values), form)}" if apart else shown


def number(value: Any, form: str) -> str:
    """With the word for infinity as it is."""
    return "inf" if isinstance(value, str) or math.isinf(value) else format(value, form)


TABLES = {
    "results": results,
    "practical": practical,
    "starts": starts,
    "audits": audits,
    "cost": cost,
}


def main() -> None:
    """Fill in, or check."""
    publish(HERE / "README.md", {mark: table(RESULTS) for mark, table in TABLES.items()})


if __name__ == "__main__":
    main()
