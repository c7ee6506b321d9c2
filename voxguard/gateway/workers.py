"""Processes that anonymize, so that the event loop never waits and a crash harms one job.

A worker does one thing at a time. One that takes too long is killed, and one that died is started
anew; the job that it had fails, and nothing of its audio is left.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

from voxguard.errors import VoxguardError
from voxguard.gateway.task import serve

START_S = 120.0  # to import, load and try out
HEADROOM = 0.5  # of a processor for live audio; the rest is for what is around it


class WorkerError(VoxguardError, RuntimeError):
    """A worker died, took too long or cannot be started; the audio went nowhere."""


class Worker:
    """One process, called from an event loop.

    Args:
        method: Name of its anonymizer.
        options: Of the anonymizer, key included.
        live: Whether it anonymizes live audio.

    Attributes:
        rtf: Compute time over audio time, as it was when the process started.
        starts: How often the process was started.
    """

    def __init__(self, method: str, options: Mapping[str, Any], *, live: bool) -> None:
        self._arguments = method, dict(options), live
        self._thread = ThreadPoolExecutor(1, "voxguard-worker")  # calls queue up here
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None
        self._stopped = False
        self.starts = 0
        self.rtf = 0.0

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.is_alive()

    @property
    def pid(self) -> int | None:
        """Of the process."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Start the process and wait until it is ready.

        Raises:
            VoxguardError: Its anonymizer cannot be made or does not work.
        """
        await asyncio.get_running_loop().run_in_executor(self._thread, self._start)

    async def call(self, name: str, *arguments: Any, timeout_s: float) -> Any:
        """Have a method of :class:`~voxguard.gateway.task.Task` called.

        Raises:
            WorkerError: The process died, took too long or cannot be started again.
            VoxguardError: What the method raised.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._call, name, arguments, timeout_s)

    async def stop(self) -> None:
        """End the process; calls that wait fail."""
        self._stopped = True
        self._kill()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would copy the caller's audio
        here, there = context.Pipe()
        process = context.Process(target=serve, args=(there, *self._arguments), daemon=True)
        process.start()
        there.close()
        self._process, self._connection = process, here
        self.starts += 1
        try:
            self.rtf = self._receive(START_S)
        except VoxguardError:
            self._kill()
            raise

    def _call(self, name: str, arguments: tuple[Any, ...], timeout_s: float) -> Any:
        if not self.is_alive and not self._stopped:
            self._start()
        try:
            self._there.send((name, arguments))
        except (OSError, ValueError):
            self._kill()
            raise WorkerError("the worker died; nothing was sent on, try again") from None
        return self._receive(timeout_s)

    @property
    def _there(self) -> Connection:
        if self._connection is None:
            raise WorkerError("the worker was stopped; nothing was sent on")
        return self._connection

    def _receive(self, timeout_s: float) -> Any:
        try:
            if not self._there.poll(timeout_s):
                self._kill()
                raise WorkerError(
                    f"anonymizing took longer than {timeout_s:g} s and was given up; nothing was "
                    "sent on: send less at once"
                )
            fine, result = self._there.recv()
        except (EOFError, OSError):
            self._kill()
            raise WorkerError("the worker died; nothing was sent on, try again") from None
        if not fine:
            raise result
        return result

    def _kill(self) -> None:
        process, connection = self._process, self._connection
        self._process = self._connection = None
        if process is not None:
            process.kill()
            process.join()
        if connection is not None:
            connection.close()


class Workers:
    """The workers of a gateway: some for recordings, taken in turn, some for live sessions.

    Args:
        recording: Those for recordings.
        live: Those for live sessions.
    """

    def __init__(self, recording: list[Worker], live: list[Worker]) -> None:
        self._recording = recording
        self._live = dict.fromkeys(live, 0)
        self._idle: asyncio.Queue[Worker] = asyncio.Queue()
        self._numbers = 0

    async def start(self) -> None:
        """Start them all.

        Raises:
            VoxguardError: The first reason why one of them does not work.
        """
        await asyncio.gather(*(worker.start() for worker in self.all))
        for worker in self._recording:
            self._idle.put_nowait(worker)

    async def stop(self) -> None:
        """End them all."""
        await asyncio.gather(*(worker.stop() for worker in self.all))

    @property
    def all(self) -> list[Worker]:
        """Every worker."""
        return [*self._recording, *self._live]

    @property
    def is_alive(self) -> bool:
        """Whether one for recordings runs."""
        return any(worker.is_alive for worker in self._recording)

    @property
    def restarts(self) -> int:
        """How often one was started anew."""
        return sum(max(worker.starts - 1, 0) for worker in self.all)

    async def recording(self, name: str, *arguments: Any, timeout_s: float) -> Any:
        """Call the next worker that is free; see :meth:`Worker.call`."""
        worker = await self._idle.get()
        call = asyncio.ensure_future(worker.call(name, *arguments, timeout_s=timeout_s))

        def done(call: asyncio.Future[Any]) -> None:
            self._idle.put_nowait(worker)
            call.exception()  # looked at, for where the caller has gone

        call.add_done_callback(done)
        return await asyncio.shield(call)

    @property
    def live_streams(self) -> int:
        """How many live sessions the workers can carry, at half of the speed that they showed."""
        return sum(max(1, int(HEADROOM / max(worker.rtf, 1e-3))) for worker in self._live)

    async def open(self, sample_rate: int, speaker: str, *, timeout_s: float) -> LiveSession:
        """Open a live session on the worker that has the fewest.

        Raises:
            VoxguardError: It cannot be opened.
        """
        worker = min(self._live, key=lambda worker: self._live[worker])
        self._numbers += 1
        session = LiveSession(self, worker, self._numbers, timeout_s)
        self._live[worker] += 1
        try:
            session.latency_ms = await session.call("open", sample_rate, speaker)
        except BaseException:
            self._live[worker] -= 1
            raise
        return session

    def forget(self, worker: Worker) -> None:
        """A live session on it has ended."""
        self._live[worker] -= 1


class LiveSession:
    """A live session on a worker."""

    def __init__(self, workers: Workers, worker: Worker, number: int, timeout_s: float) -> None:
        self._workers, self._worker, self._number = workers, worker, number
        self._timeout_s = timeout_s
        self.latency_ms = 0.0

    async def call(self, name: str, *arguments: Any) -> Any:
        """Call the worker about this session."""
        return await self._worker.call(name, self._number, *arguments, timeout_s=self._timeout_s)

    async def close(self) -> None:
        """End it; what was still inside is dropped."""
        self._workers.forget(self._worker)
        if self._worker.is_alive:
            await self.call("close")
