"""Figures one under the other on a common axis: a forest plot, or bars with whiskers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from voxguard.evaluation.report.content import Chart
from voxguard.evaluation.report.figures import show, tick
from voxguard.evaluation.report.svg import (
    SERIES,
    WIDTH,
    Scale,
    drawing,
    element,
    group,
    label,
    line,
    marker,
    shorten,
    ticks,
)
from voxguard.evaluation.results import Figure

_LEFT, _RIGHT = 8.0, WIDTH - 8.0
_ROW, _HEAD = 31.0, 22.0


@dataclass(frozen=True)
class Item:
    """One figure.

    Attributes:
        name: What it is of.
        figure: Without a value it is named as not measured.
        series: Its colour and mark.
        strong: Whether it stands out.
        blind: Where guessing lies for this one figure.
    """

    name: str
    figure: Figure
    series: int
    strong: bool = False
    blind: float | None = None


def rows(
    key: str,
    caption: str,
    groups: Sequence[tuple[str, Sequence[Item]]],
    *,
    unit: str,
    axis: str,
    chance: Sequence[tuple[float, str]] = (),
    mark: Literal["point", "bar"] = "point",
    least: float = 0.0,
) -> Chart | None:
    """Draw figures with their intervals.

    Args:
        key: Unique on the page.
        caption: Under the drawing.
        groups: Headings (empty: none) with their figures.
        unit: As in :func:`~voxguard.evaluation.report.figures.show`.
        axis: Title of the axis.
        chance: Values with a line through all rows, and what they are.
        mark: ``"bar"`` starts at zero.
        least: The axis reaches at least so far.
    """
    groups = [(heading, items) for heading, items in groups if items]
    values = [v for _, items in groups for item in items for v in _reach(item)]
    if not values:
        return None
    values += [value for value, _ in chance]
    low, high = min(0.0, *values), max([least, *values]) or 1.0
    scale = Scale(low, low + (high - low) * 1.03, _LEFT, _RIGHT)
    top = 16.0 if chance else 4.0
    y, parts = top, []
    for heading, items in groups:
        if heading:
            parts.append(_ground(y, _HEAD))
            parts.append(label(_LEFT, y + 15, shorten(heading, WIDTH), class_="strong"))
            y += _HEAD
        for item in items:
            parts.append(_item(item, y, scale, unit, mark))
            y += _ROW
    grid = [
        line((scale(at), top), (scale(at), y), "grid")
        + label(scale(at), y + 13, tick(at, unit), anchor=_anchor(scale(at)), class_="tick")
        for at in ticks(scale.low, scale.high)
    ]
    for at, name in chance:
        where = "end" if scale(at) > WIDTH / 2 else "start"
        grid.append(line((scale(at), top - 3), (scale(at), y), "chance"))
        grid.append(label(scale(at), top - 6, name, anchor=where, class_="tick"))
    parts.append(label(WIDTH / 2, y + 28, axis, anchor="middle", class_="name"))
    told = "; ".join(f"{item.name}: {show(item.figure, unit)}" for _, i in groups for item in i)
    return Chart(caption, drawing(key, caption, told, y + 34, group(*grid), *parts))


def _reach(item: Item) -> list[float]:
    if item.figure.value is None:
        return []
    ends = (item.figure.value, item.figure.low, item.figure.high, item.blind)
    return [value for value in ends if value is not None]


def _anchor(at: float) -> str:
    return "start" if at < 12 else "end" if at > WIDTH - 14 else "middle"


def _ground(y: float, height: float) -> str:
    """Keeps the lines behind from running through text."""
    return element("rect", x=0.0, y=y, width=WIDTH, height=height, class_="ground")


def _item(item: Item, y: float, scale: Scale, unit: str, mark: str) -> str:
    shown = show(item.figure, unit)
    text, middle = y + 12, y + 21.5
    style = "strong" if item.strong else ""
    value = "not measured" if shown.missing else str(shown)
    room = WIDTH - 24 - 5.8 * len(value)
    parts = [
        _ground(y, 15.5),
        label(_LEFT, text, shorten(item.name, room), class_=style),
        label(_RIGHT, text, value, anchor="end", class_="tick" if shown.missing else style),
    ]
    figure = item.figure
    if figure.value is not None:
        at, zero = scale(figure.value), scale(0.0)
        if mark == "bar":
            parts.append(
                element(
                    "rect",
                    x=min(at, zero),
                    y=middle - 4.5,
                    width=max(abs(at - zero), 0.5),
                    height=9,
                    class_=f"area s{item.series % SERIES}",
                )
            )
        if figure.low is not None and figure.high is not None:
            low, high = scale(figure.low), scale(figure.high)
            whisker = f"whisker s{item.series % SERIES}" if mark == "point" else "whisker"
            parts.append(line((low, middle), (high, middle), whisker))
            parts += [line((e, middle - 3.5), (e, middle + 3.5), whisker) for e in (low, high)]
        if mark == "point":
            parts.append(marker(at, middle, item.series, size=5.5 if item.strong else 4.5))
        if item.blind is not None:
            blind = scale(item.blind)
            parts.append(line((blind, middle - 7), (blind, middle + 7), "chance"))
    return group(*parts, title=f"{item.name}: {shown}, {shown.n}".rstrip(", "))
