"""Detection error trade-off: both error rates on probit axes (Martin et al. 1997)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from voxguard.evaluation.report.charts.frame import LEFT, RIGHT, Axis, frame
from voxguard.evaluation.report.content import Chart
from voxguard.evaluation.report.figures import tick
from voxguard.evaluation.report.svg import SERIES, Scale, drawing, label, legend, line, path, probit

_LOW, _HIGH = 0.001, 0.99
_TICKS = (0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99)


def det(
    key: str, caption: str, curves: Sequence[tuple[str, int, Mapping[str, Any]]]
) -> Chart | None:
    """Draw curves as far as they lie between 0.1 % and 99 %.

    Args:
        key: Unique on the page.
        caption: Under the drawing.
        curves: Name, series, and ``{"false_match": [...], "false_non_match": [...]}``.
    """
    curves = [one for one in curves if len(one[2]["false_match"]) > 1]
    if not curves:
        return None
    top, bottom = 10.0, 10.0 + RIGHT - LEFT
    x = Scale(_LOW, _HIGH, LEFT, RIGHT, probit)
    y = Scale(_LOW, _HIGH, bottom, top, probit)
    marks = [(value, tick(value, "%")) for value in _TICKS]
    parts = [
        frame(
            Axis("strangers accepted (false match), %", x, marks),
            Axis("speakers rejected (false non-match), %", y, marks),
        ),
        line((x(_LOW), y(_LOW)), (x(_HIGH), y(_HIGH)), "faint"),
        line((x(1 - _HIGH), y(_HIGH)), (x(_HIGH), y(1 - _HIGH)), "chance"),
        label(x(0.65), y(0.35) - 12, "guessing", class_="tick"),
    ]
    for _, series, curve in curves:
        placed = [(x(a), y(b)) for a, b in _inside(curve)]
        if placed:
            parts.append(path(placed, f"line s{series % SERIES}"))
    start = bottom + 50
    parts.append(legend([(name, series) for name, series, _ in curves], start, mark="dash"))
    told = "Curves further from the lower left corner are more private. Shown: " + ", ".join(
        name for name, _, _ in curves
    )
    return Chart(caption, drawing(key, caption, told, start + 15 * len(curves) - 4, *parts))


def _inside(curve: Mapping[str, Any]) -> list[tuple[float, float]]:
    """The part of a curve that the axes show, and the points just beyond."""
    points = zip(curve["false_match"], curve["false_non_match"], strict=True)
    ordered = sorted(points, key=lambda p: (p[0], -p[1]))
    kept = [i for i, point in enumerate(ordered) if all(_LOW <= e <= _HIGH for e in point)]
    return ordered[max(kept[0] - 1, 0) : kept[-1] + 2] if kept else []
