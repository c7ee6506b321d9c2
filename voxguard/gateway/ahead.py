"""What a live client has sent and nobody has taken up yet: the gateway reads a little ahead.

A conversion that falls behind can so take several chunks at once, which costs it far less than one
after the other: it catches up instead of falling further behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

_MOST = 1 << 18  # characters that wait; the last text may go beyond

Receive = Callable[[], Awaitable[str | None]]


class Ahead:
    """The texts that wait, in order.

    Args:
        receive: Gives the next text; None: the client has gone.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._texts: list[str] = []
        self._failed: Exception | None = None
        self._over = False
        self._changed = asyncio.Condition()

    async def read(self) -> None:
        """Read until the client has gone, or sends what is no text."""
        try:
            while (text := await self._receive()) is not None:
                async with self._changed:
                    self._texts.append(text)
                    self._changed.notify_all()
                    await self._changed.wait_for(self._has_room)
        except Exception as error:  # raised where it is its turn
            self._failed = error
        async with self._changed:
            self._over = True
            self._changed.notify_all()

    async def take(self) -> list[str]:
        """All that wait, at least one; [] once the client has gone.

        Raises:
            Exception: Of ``receive``, after what came before it was taken.
        """
        async with self._changed:
            await self._changed.wait_for(lambda: self._texts or self._over)
            taken, self._texts = self._texts, []
            self._changed.notify_all()
        if not taken and self._failed is not None:
            raise self._failed
        return taken

    def _has_room(self) -> bool:
        return sum(map(len, self._texts)) < _MOST


@asynccontextmanager
async def reading_ahead(receive: Receive) -> AsyncIterator[Ahead]:
    """Read ahead for as long as the ``async with`` lasts."""
    ahead = Ahead(receive)
    reader = asyncio.create_task(ahead.read())
    try:
        yield ahead
    finally:
        reader.cancel()
        with suppress(asyncio.CancelledError):
            await reader
