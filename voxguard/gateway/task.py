"""What a worker process does: it holds an anonymizer, and live sessions opened on it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from voxguard import errors
from voxguard.anonymizers.base import Anonymizer, create
from voxguard.arrays import Samples
from voxguard.errors import AudioError, StreamError, VoxguardError, one_tree
from voxguard.files.memory import render_bytes
from voxguard.streaming import Session

_WARM_UP_RATE = 16_000
_WARM_UP_CHUNKS = 50  # of 20 ms
_NICENESS = 5  # of recordings, which can wait, where live audio cannot


def serve(connection: Connection, method: str, options: Mapping[str, Any], live: bool) -> None:
    """Answer calls until the other side has gone; the body of a worker process.

    Args:
        connection: Takes ``(name, arguments)`` and gives ``(True, result)`` or ``(False, error)``;
            the first answer comes unasked, when the worker is ready or cannot be.
        method: Name of the anonymizer.
        options: Its options, key included.
        live: Whether it anonymizes live audio.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the gateway ends it
    _leave_no_core_dump()
    if not live:
        with suppress(OSError, AttributeError):
            os.nice(_NICENESS)
    try:
        with one_tree(method):
            task = Task(create(method, **options), live=live)
    except VoxguardError as error:
        connection.send((False, _plain(error)))
        return
    connection.send((True, task.rtf))
    while True:
        try:
            name, arguments = connection.recv()
        except (EOFError, OSError):
            return
        connection.send(_answer(getattr(task, name), arguments))


def _answer(call: Any, arguments: tuple[Any, ...]) -> tuple[bool, Any]:
    try:
        with one_tree("audio"):
            return True, call(*arguments)
    except VoxguardError as error:
        return False, _plain(error)


def _plain(error: VoxguardError) -> VoxguardError:
    """The error as its message alone: what else hangs on it could hold samples, or not travel."""
    kinds = [kind for kind in type(error).__mro__ if kind.__module__ == errors.__name__]
    travels = [kind for kind in kinds if "__init__" not in vars(kind)]  # takes a message
    plain: VoxguardError = travels[0](str(error))
    return plain


def _leave_no_core_dump() -> None:
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class Task:
    """An anonymizer that has been tried out, and its live sessions by number.

    Args:
        anonymizer: Does the work.
        live: Whether it is for live audio.

    Attributes:
        rtf: Compute time over audio time, as it was when it was tried out.

    Raises:
        VoxguardError: It cannot do what it is for.
    """

    def __init__(self, anonymizer: Anonymizer, *, live: bool) -> None:
        self._anonymizer = anonymizer
        self._sessions: dict[int, Session] = {}
        noise = np.random.default_rng(0).standard_normal(_WARM_UP_RATE).astype(np.float32)
        try_out = self._try_live if live else self._try_recording
        try_out(0.1 * noise[None])  # loads what is needed
        start = time.process_time()
        try_out(0.1 * noise[None])
        self.rtf = (time.process_time() - start) / (len(noise) / _WARM_UP_RATE)

    def _try_recording(self, samples: Samples) -> None:
        self.samples(samples, _WARM_UP_RATE, "nobody")

    def _try_live(self, samples: Samples) -> None:
        self.open(-1, _WARM_UP_RATE, "nobody")
        for chunk in np.split(samples, _WARM_UP_CHUNKS, axis=1):
            self.push(-1, chunk)
        self.close(-1)

    def recording(self, content: bytes, speaker: str, max_seconds: float) -> tuple[bytes, str]:
        """Anonymize the content of an audio file; gives that of another, and its suffix."""
        return render_bytes(content, self._anonymizer, speaker=speaker, max_seconds=max_seconds)

    def samples(self, samples: Samples, sample_rate: int, speaker: str) -> Samples:
        """Anonymize bare samples, ``(1, n)``."""
        rendered: Samples = self._anonymizer(samples[0], sample_rate, speaker=speaker)
        return rendered[None]

    def open(self, number: int, sample_rate: int, speaker: str) -> float:
        """Open a live session; gives its latency in ms."""
        session = self._anonymizer.stream(sample_rate, speaker=speaker, on_failure="raise")
        self._sessions[number] = session
        return session.latency_ms

    def push(self, number: int, samples: Samples) -> Samples:
        """Push ``(1, n)`` into a session; gives what is ready, ``(1, m)``."""
        if number not in self._sessions:
            raise StreamError("the live session is not there any more; connect again")
        try:
            ready: Samples = self._sessions[number].push(samples[0])
        except Exception as error:
            del self._sessions[number]
            if isinstance(error, AudioError):  # the method's own: what came in was decoded here
                raise StreamError(f"the live session broke: {error}") from None
            raise
        return ready[None]

    def close(self, number: int) -> None:
        """Forget a session, and what was still inside."""
        self._sessions.pop(number, None)
