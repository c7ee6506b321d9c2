"""A number of a probe, with how sure it is and what it is about."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from voxguard.errors import ConfigurationError

RAW, PROTECTED, TRANSCRIPT, SILENCE, NO_AUDIO = (
    "raw",
    "protected",
    "transcript",
    "silence",
    "no-audio",
)

# The two that a gate looks at, on the same scale for every probe.
ADVANTAGE = "advantage"
UTILITY_LOSS = "utility_loss"


@dataclass(frozen=True)
class ProbeFigure:
    """A number with its interval.

    Attributes:
        name: Such as ``"accuracy"``. Two names are for the gate: ``"advantage"`` (0: no better than
            the best blind guess, 1: always right; may be below 0) and ``"utility_loss"`` (0: as
            useful as on raw audio, 1: of no use).
        value: Fractions as 0 to 1; None: could not be computed.
        low: Lower end of the 95 % interval; None: there is none.
        high: Its upper end.
        n: What it was computed from: clips, speakers, tokens.
        system: What the model heard: ``"raw"``, ``"silence"``, ``"no-audio"``, ``"transcript"``, or
            the name of an anonymizer.
        where: What else it is about, such as ``{"attribute": "sex", "prompt": "direct"}``.
        why: Why there is no value.

    Raises:
        ConfigurationError: A number that is not finite, an interval that is none, or no value and
            no reason.

    Example:
        >>> from voxguard.probes.figures import ProbeFigure
        >>> ProbeFigure("advantage", 0.81, 0.7, 0.9, 120, "raw", {"attribute": "sex"}).n
        120
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    system: str
    where: Mapping[str, str] = field(default_factory=dict)
    why: str = ""

    def __post_init__(self) -> None:
        for number in (self.value, self.low, self.high):
            if number is not None and not math.isfinite(number):
                raise ConfigurationError(f"{self.name}: a figure is finite or None, got {number}")
        if self.value is None and not self.why:
            raise ConfigurationError(f"{self.name}: a figure without a value says why")
        if (self.low is None) != (self.high is None):
            raise ConfigurationError(f"{self.name}: an interval has two ends")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ConfigurationError(f"{self.name}: interval from {self.low} to {self.high}")

    def as_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "name": self.name,
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "n": self.n,
            "system": self.system,
            "where": dict(self.where),
            "why": self.why,
        }
