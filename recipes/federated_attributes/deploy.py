"""The app on a real SuperLink and SuperNodes, on loopback, and what may befall them.

TLS by an authority of its own, SuperNodes that are known by their keys. A node is killed in the
middle of a round; then the SuperLink is, with the server that it runs. It is started again and goes
on from its ledger: no round is paid twice, none is free.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from recipes.common import say
from recipes.federated_attributes.app.federated_voices.speakers import Speakers
from recipes.federated_attributes.flower import APP
from recipes.federated_attributes.settings import Plan, Settings
from voxguard.errors import VoxguardError
from voxguard.privacy import Ledger
from voxguard.privacy.federated import Deployment

PATIENCE_S = 300.0
MOMENT_S = 3.0
ROUND_S = 45.0  # after which a node that is silent has dropped out


def deploy(
    clients: Speakers,
    held_out: Speakers,
    plan: Plan,
    settings: Settings,
    folder: Path,
    *,
    classes: int,
) -> dict[str, Any]:
    """Train with nodes of several speakers, kill one, kill the server, go on.

    Args:
        clients: The first of them are dealt out to the nodes.
        held_out: For the server to test on.
        plan: How; every node takes part in every round, for there are few.
        settings: How many nodes, speakers and rounds.
        folder: Of the run; what is in it goes away.
        classes: Of the task.

    Raises:
        SystemExit: Fewer clients than the nodes are to hold.
    """
    nodes, each = settings.deployment_nodes, settings.deployment_speakers
    rounds, population = settings.deployment_rounds, nodes * each
    if population > len(clients.names):
        raise SystemExit(f"{nodes} nodes of {each} speakers need more than {len(clients.names)}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    held_out.write(folder / "held-out.npz")
    config = {
        **replace(
            plan, cohort=1.0, rounds=rounds, clipping_norm=settings.deployment_clipping_norm
        ).as_run_config(),
        "held-out": str((folder / "held-out.npz").resolve()),
        "work": str(folder.resolve()),
        "nodes": nodes,
        "several-speakers": True,
        "population": population,
        "classes": classes,
        "noise-multiplier": settings.deployment_noise,
        "timeout": ROUND_S,
        "secret": True,
    }
    began = time.monotonic()
    with Deployment() as federation, ThreadPoolExecutor(1) as thread:
        running = []
        for number in range(nodes):
            data = folder / f"node{number}.npz"
            clients.some(list(range(number, population, nodes))).write(data)
            running.append(federation.add_node({"data": str(data.resolve())}))
        stranger = federation.add_node({"data": "none"}, register=False)
        federation.wait_for_nodes(nodes, PATIENCE_S)
        refused = stranger.process.wait(PATIENCE_S) != 0 and federation.online() == nodes
        say(f"{nodes} nodes are connected; one without a registered key was {_sent(refused)}")

        first = thread.submit(federation.run, APP, config=config)
        _until(lambda: len(_rounds(folder)) > 1, first)
        running[-1].kill()
        say(f"after round {_rounds(folder)[-1]['round']}: a node is killed")
        _until(lambda: any(line["lost"] for line in _rounds(folder)), first)
        before = _rounds(folder)[-1]["round"]
        time.sleep(MOMENT_S)  # it is charged for the next round now, and far from its end
        federation.kill_superlink()
        say(f"after round {before}: the SuperLink is killed, and the server with it")
        _failed(first)
        charged = _charged(folder, population)

        federation.start_superlink()
        running.append(
            federation.add_node({"data": str(folder.resolve() / f"node{nodes - 1}.npz")})
        )
        federation.wait_for_nodes(nodes, PATIENCE_S)
        federation.run(APP, config=config, timeout_s=PATIENCE_S)
    lines = _rounds(folder)
    with _ledger(folder, population) as ledger:
        account = ledger.summary()
    say(
        f"deployment: {rounds} rounds, {account['steps']} charged, {time.monotonic() - began:.0f} s"
    )
    return {
        "nodes": nodes,
        "speakers_a_node": each,
        "rounds": rounds,
        "charged_when_killed": charged,
        "rounds_when_killed": before,
        "account": account,
        "clipping_norm": settings.deployment_clipping_norm,
        "stranger_refused": refused,
        "rounds_with_a_lost_node": sum(line["lost"] > 0 for line in lines),
        "log": lines,
        "seconds": round(time.monotonic() - began, 1),
    }


def _sent(refused: bool) -> str:
    return "sent away" if refused else "let in"


def _ledger(folder: Path, population: int) -> Ledger:
    return Ledger(folder / "ledger.json", unit="speaker", population=population)


def _charged(folder: Path, population: int) -> int:
    with _ledger(folder, population) as ledger:
        return ledger.steps


def _rounds(folder: Path) -> list[dict[str, Any]]:
    log = folder / "rounds.jsonl"
    text = log.read_text() if log.exists() else ""
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def _until(happened: Callable[[], bool], run: Future[Any]) -> None:
    """Wait; a run that ends before is an error."""
    until = time.monotonic() + PATIENCE_S
    while not happened():
        if run.done():
            raise SystemExit(f"the run ended too early: {run.exception() or 'all rounds done'}")
        if time.monotonic() > until:
            raise SystemExit(f"nothing happened within {PATIENCE_S:g} s")
        time.sleep(0.1)


def _failed(run: Future[Any]) -> None:
    """A run whose SuperLink is gone ends with an error, at some time."""
    try:
        run.result(PATIENCE_S)
    except VoxguardError:
        return
    raise SystemExit("the run ended well without its SuperLink")
