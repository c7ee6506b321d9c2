"""Puts the committed results into the README; with ``--check`` only says whether they are there.

python -m recipes.federated_dp.tables
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from recipes.common import publish
from recipes.federated_attributes.tables import NONE, grouped, interval, of, read, spread
from voxguard.privacy import population_for

HERE = Path(__file__).parent
RESULTS = HERE / "results"
LARGE = (1.0, 2.0, 8.0)

Results = dict[str, Any]


def results_of(results: Path) -> str:
    """One row a task and epsilon."""
    runs = read(results)
    lines = [
        "| task | epsilon PLD | RDP | sigma | balanced accuracy | sex: before DP | after | "
        "link EER: before | after | spectrum: before | after | audit: epsilon is at least |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, some in _by_epsilon(runs):
        task, asked = name.split("-epsilon")
        account = some[0]["account"]
        cells = [
            _number(account["epsilon_pld"]),
            _number(account["epsilon_rdp"]),
            f"{some[0]['noise_multiplier']:.2f}",
            f"{spread(of(some, 'utility'))} {interval(some[0], 'utility')}",
        ]
        for attacked in ("sex", "link", "inversion"):
            percent = attacked != "inversion"
            digits = 1 if percent else 2
            # without noise one update is enough; with it, all are the stronger attack
            for side, view in (("leakage_server", "one update"), ("leakage", "all updates")):
                cells.append(spread(of(some, side, view, attacked), percent=percent, digits=digits))
        audit = runs.get(f"audit-epsilon{asked}")
        cells.append("-" if audit is None else f"{audit['lower']:.2f}")
        lines.append(f"| {task} | {' | '.join(cells)} |")
    if len(lines) == 2:
        return NONE
    first = _by_epsilon(runs)[0][1][0]
    plan, account = first["of"]["plan"], first["account"]
    lines += [
        "",
        f"Privacy unit: a {account['unit']}, adjacency {account['adjacency']}; "
        f"{account['population']} of them; delta {account['delta']:.2g}; q {plan['cohort']:g}, "
        f"{plan['rounds']} steps, clipping norm {plan['clipping_norm']:g}. In brackets: "
        "95 % over speakers, first seed. After ±: standard deviation over "
        f"{len(_by_epsilon(runs)[0][1])} seeds. By chance: sex 50 %, link EER 50 %, spectrum 0. "
        f"{_control(runs)}",
    ]
    return "\n".join(lines)


def one_or_many(results: Path) -> str:
    """How much more all updates of a training tell than one."""
    runs = read(results)
    lines = [
        "| task | epsilon | sex, one update | all updates | link EER, one | all | "
        "first choice, one | all |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, some in _by_epsilon(runs):
        task, asked = name.split("-epsilon")
        cells = [
            spread(of(some, "leakage", view, attacked))
            for attacked in ("sex", "link", "first_choice")
            for view in ("one update", "all updates")
        ]
        lines.append(f"| {task} | {_name(asked)} | {' | '.join(cells)} |")
    return "\n".join(lines) if len(lines) > 2 else NONE


def flower(results: Path) -> str:
    """One row a run by Flower."""
    rows = {n: r for n, r in read(results).items() if n.startswith("flower-")}
    lines = [
        "| epsilon | sigma | nodes | seconds | a round | in one process | differs by | greatest "
        "parameter |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for _, run in sorted(rows.items(), key=lambda pair: -float(pair[1]["of"]["epsilon"])):
        lines.append(
            f"| {_name(run['of']['epsilon'])} | {run['noise_multiplier']:.2f} | {run['nodes']} | "
            f"{run['seconds']:.0f} | {run['seconds_a_round']:.1f} | "
            f"{run['seconds_in_process']:.1f} | {run['greatest_difference']:.1e} | "
            f"{run['greatest_parameter']:.2f} |"
        )
    return "\n".join(lines) if rows else NONE


def population(results: Path) -> str:
    """With the noise that costs no accuracy here, at how many speakers which epsilon is reached."""
    groups = [pair for pair in _by_epsilon(read(results)) if not pair[0].endswith("inf")]
    if not groups:
        return NONE
    name, some = groups[0]
    first = some[0]
    plan, noise = first["of"]["plan"], first["noise_multiplier"]
    cohort = plan["cohort"] * first["account"]["population"]
    known = {"noise_multiplier": noise, "cohort": cohort, "steps": plan["rounds"]}
    needed = [
        f"{population_for(e, **known):,} speakers for epsilon {e:g}"
        for e in LARGE
        if e < first["account"]["epsilon_pld"] * 0.99
    ]
    return (
        f"Take the noise of the row with epsilon {name.split('-epsilon')[1]} ({noise:.2f}), and "
        f"cohorts of {cohort:.0f} speakers on average as here, but drawn from more people: the "
        f"accountant asks for {', '.join(needed)} (delta: population^-1.1)."
    )


def cost(results: Path) -> str:
    """What the whole took."""
    runs = read(results)
    if not runs:
        return NONE
    ours = [r for n, r in runs.items() if not n.startswith("flower-")]
    theirs = sum(r["wall_seconds"] for n, r in runs.items() if n.startswith("flower-"))
    return (
        f"Committed run, on a processor shared with other work: {len(ours)} trainings and audits "
        f"with their attacks {sum(r['cpu_seconds'] for r in ours) / 60:.0f} min of processor time "
        f"(features apart), the runs by Flower {theirs / 60:.0f} min of clock time."
    )


def _by_epsilon(runs: Results) -> list[tuple[str, list[Results]]]:
    """Tasks as they come, each from the largest epsilon to the least."""
    groups = [pair for pair in grouped(runs).items() if "-epsilon" in pair[0]]
    groups = [pair for pair in groups if "account" in pair[1][0]]
    return sorted(
        groups, key=lambda p: (p[0].split("-epsilon")[0], -float(p[0].split("-epsilon")[1]))
    )


def _control(runs: Results) -> str:
    broken = runs.get("audit-broken")
    if broken is None:
        return ""
    claimed, lower = float(broken["of"]["epsilon"]), broken["lower"]
    return (
        f"Negative control: with {broken['of']['actual_noise']:g} of the noise that epsilon "
        f"{claimed:g} takes, the audit finds at least {lower:.2f}, "
        f"{'so it is caught' if lower > claimed else '**and does not catch it**'}."
    )


def _number(value: Any) -> str:
    return _name(value) if float(value) == float("inf") else f"{float(value):.2f}"


def _name(epsilon: Any) -> str:
    return "∞" if float(epsilon) == float("inf") else f"{float(epsilon):g}"


TABLES: dict[str, Callable[[Path], str]] = {
    "results": results_of,
    "views": one_or_many,
    "flower": flower,
    "population": population,
    "cost": cost,
}


def made(results: Path) -> dict[str, str]:
    """All of them."""
    return {mark: table(results) for mark, table in TABLES.items()}


def main() -> None:
    """Fill in, or check."""
    publish(HERE / "README.md", made(RESULTS))


if __name__ == "__main__":
    main()
