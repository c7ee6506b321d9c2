"""The steps of the recipe; each leaves its results as a file, and what is done is left out."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from recipes.common import say, write
from recipes.federated_attributes import board, features, tasks
from recipes.federated_attributes.app.federated_voices import model
from recipes.federated_attributes.app.federated_voices.speakers import Speakers
from recipes.federated_attributes.corpus import Corpus
from recipes.federated_attributes.deploy import deploy
from recipes.federated_attributes.flower import secure, simulate
from recipes.federated_attributes.inprocess import federate
from recipes.federated_attributes.leakage import attack
from recipes.federated_attributes.settings import Config, Plan
from voxguard.metrics import bootstrap

SECURE_SPEAKERS, SECURE_ROUNDS = 8, 3
POOLED_STEPS = 1000

Results = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """What a step works on."""

    config: Config
    corpus: Corpus
    work: Path
    recipe: str

    @property
    def runs(self) -> Path:
        """Folder with a file for everything that is done."""
        return self.work / self.recipe / "runs"

    def board(self, name: str) -> Path:
        """Folder for TensorBoard."""
        return self.work / self.recipe / "tensorboard" / name

    def examples(self, task: str, method: str, who: str) -> Speakers:
        """Of the clients or the held-out speakers, kept in the work folder."""
        settings = self.config.settings
        # another cut of the corpus is another file
        cut = f"{settings.seconds:g}-{settings.held_out}-{settings.most_clients}"
        path = self.work / "examples" / f"{task}-{method}-{who}-{cut}.npz"
        if not path.exists():
            everyone: dict[str, Any] = getattr(self.corpus, who)
            measured = self.work / "features" / f"{method}-{settings.seconds:g}"
            features.compute(
                everyone, measured, method=method, seconds=settings.seconds, seed=settings.seeds[0]
            )
            tasks.examples(task, everyone, measured, settings.seconds).write(path)
        return Speakers.read(path)

    def once(self, name: str, of: Results, step: Callable[[], Results]) -> Results:
        """What is in the file of this name, or what the step gives, with what it was made of."""
        path = self.runs / f"{name}.json"
        made_of = json.loads(json.dumps(plain(of)))
        if path.exists():
            found = json.loads(path.read_text())
            if found["of"] == made_of:
                return dict(found)
            say(f"{name}: the settings are others than before, it is done again")
        times, began = os.times(), time.perf_counter()
        found = step()
        now = os.times()
        cpu = sum(now[:4]) - sum(times[:4])  # of this process and of its children
        wall = time.perf_counter() - began
        cost = {"cpu_seconds": round(cpu, 2), "wall_seconds": round(wall, 2)}
        write({"of": made_of, **plain(found), **cost}, path)
        return dict(json.loads(path.read_text()))


def utility(arrays: model.Arrays, held_out: Speakers, resamples: int, seed: int) -> Results:
    """Balanced accuracy on speakers who are not clients, with its interval over speakers."""
    likely = model.probabilities(arrays, held_out.x)
    tables = np.zeros((len(held_out.names), likely.shape[1], likely.shape[1]))
    np.add.at(tables, (held_out.who, held_out.y, likely.argmax(axis=1)), 1.0)

    def mean_recall(times: Any) -> float:
        confusion = np.tensordot(times, tables, axes=1)
        return float(np.mean(np.diag(confusion) / confusion.sum(axis=1)))

    with np.errstate(invalid="ignore"):  # a resample without a class gives NaN: it is left out
        return bootstrap(
            mean_recall, len(tables), n=len(held_out.y), seed=seed, resamples=resamples
        ).figure()


def train(job: Job) -> None:
    """Federated averaging for every task, method and seed, and the attacks on its updates."""
    config = job.config
    settings, plan = config.settings, config.plan
    for task in settings.tasks:
        raw = job.examples(task, "none", "held_out")
        truth = job.examples(task, "none", "clients")
        for method in settings.anonymize:
            clients = job.examples(task, method, "clients")
            same = job.examples(task, method, "held_out")
            for seed in settings.seeds:
                name = f"{task}-{method}-{seed}"
                given = {
                    "plan": asdict(plan),
                    "clients": len(clients.names),
                    "seconds": settings.seconds,
                    "resamples": settings.resamples,
                }
                found = job.once(
                    name,
                    given,
                    partial(
                        _trained,
                        clients,
                        same,
                        raw,
                        truth,
                        plan,
                        classes=len(tasks.CLASSES[task]),
                        resamples=settings.resamples,
                        seed=seed,
                        curves=job.board(name),
                    ),
                )
                say(f"{name}: balanced accuracy {found['utility']['value']:.3f}")


def _trained(
    clients: Speakers,
    same: Speakers,
    raw: Speakers,
    truth: Speakers,
    plan: Plan,
    *,
    classes: int,
    resamples: int,
    seed: int,
    curves: Path,
) -> Results:
    trained = federate(clients, plan, classes=classes, seed=seed)
    board.log(curves, trained.models, raw)
    last = trained.models[-1]
    start = model.initial(clients.x.shape[1], classes, plan.hidden, seed)
    pooled = model.train(
        start, clients.x, clients.y, steps=POOLED_STEPS, learning_rate=plan.learning_rate
    )
    return {
        "clients": len(clients.names),
        "examples": len(clients.y),
        "parameters": int(sum(array.size for array in last.values())),
        "utility": utility(last, raw, resamples, seed),
        "utility_same_method": utility(last, same, resamples, seed),
        "utility_pooled": utility(pooled, raw, resamples, seed),
        "leakage": attack(
            clients,
            trained.models,
            trained.cohorts,
            plan,
            truth=truth,
            resamples=resamples,
            seed=seed,
        ),
    }


def flower(job: Job) -> None:
    """The trainings that the configuration names, by Flower."""
    plan, seed = job.config.plan, job.config.settings.seeds[0]
    for wanted in filter(None, job.config.settings.flower):
        task, _, method = wanted.partition(" ")
        clients, held_out = (job.examples(task, method, who) for who in ("clients", "held_out"))
        job.once(
            f"flower-{task}-{method}",
            {"plan": asdict(plan), "clients": len(clients.names)},
            partial(
                simulate,
                clients,
                held_out,
                plan,
                job.work / job.recipe / "flower" / f"{task}-{method}",
                classes=len(tasks.CLASSES[task]),
                seed=seed,
            ),
        )


def secure_aggregation(job: Job) -> None:
    """A few speakers and rounds, without and with it."""
    task = job.config.settings.tasks[0]
    plan = Plan(**{**asdict(job.config.plan), "rounds": SECURE_ROUNDS})
    clients = job.examples(task, "none", "clients")
    few = clients.some(list(range(min(SECURE_SPEAKERS, len(clients.names)))))
    job.once(
        "secure-aggregation",
        {"plan": asdict(plan), "clients": len(few.names)},
        lambda: secure(
            few,
            job.examples(task, "none", "held_out"),
            plan,
            job.work / job.recipe / "secure",
            classes=len(tasks.CLASSES[task]),
        ),
    )


def deployment(job: Job) -> None:
    """On SuperLink and SuperNodes."""
    settings, plan = job.config.settings, job.config.plan
    task = settings.tasks[0]
    clients, held_out = (job.examples(task, "none", who) for who in ("clients", "held_out"))
    job.once(
        "deployment",
        {"plan": asdict(plan), "settings": asdict(settings)},
        lambda: deploy(
            clients,
            held_out,
            plan,
            settings,
            job.work / job.recipe / "deployment",
            classes=len(tasks.CLASSES[task]),
        ),
    )


def gather(job: Job, results: Path) -> None:
    """All runs in one file, for the tables."""
    runs = {path.stem: json.loads(path.read_text()) for path in sorted(job.runs.glob("*.json"))}
    write({"config": plain(asdict(job.config)), "runs": runs}, results / f"{job.config.name}.json")


def plain(values: Any) -> Any:
    """What JSON has no word for, infinity, as text.

    Example:
        >>> plain({"epsilons": (8.0, float("inf"))})
        {'epsilons': [8.0, 'inf']}
    """
    if isinstance(values, dict):
        return {name: plain(value) for name, value in values.items()}
    if isinstance(values, list | tuple):
        return [plain(value) for value in values]
    return str(values) if isinstance(values, float) and math.isinf(values) else values


STEPS: dict[str, Callable[[Job], None]] = {
    "train": train,
    "flower": flower,
    "secure-aggregation": secure_aggregation,
    "deployment": deployment,
}
