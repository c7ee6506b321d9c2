"""The box that curves are drawn in: axes, grid and their labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from voxguard.evaluation.report.svg import Scale, group, label, line

LEFT, RIGHT = 46.0, 350.0

Tick = tuple[float, str]


@dataclass(frozen=True)
class Axis:
    """An axis: what it shows and where the grid lines are."""

    title: str
    scale: Scale
    ticks: Sequence[Tick]


def frame(x: Axis, y: Axis) -> str:
    """Grid, ticks and titles; y runs upwards from ``y.scale.start``, a larger number of units."""
    top, bottom = y.scale.end, y.scale.start
    parts = []
    for value, text in x.ticks:
        at = x.scale(value)
        parts += [line((at, top), (at, bottom), "grid")]
        parts += [label(at, bottom + 14, text, anchor="middle", class_="tick")]
    for value, text in y.ticks:
        at = y.scale(value)
        parts += [line((x.scale.start, at), (x.scale.end, at), "grid")]
        parts += [label(x.scale.start - 5, at + 3.5, text, anchor="end", class_="tick")]
    parts += [line((x.scale.start, bottom), (x.scale.end, bottom), "axis")]
    parts += [line((x.scale.start, top), (x.scale.start, bottom), "axis")]
    middle = (x.scale.start + x.scale.end) / 2
    parts += [label(middle, bottom + 29, x.title, anchor="middle", class_="name")]
    parts += [label(11, (top + bottom) / 2, y.title, anchor="middle", class_="name", turn=-90.0)]
    return group(*parts)
