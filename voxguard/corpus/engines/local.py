"""Processes of this machine."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import connection, get_context
from multiprocessing.connection import Connection
from typing import Any

from voxguard.corpus.engines import Queue
from voxguard.corpus.engines.worker import READY, work
from voxguard.corpus.items import Unit
from voxguard.corpus.settings import Maker, Settings
from voxguard.corpus.unit import Outcome, Workplace
from voxguard.errors import ConfigurationError

_WAIT_S = 0.5  # before a unit that is in another process's hands is asked for again
_PATIENCE_S = 10.0  # for a worker to clean up behind itself
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class LocalEngine:
    """Worker processes that each have one unit in hand, and are replaced when they die.

    Args:
        settings: Of the run.
        maker: Makes each worker's anonymizer.
        jobs: How many workers; 0 for one a processor.
    """

    def __init__(self, settings: Settings, maker: Maker, jobs: int = 1) -> None:
        if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 0:
            raise ConfigurationError(f"jobs= takes a number from 0 (one a processor), got {jobs!r}")
        self._settings, self._maker = settings, maker
        self._jobs = jobs or os.cpu_count() or 1

    def run(self, units: Iterator[Unit]) -> Iterator[Outcome]:
        """See :class:`~voxguard.corpus.engines.Engine`."""
        queue = Queue(units)
        workers: list[_Worker] = []
        try:
            while True:
                now = time.monotonic()
                while unit := self._next(queue, workers, now):
                    self._give(unit, workers)
                busy = [worker for worker in workers if worker.unit is not None]
                if not busy and not queue.again:
                    return
                for worker in _heard(busy, _WAIT_S):
                    outcome = self._settle(worker, workers, queue)
                    if outcome is not None:
                        yield outcome
        finally:
            self._end(workers)

    def _next(self, queue: Queue, workers: list[_Worker], now: float) -> Unit | None:
        free = any(worker.unit is None for worker in workers) or len(workers) < self._jobs
        return queue.next(now) if free else None

    def _give(self, unit: Unit, workers: list[_Worker]) -> None:
        worker = next((worker for worker in workers if worker.unit is None), None)
        if worker is None:
            with _shared_threads(self._jobs):
                worker = _Worker(self._settings, self._maker)
            workers.append(worker)
        worker.give(unit)

    def _settle(self, worker: _Worker, workers: list[_Worker], queue: Queue) -> Outcome | None:
        unit = worker.unit
        told = worker.hear()
        if told is True or unit is None:
            return None
        if told is False:
            workers.remove(worker)
            worker.process.join(_PATIENCE_S)  # how it ended is known then
            worker.kill()
            if not worker.ready and (worker.process.exitcode or 0) >= 0:  # else it was killed
                raise ConfigurationError(
                    "a worker process could not start; in a script, call from below "
                    'if __name__ == "__main__":'
                )
            return queue.died(unit, time.monotonic())
        worker.unit = None
        if told.state == "busy":
            queue.later(unit, time.monotonic() + _WAIT_S)
            return None
        return told

    def _end(self, workers: list[_Worker]) -> None:
        """Idle workers leave, busy ones are told to stop, those that do not are killed."""
        for worker in workers:
            worker.dismiss()
        deadline = time.monotonic() + _PATIENCE_S
        killed = []
        for worker in workers:
            worker.process.join(max(0.0, deadline - time.monotonic()))
            if worker.process.is_alive():
                killed.append(worker.unit)
            worker.kill()
        place: Workplace | None = None
        for unit in filter(None, killed):
            place = place or Workplace(self._settings, self._maker)
            place.clean_up_behind(unit)


class _Worker:
    """A process, and the unit that it has in hand."""

    def __init__(self, settings: Settings, maker: Maker) -> None:
        context = get_context("spawn")  # no copy of the driver's threads, locks and memory
        self._connection: Connection[Any, Any]
        self._connection, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(theirs, settings, maker), daemon=True)
        self.process.start()
        theirs.close()
        self.unit: Unit | None = None
        self.ready = False

    def give(self, unit: Unit) -> None:
        self.unit = unit
        with suppress(OSError):  # it is dead, as hearing will tell
            self._connection.send(unit)

    @property
    def waitable(self) -> Connection[Any, Any]:
        return self._connection

    def hear(self) -> Outcome | bool:
        """What it did; True if it is ready, False if it is dead.

        Raises:
            ConfigurationError: It says that it cannot work.
        """
        try:
            told = self._connection.recv()
        except (EOFError, OSError):
            return False
        if told == READY:
            self.ready = True
            return True
        if isinstance(told, Outcome):
            return told
        raise ConfigurationError(str(told))

    def dismiss(self) -> None:
        with suppress(OSError):
            self._connection.send(None)
        if self.unit is not None and self.process.is_alive():
            self.process.terminate()

    def kill(self) -> None:
        self.process.kill()
        self.process.join()
        self._connection.close()


def _heard(workers: list[_Worker], timeout_s: float) -> list[_Worker]:
    if not workers:
        time.sleep(timeout_s)
        return []
    ready = connection.wait([worker.waitable for worker in workers], timeout_s)
    return [worker for worker in workers if worker.waitable in ready]


@contextmanager
def _shared_threads(jobs: int) -> Iterator[None]:
    """Have what is started share the processors, instead of each taking all of them."""
    each = str(max(1, (os.cpu_count() or 1) // jobs))
    added = [name for name in _THREADS if name not in os.environ]
    os.environ.update(dict.fromkeys(added, each))
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]
