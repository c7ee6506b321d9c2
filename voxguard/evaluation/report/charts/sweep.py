"""How a figure changes along an axis: the length of a conversation, the size of a population."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from voxguard.evaluation.report.charts.frame import LEFT, RIGHT, Axis, frame
from voxguard.evaluation.report.content import Chart
from voxguard.evaluation.report.figures import show, tick
from voxguard.evaluation.report.svg import (
    SERIES,
    Scale,
    drawing,
    element,
    group,
    label,
    legend,
    line,
    marker,
    path,
    ticks,
)
from voxguard.evaluation.results import Figure

_TOP, _BOTTOM = 10.0, 190.0


@dataclass(frozen=True)
class Curve:
    """One series: its figures by where they were measured."""

    name: str
    series: int
    points: Sequence[tuple[float, Figure]]

    @property
    def measured(self) -> list[tuple[float, Figure]]:
        """Those that have a value."""
        return [(at, figure) for at, figure in self.points if figure.value is not None]


def sweep(
    key: str,
    caption: str,
    curves: Sequence[Curve],
    *,
    unit: str,
    x_title: str,
    y_title: str,
    chance: Sequence[tuple[float, float]] = (),
    least: float = 0.0,
) -> Chart | None:
    """Draw curves over a logarithmic axis, with their intervals.

    Args:
        key: Unique on the page.
        caption: Under the drawing.
        curves: What is compared.
        unit: Of the figures.
        x_title: Title of the axis.
        y_title: Title of the figures.
        chance: Where guessing lies, as a line through points.
        least: The axis of the figures reaches at least so far.
    """
    curves = [curve for curve in curves if curve.measured]
    if not curves:
        return None
    places = sorted({at for curve in curves for at, _ in curve.measured})
    reach = [v for c in curves for _, f in c.measured for v in (f.value, f.high) if v is not None]
    x = Scale(places[0] / 1.08, places[-1] * 1.08, LEFT, RIGHT, math.log)
    most = max([least, *reach, *(value for _, value in chance)]) or 1.0
    y = Scale(0.0, most * 1.04, _BOTTOM, _TOP)
    parts = [
        frame(
            Axis(x_title, x, [(at, f"{at:g}") for at in _apart(places, x)]),
            Axis(y_title, y, [(v, tick(v, unit)) for v in ticks(0.0, y.high)]),
        )
    ]
    if chance:
        parts.append(path(((x(a), y(b)) for a, b in chance), "chance"))
        last = y(max(chance)[1])
        over = min((y(value) for at, value in chance if x(at) > RIGHT - 50), default=last)
        parts.append(label(RIGHT, over - 5, "guessing", anchor="end", class_="tick"))
    for index, curve in enumerate(curves):
        aside = 4.0 * (index - (len(curves) - 1) / 2)  # so that whiskers do not hide each other
        parts.append(_curve(curve, x, y, unit, aside))
    parts.append(legend([(curve.name, curve.series) for curve in curves], _BOTTOM + 50))
    told = "; ".join(
        f"{curve.name}: "
        + ", ".join(f"{at:g}: {show(figure, unit)}" for at, figure in curve.measured)
        for curve in curves
    )
    height = _BOTTOM + 46 + 15 * len(curves)
    return Chart(caption, drawing(key, caption, told, height, *parts))


def _curve(curve: Curve, x: Scale, y: Scale, unit: str, aside: float) -> str:
    style = f"s{curve.series % SERIES}"
    placed, parts = [], []
    for at, figure in curve.measured:
        across = x(at) + aside
        up = y(figure.value or 0.0)
        placed.append((across, up))
        parts_here = []
        if figure.low is not None and figure.high is not None:
            ends = (across, y(figure.low)), (across, y(figure.high))
            parts_here.append(line(*ends, f"whisker {style}"))
        parts_here.append(marker(across, up, curve.series))
        title = f"{curve.name}, {at:g}: {show(figure, unit)}"
        parts.append(group(*parts_here, title=title))
    return element("g", path(placed, f"line {style}"), *parts)


def _apart(places: Sequence[float], x: Scale) -> list[float]:
    """Those whose labels do not touch, the last one always among them."""
    kept: list[float] = []
    for at in reversed(places):
        if not kept or x(kept[-1]) - x(at) >= 22:
            kept.append(at)
    return kept[::-1]
