"""A piece of audio on its way through a request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, repr=False)
class Clip:
    """A recording inside a request; it does not show what it holds.

    Attributes:
        content: Of an audio file; None where only an address is given.
        format: The label that it bears (``"wav"``, ``"mp3"`` ...); None where it bears none.
        url: Address, http or https, of a recording that is not here; who converts the clip fetches
            it or refuses.
    """

    content: bytes | None = None
    format: str | None = None
    url: str | None = None

    def __repr__(self) -> str:
        return f"<Clip: {'address' if self.content is None else f'{len(self.content)} bytes'}>"


Convert = Callable[[Clip], Awaitable[Clip]]
"""Gives the anonymized clip for a raw one: content and format set, no address."""
