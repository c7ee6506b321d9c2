"""What the cells of all tables have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

RESULTS = Path(__file__).parents[1] / "results"
NOT_RUN = "not run"


class Measured(Protocol):
    """A figure of an evaluation or of a probe."""

    @property
    def value(self) -> float | None:
        """None where it could not be measured."""

    @property
    def low(self) -> float | None:
        """Lower end of the 95 % interval."""

    @property
    def high(self) -> float | None:
        """Upper end."""


def percent(figure: Measured) -> str:
    """A share with its interval.

    Example:
        >>> from eval.tables.cells import percent
        >>> from voxguard.evaluation.results import Figure
        >>> percent(Figure(0.215, 0.16, 0.261))
        '21.5 % [16.0, 26.1]'
    """
    if figure.value is None:
        return NOT_RUN
    shown = f"{100 * figure.value:.1f} %"
    if figure.low is None or figure.high is None:
        return shown
    return f"{shown} [{100 * figure.low:.1f}, {100 * figure.high:.1f}]"
