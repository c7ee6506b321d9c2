"""A Ray cluster: one actor a worker, one unit at a time each.

Ray's actors and not Ray Data: a unit is read and written by the worker that has it, so that only
lists of names and counts go through Ray. There is no shuffle or repartition that could wait for a
processor that the actors hold, no block that one bad file loses, and what is in flight is one unit
an actor. Whether a unit is complete is known by the target alone, and no state of the cluster has
to survive.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

from voxguard.corpus.engines import Queue
from voxguard.corpus.items import Unit
from voxguard.corpus.settings import Maker, Settings
from voxguard.corpus.unit import Outcome, Workplace
from voxguard.errors import ConfigurationError, VoxguardError
from voxguard.models.optional import optional

_LOOK_S = 1.0
_RESIZE_S = 5.0  # between two looks at how large the cluster is
_RETRY_S = 2.0
_STARTS = 20  # actors that may die before they open, while none ever has


class RayEngine:
    """Actors on every machine of a cluster, replaced when they or their machines die.

    Args:
        settings: Of the run; source, target and key file must be reachable from every machine.
        maker: Makes each worker's anonymizer.
        workers: How many actors; by default as many as the cluster has room for, which is looked at
            again while the run goes on.
        cpus: Processors of one.
        gpus: GPUs of one; a fraction shares one between workers.
    """

    def __init__(
        self,
        settings: Settings,
        maker: Maker,
        *,
        workers: int | None = None,
        cpus: float = 1.0,
        gpus: float = 0.0,
    ) -> None:
        if workers is not None and workers < 1:
            raise ConfigurationError(f"workers= takes a number from 1, got {workers!r}")
        if cpus < 0 or gpus < 0 or not (cpus or gpus):
            raise ConfigurationError(f"a worker takes a CPU or a GPU, got {cpus} and {gpus}")
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # else Ray tells its makers
        self._ray = optional("ray", "cluster", "the engine ray")
        self._settings, self._maker = settings, maker
        self._workers, self._cpus, self._gpus = workers, cpus, gpus

    def run(self, units: Iterator[Unit]) -> Iterator[Outcome]:
        """See :class:`~voxguard.corpus.engines.Engine`."""
        ray, mine = self._ray, not self._ray.is_initialized()
        if mine:  # the cluster that RAY_ADDRESS names, or one of this machine
            ray.init(log_to_driver=False, logging_level="ERROR")
        crew = _Crew(ray, self._settings, self._maker, self._cpus, self._gpus)
        try:
            yield from self._work(Queue(units), crew)
        finally:
            crew.dismiss()
            if mine:
                ray.shutdown()

    def _work(self, queue: Queue, crew: _Crew) -> Iterator[Outcome]:
        pending = queue.next(time.monotonic())
        resized = -_RESIZE_S
        while pending is not None or crew.busy or queue.again:
            now = time.monotonic()
            if now - resized >= _RESIZE_S:
                crew.grow(self._workers or crew.room())
                resized = now
            while pending is not None and crew.give(pending):
                pending = queue.next(now)
            for unit, told in crew.hear(_LOOK_S):
                now = time.monotonic()
                outcome: Outcome | None
                if told is None:
                    outcome = queue.died(unit, now)
                    resized = -_RESIZE_S
                elif told.state == "busy":  # perhaps a machine that only seems to be dead
                    queue.later(unit, now + _RETRY_S)
                    outcome = None
                else:
                    outcome = told
                if outcome is not None:
                    yield outcome
            if pending is None:
                pending = queue.next(time.monotonic())


class _Actor:
    """Runs in the cluster."""

    def __init__(self, settings: Settings, maker: Maker) -> None:
        self._made = (settings, maker)
        self._place: Workplace | None = None

    def open(self) -> str:
        """Why it cannot work; empty if it can."""
        try:
            self._place = Workplace(*self._made)
        except VoxguardError as error:
            return str(error)
        return ""

    def do(self, unit: Unit) -> Outcome:
        """A unit."""
        assert self._place is not None  # noqa: S101
        return self._place.do(unit)


class _Crew:
    """The actors: those that start, those that wait for a unit, those that have one."""

    def __init__(
        self, ray: Any, settings: Settings, maker: Maker, cpus: float, gpus: float
    ) -> None:
        self._ray, self._made = ray, (settings, maker)
        self._cpus, self._gpus = cpus, gpus
        environment = {"env_vars": {"OMP_NUM_THREADS": str(max(1, int(cpus)))}}
        self._remote = ray.remote(
            num_cpus=cpus, num_gpus=gpus, max_restarts=0, runtime_env=environment
        )(_Actor)
        self._opening: dict[Any, Any] = {}
        self._idle: list[Any] = []
        self._doing: dict[Any, tuple[Any, Unit]] = {}
        self._ever_opened = False
        self._failed_starts = 0

    @property
    def busy(self) -> bool:
        return bool(self._doing)

    def room(self) -> int:
        """How many actors the cluster can hold."""
        has = self._ray.cluster_resources()
        rooms = [has.get("CPU", 0) / self._cpus] if self._cpus else []
        rooms += [has.get("GPU", 0) / self._gpus] if self._gpus else []
        return max(1, int(min(rooms)))

    def grow(self, size: int) -> None:
        """Start actors; those that find no room wait for it, and nothing waits for them."""
        for _ in range(size - len(self._opening) - len(self._idle) - len(self._doing)):
            actor = self._remote.remote(*self._made)
            self._opening[actor.open.remote()] = actor

    def give(self, unit: Unit) -> bool:
        """Give a unit to an actor that is free, if one is."""
        if not self._idle:
            return False
        actor = self._idle.pop()
        self._doing[actor.do.remote(unit)] = (actor, unit)
        return True

    def hear(self, timeout_s: float) -> list[tuple[Unit, Outcome | None]]:
        """Units that came back, with None where the worker died."""
        futures = [*self._doing, *self._opening]
        if not futures:
            time.sleep(timeout_s)
            return []
        ready, _ = self._ray.wait(futures, num_returns=1, timeout=timeout_s)
        heard: list[tuple[Unit, Outcome | None]] = []
        for future in ready:
            if future in self._opening:
                self._opened(future)
                continue
            actor, unit = self._doing.pop(future)
            try:
                outcome = self._ray.get(future)
            except self._ray.exceptions.RayTaskError as error:
                name = type(error.cause).__name__
                outcome = Outcome(unit.name, "unfinished", reason=name)
            except self._ray.exceptions.RayError:  # actor, machine or object is gone
                heard.append((unit, None))
                continue
            self._idle.append(actor)
            heard.append((unit, outcome))
        return heard

    def _opened(self, future: Any) -> None:
        actor = self._opening.pop(future)
        try:
            trouble = self._ray.get(future)
        except self._ray.exceptions.RayError as error:
            self._failed_starts += 1
            if not self._ever_opened and self._failed_starts >= _STARTS:
                raise VoxguardError(
                    f"no worker could start on the cluster ({type(error).__name__}); every machine "
                    "needs the same voxguard"
                ) from None
            return
        if trouble:
            raise ConfigurationError(trouble)
        self._ever_opened = True
        self._idle.append(actor)

    def dismiss(self) -> None:
        """End every actor."""
        for actor in (*self._idle, *self._opening.values(), *(a for a, _ in self._doing.values())):
            self._ray.kill(actor)
