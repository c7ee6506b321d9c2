"""What runs on the server: rounds under a ledger, and a look at speakers who are not clients."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
from flwr.app import Array, ArrayRecord, Context, MetricRecord
from flwr.serverapp import Grid, ServerApp

from voxguard.metrics import balanced_accuracy
from voxguard.privacy import Ledger
from voxguard.privacy.federated import SpeakerDPFedAvg, SpeakerDPSecAgg

from . import model
from .speakers import Speakers

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    """Train; a run that was interrupted goes on from ledger and model in the folder ``work``."""
    config = context.run_config
    work = Path(str(config["work"]))
    held_out = Speakers.read(str(config["held-out"]))
    nodes, several = int(config["nodes"]), bool(config["several-speakers"])
    population = int(config["population"])
    initial = model.initial(
        held_out.x.shape[1], int(config["classes"]), int(config["hidden"]), int(config["seed"])
    )
    if trace := str(config["trace"]):
        ids = _wait_for(grid, nodes)
        Path(trace, "connected.json").write_text(json.dumps(ids))
    kind = SpeakerDPSecAgg if config["secure-aggregation"] else SpeakerDPFedAvg
    with Ledger(
        work / "ledger.json",
        unit="speaker",
        population=population,
        max_epsilon=float(config["max-epsilon"]) or math.inf,
    ) as ledger:
        strategy = kind(
            noise_multiplier=float(config["noise-multiplier"]),
            sampling_rate=float(config["cohort"]),
            population=population,
            clipping_norm=float(config["clipping-norm"]),
            unit="speaker",
            one_unit_per_node=not several,
            ledger=ledger,
            state=work / "model.npz",
            # a node of several speakers gives their mean, so the sum is over nodes
            server_learning_rate=population / nodes if several else 1.0,
            server_momentum=float(config["momentum"]),
            seed=None if config["secret"] else int(config["seed"]),
        )
        began = time.monotonic()

        def evaluate(number: int, arrays: Any) -> MetricRecord:
            current = {name: np.array(array.numpy()) for name, array in arrays.items()}
            guessed = model.probabilities(current, held_out.x).argmax(axis=1)
            accuracy = balanced_accuracy(list(map(str, held_out.y)), list(map(str, guessed)))
            last = strategy.history[-1] if strategy.history else None
            line = {
                "round": number,
                "balanced_accuracy": accuracy,
                "replied": last.replied if last else 0,
                "lost": len(last.lost) if last else 0,
                "seconds": round(time.monotonic() - began, 2),
            }
            with (work / "rounds.jsonl").open("a") as file:
                file.write(json.dumps(line) + "\n")
            return MetricRecord({"balanced-accuracy": accuracy})

        strategy.start(
            grid=grid,
            initial_arrays=ArrayRecord({name: Array(array) for name, array in initial.items()}),
            num_rounds=int(config["rounds"]),
            timeout=float(config["timeout"]),
            evaluate_fn=evaluate,
            wait_for=nodes,
        )


def _wait_for(grid: Grid, nodes: int) -> list[int]:
    while len(ids := sorted(int(node) for node in grid.get_node_ids())) < nodes:
        time.sleep(0.5)
    return ids
