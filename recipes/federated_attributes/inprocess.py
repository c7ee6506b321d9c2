"""The app's rounds in one process: its client code, and the server that its strategy is made of.

For sweeps, where ``flwr run`` would spend nearly all of its time on sending messages. What differs
is the order in which updates are added up; a step of the recipe compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from recipes.federated_attributes.app.federated_voices import model
from recipes.federated_attributes.app.federated_voices.local import local_round
from recipes.federated_attributes.app.federated_voices.speakers import Speakers
from recipes.federated_attributes.settings import Plan
from voxguard.privacy import Ledger
from voxguard.privacy.federated import PrivateServer
from voxguard.privacy.federated.server import Reply


@dataclass(frozen=True)
class Trained:
    """A training.

    Attributes:
        models: Before the first round and after each, ``rounds + 1`` in all.
        cohorts: Who took part, by their place among the speakers.
        account: Of the ledger.
    """

    models: list[model.Arrays]
    cohorts: list[list[int]]
    account: dict[str, object]


def federate(
    clients: Speakers,
    plan: Plan,
    *,
    classes: int,
    noise_multiplier: float = 0.0,
    seed: int = 0,
    nodes: Mapping[int, int] | None = None,
) -> Trained:
    """Train.

    Args:
        clients: Each speaker is one.
        plan: How.
        classes: Of the task.
        noise_multiplier: 0 for none.
        seed: Of cohorts and noise: for research, since whoever knows it can take the noise off.
        nodes: Identifier of a node to place of its speaker, if not one and the same; those of a run
            by Flower give its cohorts.
    """
    places = dict(nodes) if nodes is not None else {k: k for k in range(len(clients.names))}
    ledger = Ledger(None, unit="speaker", population=len(clients.names))
    server = PrivateServer(
        noise_multiplier=noise_multiplier,
        sampling_rate=plan.cohort,
        population=len(clients.names),
        clipping_norm=plan.clipping_norm,
        unit="speaker",
        ledger=ledger,
        server_momentum=plan.momentum,
        seed=seed,
    )
    server.open(model.initial(clients.x.shape[1], classes, plan.hidden, seed))
    models, cohorts = [dict(server.arrays)], []
    for _ in range(plan.rounds):
        cohort = server.begin_round(places).cohort
        replies = {
            node: Reply(
                local_round(
                    server.arrays, clients, [places[node]], plan.as_run_config(), plan.clipping_norm
                )
            )
            for node in cohort
        }
        models.append(dict(server.finish_round(replies)))
        cohorts.append([places[node] for node in cohort])
    return Trained(models, cohorts, ledger.summary())
