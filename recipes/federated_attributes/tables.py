"""Puts the committed results into the README; with ``--check`` only says whether they are there.

python -m recipes.federated_attributes.tables
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from recipes.common import publish

HERE = Path(__file__).parent
RESULTS = HERE / "results"
NONE = "No results are committed yet."

Results = dict[str, Any]


def read(results: Path, name: str = "full.json") -> Results:
    """The runs of a results file; none where there is no file."""
    path = results / name
    return dict(json.loads(path.read_text())["runs"]) if path.exists() else {}


def spread(values: Iterable[float], *, percent: bool = True, digits: int = 1) -> str:
    """Mean, and standard deviation over seeds.

    Example:
        >>> spread([0.5, 0.6, 0.7]), spread([0.5], percent=False)
        ('60.0 ± 10.0 %', '0.5')
    """
    found = [100 * value if percent else value for value in values]
    around = f" ± {statistics.stdev(found):.{digits}f}" if len(found) > 1 else ""
    return f"{statistics.mean(found):.{digits}f}{around}{' %' if percent else ''}"


def of(runs: Iterable[Results], *keys: str) -> list[float]:
    """A figure of each of the runs."""
    found = []
    for run in runs:
        value: Any = run
        for key in keys:
            value = value[key]
        found.append(float(value["value"] if isinstance(value, dict) else value))
    return found


def interval(run: Results, *keys: str) -> str:
    """The interval of a figure of one run, in percent."""
    for key in keys:
        run = run[key]
    if run["low"] is None:
        return ""
    return f"[{100 * run['low']:.0f}, {100 * run['high']:.0f}]"


def grouped(runs: Results, prefix: str = "") -> dict[str, list[Results]]:
    """Runs that differ in the seed only, by what comes before it in their name."""
    found: dict[str, list[Results]] = {}
    for name, run in runs.items():
        group, _, seed = name.rpartition("-")
        if seed.isdigit() and group.startswith(prefix):
            found.setdefault(group, []).append(run)
    return found


def leakage(results: Path) -> str:
    """One row a task and method."""
    runs = read(results)
    lines = [
        "| task, local data | balanced accuracy | sex from one update | from all | "
        "link EER, cosine | trained | same sex | first choice | spectrum |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, some in grouped(runs).items():
        task, method = name.split("-", 1)
        one = ("leakage", "one update")
        cells = [
            f"{spread(of(some, 'utility'))} {interval(some[0], 'utility')}",
            f"{spread(of(some, *one, 'sex'))} {interval(some[0], *one, 'sex')}",
            spread(of(some, "leakage", "all updates", "sex")),
            f"{spread(of(some, *one, 'link'))} {interval(some[0], *one, 'link')}",
            spread(of(some, *one, "link_trained")),
            spread(of(some, *one, "link_same_sex")),
            spread(of(some, *one, "first_choice")),
            spread(of(some, *one, "inversion"), percent=False, digits=2),
        ]
        lines.append(f"| {task}, {method} | {' | '.join(cells)} |")
    if len(lines) == 2:
        return NONE
    some = next(iter(grouped(runs).values()))
    first, plan = some[0], some[0]["of"]["plan"]
    chance = 100 * first["leakage"]["one update"]["first_choice_chance"]
    lines += [
        "",
        f"{first['clients']} clients, a speaker each; {plan['rounds']} rounds, cohort probability "
        f"{plan['cohort']:g}; no noise, so epsilon is infinite (sigma 0, clipping norm "
        f"{plan['clipping_norm']:g}, which clips nothing). In brackets: 95 % over speakers, first "
        f"seed. After ±: standard deviation over {len(some)} seeds. By chance: sex 50 %, link EER "
        f"50 %, first choice {chance:.1f} %, spectrum 0. All data in one place instead: "
        + ", ".join(
            f"{name.split('-', 1)[0]} {100 * some[0]['utility_pooled']['value']:.1f} %"
            for name, some in grouped(runs).items()
            if name.endswith("-none")
        )
        + ".",
    ]
    return "\n".join(lines)


def flower(results: Path) -> str:
    """One row a run by Flower."""
    runs = read(results)
    rows = {name: run for name, run in runs.items() if name.startswith("flower-")}
    if "secure-aggregation" in runs:
        rows |= {f"secure aggregation {x}": runs["secure-aggregation"][x] for x in ("off", "on")}
    if not rows:
        return NONE
    lines = [
        "| run | nodes | rounds | seconds | a round | in one process | differs by |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, run in rows.items():
        lines.append(
            f"| {name} | {run['nodes']} | {run['rounds']} | {run['seconds']:.0f} | "
            f"{run['seconds_a_round']:.1f} | {run['seconds_in_process']:.1f} | "
            f"{run['greatest_difference']:.1e} |"
        )
    if "secure-aggregation" in runs:
        apart = runs["secure-aggregation"]["greatest_difference"]
        lines += ["", f"With and without secure aggregation the models differ by {apart:.1e}."]
    return "\n".join(lines)


def deployment(results: Path) -> str:
    """What befell the federation, in a list."""
    run = read(results).get("deployment")
    if run is None:
        return NONE
    account = run["account"]
    (mechanism,) = account["mechanisms"]
    return "\n".join(
        [
            "| | |",
            "|---|---|",
            f"| nodes, speakers each, rounds | {run['nodes']}, {run['speakers_a_node']}, "
            f"{run['rounds']} |",
            f"| SuperNode without a registered key | {_refused(run['stranger_refused'])} |",
            f"| rounds that went on without a killed node | {run['rounds_with_a_lost_node']} |",
            f"| SuperLink and server killed: rounds done, rounds charged | "
            f"{run['rounds_when_killed']}, {run['charged_when_killed']} |",
            f"| at the end: rounds done, rounds charged | {run['log'][-1]['round']}, "
            f"{account['steps']} |",
            f"| privacy unit | {account['unit']} ({account['adjacency']}), several a node: charged "
            f"with half of the noise multiplier, without amplification |",
            f"| charged: sigma, q, steps, clipping norm, delta | "
            f"{mechanism['noise_multiplier']:g}, "
            f"{mechanism['sampling_rate']:g}, {mechanism['steps']}, {run['clipping_norm']:g}, "
            f"{account['delta']:.3f} |",
            f"| epsilon, PLD and RDP | {account['epsilon_pld']:.2f}, "
            f"{account['epsilon_rdp']:.2f} |",
            f"| seconds, with the restart | {run['seconds']:.0f} |",
        ]
    )


def cost(results: Path) -> str:
    """What the whole took."""
    runs = read(results)
    if not runs:
        return NONE
    trained = [run for some in grouped(runs).values() for run in some]
    flower_s = sum(run["wall_seconds"] for name, run in runs.items() if run not in trained)
    return (
        f"Committed run, on a processor shared with other work: {len(trained)} trainings with "
        f"their attacks {sum(run['cpu_seconds'] for run in trained):.0f} s of processor time "
        f"(features apart), by Flower {flower_s / 60:.0f} min of clock time."
    )


TABLES: dict[str, Callable[[Path], str]] = {
    "results": leakage,
    "flower": flower,
    "deployment": deployment,
    "cost": cost,
}


def made(results: Path) -> dict[str, str]:
    """All of them."""
    return {mark: table(results) for mark, table in TABLES.items()}


def _refused(refused: bool) -> str:
    return "sent away" if refused else "**let in**"


def main() -> None:
    """Fill in, or check."""
    publish(HERE / "README.md", made(RESULTS))


if __name__ == "__main__":
    main()
