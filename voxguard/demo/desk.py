"""One thread that does the work, one job at a time, off the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from voxguard.errors import VoxguardError, one_tree

T = TypeVar("T")


class BusyError(VoxguardError):
    """A job is under way, and there is no queue."""


class Desk:
    """Runs one function at a time.

    Its threads are daemons: whoever presses Ctrl-C does not wait for a recording to be done.

    Example:
        >>> import asyncio
        >>> from voxguard.demo.desk import Desk
        >>> asyncio.run(Desk().run("the sum", sum, (1, 2)))
        3
    """

    def __init__(self) -> None:
        self._busy = False

    async def run(self, what: str, function: Callable[..., T], *arguments: object) -> T:
        """Call a function in a thread.

        Args:
            what: Names the work in messages.
            function: Does it.
            *arguments: For the function.

        Raises:
            BusyError: Another one is under way.
            VoxguardError: Whatever broke; of a foreign error only the type is told.
        """
        if self._busy:
            raise BusyError("still at work on what was asked before; try again in a moment")
        self._busy = True
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()

        def settle(result: T | None, error: VoxguardError | None) -> None:
            self._busy = False
            if done.done():  # nobody waits any more
                return
            if error is not None:
                done.set_exception(error)
            else:
                done.set_result(result)  # type: ignore[arg-type]

        def work() -> None:
            result, failed = None, None
            try:
                with one_tree(what):
                    result = function(*arguments)
            except VoxguardError as error:
                failed = error.with_traceback(None)  # its frames hold the audio
            with suppress(RuntimeError):  # the loop has ended, and nobody waits
                loop.call_soon_threadsafe(settle, result, failed)

        threading.Thread(target=work, name="voxguard-demo", daemon=True).start()
        return await done
