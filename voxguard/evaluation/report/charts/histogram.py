"""How an attacker scores pairs of one speaker and pairs of two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from voxguard.evaluation.report.charts.frame import RIGHT, Axis, frame
from voxguard.evaluation.report.content import Chart
from voxguard.evaluation.report.figures import number, tick
from voxguard.evaluation.report.svg import Scale, drawing, legend, path, ticks

_LEFT, _TOP, _BOTTOM = 24.0, 8.0, 168.0
_NON_MATED, _MATED = 1, 2


def histogram(key: str, caption: str, content: Mapping[str, Any]) -> Chart | None:
    """Draw both distributions, each with the same area.

    Args:
        key: Unique on the page.
        caption: Under the drawing.
        content: ``{"edges": [...], "mated": [...], "non_mated": [...]}``; counts or shares.
    """
    edges = content["edges"]
    heights = {name: _density(edges, content[name]) for name in ("mated", "non_mated")}
    if not (all(any(found) for found in heights.values()) and edges[0] < edges[-1]):
        return None
    x = Scale(edges[0], edges[-1], _LEFT, RIGHT)
    y = Scale(0.0, max(max(found) for found in heights.values()) * 1.05, _BOTTOM, _TOP)
    marks = [(value, tick(value)) for value in ticks(edges[0], edges[-1])]
    parts = [frame(Axis("score (higher: more alike)", x, marks), Axis("share of pairs", y, ()))]
    for name, series in (("non_mated", _NON_MATED), ("mated", _MATED)):
        corners = [(edges[0], 0.0)]
        for index, height in enumerate(heights[name]):
            corners += [(edges[index], height), (edges[index + 1], height)]
        corners.append((edges[-1], 0.0))
        placed = [(x(a), y(b)) for a, b in corners]
        parts += [path(placed, f"area s{series}", close=True), path(placed, f"line s{series}")]
    names = [("pairs of two speakers (non-mated)", _NON_MATED), ("pairs of one (mated)", _MATED)]
    parts.append(legend(names, _BOTTOM + 48, mark="dash"))
    told = (
        "Two distributions of scores. The more they lie on each other, the less the attacker "
        "learns. "
        f"Mean score of mated pairs {_mean(edges, content['mated'])}, of non-mated pairs "
        f"{_mean(edges, content['non_mated'])}."
    )
    return Chart(caption, drawing(key, caption, told, _BOTTOM + 74, *parts))


def _density(edges: Sequence[float], counts: Sequence[float]) -> list[float]:
    total = sum(counts)
    if total <= 0:
        return [0.0] * len(counts)
    widths = [b - a for a, b in pairwise(edges)]
    return [c / total / w if w > 0 else 0.0 for c, w in zip(counts, widths, strict=True)]


def _mean(edges: Sequence[float], counts: Sequence[float]) -> str:
    middles = [(a + b) / 2 for a, b in pairwise(edges)]
    return number(sum(m * c for m, c in zip(middles, counts, strict=True)) / sum(counts))
