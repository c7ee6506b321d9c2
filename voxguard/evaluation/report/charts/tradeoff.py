"""Privacy against utility: one point a method, with both intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from voxguard.evaluation.report.charts.frame import LEFT, RIGHT, Axis, frame
from voxguard.evaluation.report.content import Chart
from voxguard.evaluation.report.figures import show, tick
from voxguard.evaluation.report.svg import (
    SERIES,
    Scale,
    drawing,
    group,
    label,
    legend,
    line,
    marker,
    ticks,
)
from voxguard.evaluation.report.terms import Term
from voxguard.evaluation.results import Figure

_TOP, _BOTTOM = 10.0, 250.0

Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True)
class Spot:
    """One method.

    Attributes:
        short: A letter or word beside the mark.
        name: For the legend.
        privacy: EER.
        utility: What is kept or lost.
        series: Its colour and mark.
    """

    short: str
    name: str
    privacy: Figure
    utility: Figure
    series: int


def tradeoff(key: str, caption: str, spots: Sequence[Spot], measure: Term) -> Chart | None:
    """Draw methods; up and towards the better end of the utility axis is better.

    Args:
        key: Unique on the page.
        caption: Under the drawing.
        spots: Methods; those without either figure are left out.
        measure: What the utility axis shows.
    """
    shown = [s for s in spots if s.privacy.value is not None and s.utility.value is not None]
    if not shown:
        return None
    x = _across([s.utility for s in shown], measure)
    y = Scale(0.0, max(0.55, 1.05 * _most([s.privacy for s in shown])), _BOTTOM, _TOP)
    good = {"lower": "(← better)", "higher": "(better →)"}.get(measure.better, "")
    unit = f", {measure.unit}" if measure.unit else ""
    parts = [
        frame(
            Axis(
                f"{measure.title}{unit} {good}".rstrip(),
                x,
                [(v, tick(v, measure.unit)) for v in ticks(x.low, x.high)],
            ),
            Axis("EER, % (more private →)", y, [(v, tick(v, "%")) for v in ticks(0.0, y.high)]),
        ),
        line((LEFT, y(0.5)), (RIGHT, y(0.5)), "chance"),
        label(RIGHT, y(0.5) - 5, "guessing", anchor="end", class_="tick"),
    ]
    taken = [_cross(s, x, y) for s in shown]
    parts.extend(_spot(spot, x, y, measure.unit, taken) for spot in shown)
    parts.append(legend([(s.name, s.series) for s in shown], _BOTTOM + 50, mark="mark"))
    told = "; ".join(
        f"{s.name}: EER {show(s.privacy, '%')}, {measure.title} {show(s.utility, measure.unit)}"
        for s in shown
    )
    height = _BOTTOM + 46 + 15 * len(shown)
    return Chart(caption, drawing(key, caption, told, height, *parts))


def _across(figures: Sequence[Figure], measure: Term) -> Scale:
    values = [v for f in figures for v in (f.value, f.low, f.high) if v is not None]
    low, high = min(0.0, *values), max(values)
    if measure.better == "higher" and low == 0.0:  # nothing starts at zero here: show the spread
        low = max(0.0, min(values) - 0.25 * (high - min(values) + 0.1))
    room = 0.06 * (high - low) or 0.1
    return Scale(low, high + room, LEFT, RIGHT)


def _most(figures: Sequence[Figure]) -> float:
    return max(v for f in figures for v in (f.value, f.high) if v is not None)


def _value(figure: Figure) -> float:
    return 0.0 if figure.value is None else figure.value


def _cross(spot: Spot, x: Scale, y: Scale) -> Box:
    """What a mark covers."""
    across, up = x(_value(spot.utility)), y(_value(spot.privacy))
    return across - 7, up - 7, across + 7, up + 7


def _spot(spot: Spot, x: Scale, y: Scale, unit: str, taken: list[Box]) -> str:
    across, up = x(_value(spot.utility)), y(_value(spot.privacy))
    style = f"whisker s{spot.series % SERIES}"
    parts = []
    if spot.utility.low is not None and spot.utility.high is not None:
        parts.append(line((x(spot.utility.low), up), (x(spot.utility.high), up), style))
    if spot.privacy.low is not None and spot.privacy.high is not None:
        parts.append(line((across, y(spot.privacy.low)), (across, y(spot.privacy.high)), style))
    parts.append(marker(across, up, spot.series, size=5.5))
    x_, y_, anchor = _free(across, up, spot.short, taken)
    parts.append(label(x_, y_, spot.short, anchor=anchor, class_="strong"))
    title = f"{spot.name}: EER {show(spot.privacy, '%')}, {show(spot.utility, unit)}"
    return group(*parts, title=title)


def _free(x: float, y: float, text: str, taken: list[Box]) -> tuple[float, float, str]:
    """The first place around a mark where a label covers nothing; it is taken then."""
    width = 6.5 * len(text)
    found: list[tuple[float, Box, float, float, str]] = []
    for dx, dy, anchor in _PLACES:
        left = x + dx - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
        box = left, y + dy - 9, left + width, y + dy + 2
        outside = box[0] < LEFT or box[2] > RIGHT + 8 or box[1] < _TOP or box[3] > _BOTTOM
        covered = sum(_overlap(box, other) for other in taken) + 1e6 * outside
        found.append((covered, box, x + dx, y + dy, anchor))
    best = min(found, key=lambda place: place[0])
    taken.append(best[1])
    return best[2], best[3], best[4]


_PLACES = ((9, -6, "start"), (-9, -6, "end"), (0, -12, "middle"), (9, 15, "start"),
           (-9, 15, "end"), (0, 20, "middle"), (0, -24, "middle"))  # fmt: skip


def _overlap(a: Box, b: Box) -> float:
    across = min(a[2], b[2]) - max(a[0], b[0])
    down = min(a[3], b[3]) - max(a[1], b[1])
    return across * down if across > 0 and down > 0 else 0.0
