"""What is under way, on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

_EVERY_S = 10.0


def say(text: str) -> None:
    """A line."""
    print(text, file=sys.stderr, flush=True)


def told(what: str, items: Sequence[T]) -> Iterator[T]:
    """The items, with a line every ten seconds about how far it is."""
    began = last = time.monotonic()
    for done, item in enumerate(items):
        now = time.monotonic()
        if now - last >= _EVERY_S:
            last = now
            left = (now - began) / done * (len(items) - done)
            say(f"{what}: {done} of {len(items)}, {duration(left)} left")
        yield item
    say(f"{what}: {len(items)}, {duration(time.monotonic() - began)}")


def duration(seconds: float) -> str:
    """Seconds or minutes, for people.

    Example:
        >>> duration(4.2), duration(600)
        ('4 s', '10 min')
    """
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
