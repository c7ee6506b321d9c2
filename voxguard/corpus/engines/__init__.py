"""Who does the units: processes of this machine, or a Ray cluster."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from voxguard.corpus.items import Unit
from voxguard.corpus.unit import Outcome

__all__ = ["Engine", "Queue"]

ATTEMPTS = 12  # of a unit whose workers die: enough for a few recordings that each kill three


class Engine(Protocol):
    """Does units, in any order, with a bounded number in flight."""

    def run(self, units: Iterator[Unit]) -> Iterator[Outcome]:
        """Do all.

        Args:
            units: Taken as workers become free, so that a listing is never held whole.

        Yields:
            What became of each, exactly once.

        Raises:
            ConfigurationError: No worker can do anything.
        """


@dataclass
class Queue:
    """Units that wait: new ones, and those to be tried again.

    Args:
        units: The new ones.
    """

    units: Iterator[Unit]
    again: list[tuple[float, Unit]] = field(default_factory=list)
    deaths: dict[str, int] = field(default_factory=dict)

    def next(self, now: float) -> Unit | None:
        """The next unit that may be begun by now; new ones first."""
        unit = next(self.units, None)
        if unit is not None:
            return unit
        for position, (since, unit) in enumerate(self.again):
            if since <= now:
                del self.again[position]
                return unit
        return None

    def later(self, unit: Unit, when: float) -> None:
        """Put a unit back until a time."""
        self.again.append((when, unit))

    def died(self, unit: Unit, now: float) -> Outcome | None:
        """Put a unit back whose worker died; or what became of it, if it has done so too often."""
        count = self.deaths[unit.name] = self.deaths.get(unit.name, 0) + 1
        if count >= ATTEMPTS:
            return Outcome(
                unit.name, "unfinished", reason=f"{count} workers died over it; is memory short?"
            )
        self.later(unit, now)
        return None
