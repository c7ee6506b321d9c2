"""The same training by ``flwr run``: a simulation of one node a speaker, and secure aggregation."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from recipes.common import say
from recipes.federated_attributes.app.federated_voices.speakers import Speakers
from recipes.federated_attributes.inprocess import federate
from recipes.federated_attributes.settings import Plan
from voxguard.privacy.federated import run_simulation
from voxguard.privacy.federated.saved import read_saved

APP = Path(__file__).parent / "app"


def simulate(
    clients: Speakers,
    held_out: Speakers,
    plan: Plan,
    folder: Path,
    *,
    classes: int,
    noise_multiplier: float = 0.0,
    secure_aggregation: bool = False,
    seed: int = 0,
    cpus: int = 1,
) -> dict[str, Any]:
    """Train by Flower, and in this process with the same cohorts and the same noise.

    Args:
        clients: Each is a node.
        held_out: For the server to test on.
        plan: How.
        folder: Of the run; what is in it goes away.
        classes: Of the task.
        noise_multiplier: 0 for none.
        secure_aggregation: Whether the server gets sums only.
        seed: Of cohorts and noise.
        cpus: That Ray may use.

    Returns:
        How far the two models are apart at the end, and what the run cost.
    """
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "trace").mkdir(parents=True)
    clients.write(folder / "clients.npz")
    held_out.write(folder / "held-out.npz")
    nodes = len(clients.names)
    config = {
        **plan.as_run_config(),
        "data": str((folder / "clients.npz").resolve()),
        "held-out": str((folder / "held-out.npz").resolve()),
        "work": str(folder.resolve()),
        "trace": str((folder / "trace").resolve()),
        "nodes": nodes,
        "population": nodes,
        "classes": classes,
        "noise-multiplier": noise_multiplier,
        "secure-aggregation": secure_aggregation,
        "seed": seed,
    }
    run = run_simulation(APP, nodes=nodes, config=config, cpus=cpus)
    got = read_saved(folder / "model.npz").arrays
    connected = json.loads((folder / "trace" / "connected.json").read_text())
    # Who was never drawn did not say which speaker it is; the cohorts do not depend on that.
    places = {
        node: int(note.read_text()) if (note := folder / "trace" / str(node)).exists() else -1
        for node in connected
    }
    began = time.perf_counter()
    same = federate(
        clients,
        plan,
        classes=classes,
        noise_multiplier=noise_multiplier,
        seed=seed,
        nodes=places,
    )
    seconds = time.perf_counter() - began
    lines = [json.loads(x) for x in (folder / "rounds.jsonl").read_text().splitlines()]
    found = {
        "nodes": nodes,
        "rounds": plan.rounds,
        "noise_multiplier": noise_multiplier,
        "secure_aggregation": secure_aggregation,
        "seconds": round(run.seconds, 1),
        "seconds_a_round": round(
            (lines[-1]["seconds"] - lines[1]["seconds"]) / max(len(lines) - 2, 1), 2
        ),
        "seconds_in_process": round(seconds, 2),
        "balanced_accuracy": lines[-1]["balanced_accuracy"],
        "greatest_parameter": float(max(np.abs(array).max() for array in got.values())),
        "greatest_difference": float(
            max(np.abs(got[name] - same.models[-1][name]).max() for name in got)
        ),
    }
    say(
        f"flwr run, {nodes} nodes, {plan.rounds} rounds: {run.seconds:.0f} s; differs by "
        f"{found['greatest_difference']:.1e} from the same in one process"
    )
    return found


def secure(
    clients: Speakers, held_out: Speakers, plan: Plan, folder: Path, *, classes: int, **given: Any
) -> dict[str, Any]:
    """Without and with secure aggregation: the same model, up to rounding.

    Args:
        clients: A few.
        held_out: For the server to test on.
        plan: How; everybody takes part in every round.
        folder: Of the runs.
        classes: Of the task.
        **given: As for :func:`simulate`.
    """
    everybody = replace(plan, cohort=1.0)
    runs = {
        name: simulate(
            clients,
            held_out,
            everybody,
            folder / name,
            classes=classes,
            secure_aggregation=name == "on",
            **given,
        )
        for name in ("off", "on")
    }
    models = [read_saved(folder / name / "model.npz").arrays for name in runs]
    apart = max(np.abs(models[0][name] - models[1][name]).max() for name in models[0])
    return {**runs, "greatest_difference": float(apart)}
