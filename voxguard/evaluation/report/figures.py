"""Figures as text: the value, its interval, and what it was computed from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from voxguard.evaluation.report.terms import Term
from voxguard.evaluation.results import Figure

NOT_MEASURED = "not measured"
ABSENT = "—"


@dataclass(frozen=True)
class Shown:
    """A figure as it is printed.

    Attributes:
        value: With its unit; why there is none where there is none.
        interval: ``"[2.1, 7.0]"`` in the same unit; ``"no interval"`` and why if there is none.
        n: ``"n = 125"``; empty without a value.
        missing: Whether there is no value.
    """

    value: str
    interval: str = ""
    n: str = ""
    missing: bool = False

    def __str__(self) -> str:
        return " ".join(filter(None, (self.value, self.interval)))


def show(figure: Figure, unit: str = "") -> Shown:
    """Print a figure.

    Args:
        figure: What to print.
        unit: ``"%"``: the figure is a fraction and is shown as per cent.

    Example:
        >>> from voxguard.evaluation.report.figures import show
        >>> from voxguard.evaluation.results import Figure
        >>> str(show(Figure(0.0432, 0.021, 0.07, 125), "%"))
        '4.3 % [2.1, 7.0]'
        >>> str(show(Figure(None, why="no transcripts"), "%"))
        'not measured: no transcripts'
    """
    if figure.value is None:
        why = f"{NOT_MEASURED}: {figure.why}" if figure.why not in ("", NOT_MEASURED) else ""
        return Shown(why or NOT_MEASURED, missing=True)
    interval = ": ".join(filter(None, ("no interval", figure.why)))
    if figure.low is not None and figure.high is not None:
        interval = f"[{number(figure.low, unit)}, {number(figure.high, unit)}]"
    return Shown(with_unit(figure.value, unit), interval, f"n = {figure.n}")


def number(value: float, unit: str = "") -> str:
    """A number without its unit: per cent with one decimal, all else with two or three digits."""
    if unit == "%":
        value *= 100
        return f"{value:.1g}" if 0 < abs(value) < 0.1 else _plain_zero(f"{value:.1f}")
    size = abs(value)
    if size >= 100:
        return f"{value:.0f}" if size < 1e6 else f"{value:.2e}"
    if size >= 0.01:
        return f"{value:.2f}" if size >= 1 else f"{value:.3f}"
    return f"{value:.2g}" if value else "0"


def with_unit(value: float, unit: str = "") -> str:
    """A number and its unit."""
    return f"{number(value, unit)} {unit}".rstrip()


def tick(value: float, unit: str = "") -> str:
    """A round number on an axis, per cent without its sign."""
    return f"{100 * value if unit == '%' else value:.6g}"


def constant(value: Any, term: Term) -> str:
    """A chance or ideal value, which can be a formula, a list or absent."""
    if value is None:
        return ABSENT
    if isinstance(value, int | float) and not isinstance(value, bool):
        return with_unit(float(value), term.unit)
    return str(value)


def _plain_zero(text: str) -> str:
    return text[1:] if text.startswith("-") and not text.strip("-0.") else text
