"""Processes that do not outlive whoever started them, daemons of daemons included."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

_MARK = "VOXGUARD_PROCESSES"
_PR_SET_PDEATHSIG = 1


class Processes:
    """A context whose processes have all ended when it is left, for whatever reason.

    Flower and Ray start daemons in sessions of their own, which no signal to a process group
    reaches. All that is started here inherits a mark in its environment, by which they are found at
    the end. That needs Linux; elsewhere what was started directly is ended, and Flower's own
    processes follow their parents.

    Args:
        environment: Variables of every process.

    Example:
        >>> import sys
        >>> with Processes(dict(os.environ)) as processes:
        ...     sleeper = processes.start([sys.executable, "-c", "import time; time.sleep(60)"])
        >>> sleeper.returncode is not None
        True
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._token = uuid.uuid4().hex
        self.environment = {**environment, _MARK: self._token}
        self._started: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self, command: Sequence[str], log: Path | None = None) -> subprocess.Popen[bytes]:
        """Start a process in a session of its own.

        Args:
            command: Program and arguments.
            log: Where its output goes, appended; by default nowhere.
        """
        with Path(log or os.devnull).open("ab") as output:
            process = subprocess.Popen(  # noqa: S603
                list(command),
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is ours to handle, not theirs at the same time
                preexec_fn=_leashed(),
            )
        self._started.append(process)
        return process

    def stop(self, patience_s: float = 5.0) -> None:
        """End all of them: asked first, then made to.

        Args:
            patience_s: Seconds between the two.
        """
        for process in reversed(self._started):
            if process.poll() is None:
                process.terminate()
        try:
            self._wait(patience_s)
        finally:
            for sign in (signal.SIGTERM, signal.SIGKILL):
                for pid in self.alive():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, sign)
                self._wait(patience_s)
            for process in self._started:
                if process.poll() is None:
                    process.kill()
                process.wait()

    def kill(self) -> None:
        """End all of them at once, as a power cut would."""
        for pid in {*self.alive(), *(p.pid for p in self._started if p.poll() is None)}:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.stop()

    def alive(self) -> list[int]:
        """Identifiers of the marked processes that are running."""
        mark = f"{_MARK}={self._token}".encode()
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            # Ends or is another user's meanwhile. Of a zombie the environment is empty.
            with contextlib.suppress(OSError):
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
        return found

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            # poll() reaps, so that what has ended is not waited for
            running = [process for process in self._started if process.poll() is None]
            if not running and not self.alive():
                return
            time.sleep(0.05)


def _leashed() -> Callable[[], None] | None:
    """What makes a child get SIGTERM when its parent dies without having said goodbye."""
    # To the kernel the parent is the thread: a child of another than the main one would end with it
    if sys.platform != "linux" or threading.current_thread() is not threading.main_thread():
        return None
    prctl = ctypes.CDLL(None).prctl  # looked up before the fork: little is safe after it

    def leash() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    return leash
