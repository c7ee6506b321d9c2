"""Ctrl-C between two blocks, and nowhere else: a half-written file is always cleaned up behind."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class Stopped(BaseException):
    """Ends the work on a recording when the run is interrupted."""


class Stop:
    """A flag that the work looks at after every block."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Have the work end at its next look."""
        self._event.set()

    def look(self, *_: object) -> None:
        """End the work if it is to end.

        Raises:
            Stopped: It is.
        """
        if self._event.is_set():
            raise Stopped


def undisturbed(work: Callable[[Stop], T]) -> T:
    """Run work in a thread of its own, which signals do not reach.

    An exception in the waiting thread, such as KeyboardInterrupt, stops the work at its next look
    at the flag, and is raised when it has cleaned up.
    """
    stop = Stop()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(work, stop)
        try:
            return running.result()
        except BaseException:
            stop.set()
            raise
