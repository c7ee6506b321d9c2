"""The steps of the recipe; each leaves its results as a file, and what is done is left out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from recipes.common import say
from recipes.federated_attributes import board, tasks
from recipes.federated_attributes.app.federated_voices.speakers import Speakers
from recipes.federated_attributes.flower import simulate
from recipes.federated_attributes.inprocess import federate
from recipes.federated_attributes.leakage import attack
from recipes.federated_attributes.settings import Plan
from recipes.federated_attributes.steps import Job, utility
from recipes.federated_dp.audit import audit
from voxguard.privacy import default_delta, noise_multiplier_for

Results = dict[str, Any]


def noise_for(epsilon: float, plan: Plan, population: int) -> float:
    """Noise multiplier; 0 for an epsilon of infinity."""
    if math.isinf(epsilon):
        return 0.0
    delta = default_delta(population)
    return noise_multiplier_for(epsilon, delta, sampling_rate=plan.cohort, steps=plan.rounds)


def sweep(job: Job) -> None:
    """Utility and leakage for every task, epsilon and seed."""
    settings, plan = job.config.settings, job.config.plan
    for task in settings.tasks:
        clients, held_out = (job.examples(task, "none", who) for who in ("clients", "held_out"))
        for epsilon in settings.epsilons:
            for seed in settings.seeds:
                name = f"{task}-epsilon{epsilon:g}-{seed}"
                given = {
                    "plan": asdict(plan),
                    "clients": len(clients.names),
                    "seconds": settings.seconds,
                    "resamples": settings.resamples,
                    "task": task,
                    "epsilon": f"{epsilon:g}",
                }
                found = job.once(
                    name,
                    given,
                    partial(
                        _trained,
                        clients,
                        held_out,
                        plan,
                        classes=len(tasks.CLASSES[task]),
                        epsilon=epsilon,
                        resamples=settings.resamples,
                        seed=seed,
                        curves=job.board(name),
                    ),
                )
                say(f"{name}: balanced accuracy {found['utility']['value']:.3f}")


def _trained(
    clients: Speakers,
    held_out: Speakers,
    plan: Plan,
    *,
    classes: int,
    epsilon: float,
    resamples: int,
    seed: int,
    curves: Path,
) -> Results:
    noise = noise_for(epsilon, plan, len(clients.names))
    trained = federate(clients, plan, classes=classes, noise_multiplier=noise, seed=seed)
    board.log(curves, trained.models, held_out)
    given: dict[str, Any] = {"truth": clients, "resamples": resamples, "seed": seed}
    seen = (clients, trained.models, trained.cohorts, plan)
    return {
        "account": trained.account,
        "noise_multiplier": noise,
        "parameters": int(sum(array.size for array in trained.models[-1].values())),
        "utility": utility(trained.models[-1], held_out, resamples, seed),
        # what a server sees that clips after it has received, and what epsilon speaks of
        "leakage_server": attack(*seen, **given),
        "leakage": attack(*seen, noise_multiplier=noise, **given),
    }


def audits(job: Job) -> None:
    """A lower bound for every epsilon, and the negative control for the least."""
    settings, plan = job.config.settings, job.config.plan
    population = len(job.corpus.clients)
    finite = [epsilon for epsilon in settings.epsilons if not math.isinf(epsilon)]
    planned = [(f"audit-epsilon{e:g}", e, 1.0) for e in finite]
    planned.append(("audit-broken", min(finite), settings.broken_noise))
    for name, epsilon, actual in planned:
        noise = noise_for(epsilon, plan, population)
        found = job.once(
            name,
            {"plan": asdict(plan), "population": population, "canaries": settings.canaries}
            | {"epsilon": f"{epsilon:g}", "actual_noise": actual},
            partial(
                audit,
                plan,
                noise_multiplier=noise,
                delta=default_delta(population),
                canaries=settings.canaries,
                actual_noise=actual,
                seed=settings.seeds[0],
            ),
        )
        verdict = "contradicts" if found["lower"] > epsilon else "does not contradict"
        say(f"{name}: at least {found['lower']:.2f}, which {verdict} {epsilon:g}")


def flower(job: Job) -> None:
    """One seed of every epsilon by ``flwr run``, compared with the sweep."""
    settings, plan = job.config.settings, job.config.plan
    if not settings.flower:
        return
    task, seed = settings.tasks[0], settings.seeds[0]
    clients, held_out = (job.examples(task, "none", who) for who in ("clients", "held_out"))
    for epsilon in settings.epsilons:
        noise = noise_for(epsilon, plan, len(clients.names))
        job.once(
            f"flower-{task}-epsilon{epsilon:g}",
            {"plan": asdict(plan), "clients": len(clients.names), "epsilon": f"{epsilon:g}"},
            partial(
                simulate,
                clients,
                held_out,
                plan,
                job.work / job.recipe / "flower" / f"{task}-epsilon{epsilon:g}",
                classes=len(tasks.CLASSES[task]),
                noise_multiplier=noise,
                seed=seed,
            ),
        )


STEPS: dict[str, Callable[[Job], None]] = {"sweep": sweep, "audit": audits, "flower": flower}
