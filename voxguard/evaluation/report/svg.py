"""Inline SVG, drawn by small pure functions.

Colours are classes (``s0`` to ``s5`` for series), so that the page's style sheet gives them their
light, dark and printed values. Every series differs in dash and marker too. All that comes from a
document passes through :func:`element` or :func:`label`, which escape it.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

WIDTH = 360.0  # of every drawing: that of a phone, where it is shown one to one
SERIES = 6
_CHARACTER = 5.6  # mean advance of a letter at the size of the labels

Point = tuple[float, float]


def element(tag: str, *children: str, **attributes: object) -> str:
    """One element; children are SVG already, attribute values are escaped.

    Args:
        tag: Its name.
        *children: What is in it.
        **attributes: ``class_`` is class, ``stroke_width`` stroke-width; None is left out.

    Example:
        >>> from voxguard.evaluation.report.svg import element
        >>> element("circle", cx=1.0, cy=2.25, class_='a"b')
        '<circle cx="1" cy="2.25" class="a&quot;b"/>'
    """
    text = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{html.escape(_text(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    return f"<{tag}{text}>{''.join(children)}</{tag}>" if children else f"<{tag}{text}/>"


def label(
    x: float, y: float, text: str, *, anchor: str = "start", class_: str = "", turn: float = 0.0
) -> str:
    """A line of text; `text` is escaped."""
    rotation = f"rotate({_text(turn)} {_text(x)} {_text(y)})" if turn else None
    return element(
        "text",
        html.escape(text),
        x=x,
        y=y,
        text_anchor=None if anchor == "start" else anchor,
        class_=class_ or None,
        transform=rotation,
    )


def group(*children: str, title: str = "", class_: str = "") -> str:
    """Elements that belong together; `title` is shown where the pointer rests on them."""
    told = (element("title", html.escape(title)),) if title else ()
    return element("g", *told, *children, class_=class_ or None) if children else ""


def drawing(key: str, title: str, description: str, height: float, *children: str) -> str:
    """A whole SVG.

    Args:
        key: Unique on the page; makes the ids.
        title: What it is, for those who cannot see it.
        description: What it shows.
        height: In units; the width is :data:`WIDTH`.
        *children: The content.
    """
    return element(
        "svg",
        element("title", html.escape(title), id=f"{key}-title"),
        element("desc", html.escape(description), id=f"{key}-desc"),
        *children,
        viewBox=f"0 0 {_text(WIDTH)} {_text(height)}",
        role="img",
        aria_labelledby=f"{key}-title {key}-desc",
        class_="chart",
    )


def line(a: Point, b: Point, class_: str) -> str:
    """A straight line."""
    return element("line", x1=a[0], y1=a[1], x2=b[0], y2=b[1], class_=class_)


def path(points: Iterable[Point], class_: str, *, close: bool = False) -> str:
    """A line through points; those that fall on the same tenth of a unit are drawn once."""
    shown: list[str] = []
    for x, y in points:
        text = f"{_text(round(x, 1))} {_text(round(y, 1))}"
        if not shown or shown[-1] != text:
            shown.append(text)
    return element("path", d="M" + "L".join(shown) + ("Z" if close else ""), class_=class_)


def marker(x: float, y: float, series: int, *, size: float = 4.5) -> str:
    """The mark of a series: each has a shape of its own, the reference is hollow."""
    corners = _SHAPES[series % len(_SHAPES)]
    class_ = f"mark s{series % SERIES}"
    if not corners:
        return element("circle", cx=x, cy=y, r=size, class_=class_ + " hollow")
    return path(((x + size * dx, y + size * dy) for dx, dy in corners), class_, close=True)


_SHAPES: tuple[tuple[Point, ...], ...] = (
    (),
    ((0, -1.15), (1.1, 0.85), (-1.1, 0.85)),
    ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
    ((0, -1.25), (1.25, 0), (0, 1.25), (-1.25, 0)),
    ((-1.1, -0.85), (1.1, -0.85), (0, 1.15)),
    ((-0.4, -1.2), (0.4, -1.2), (0.4, -0.4), (1.2, -0.4), (1.2, 0.4), (0.4, 0.4), (0.4, 1.2),
     (-0.4, 1.2), (-0.4, 0.4), (-1.2, 0.4), (-1.2, -0.4), (-0.4, -0.4)),
    ((-1.2, 0), (-0.5, -1.1), (0.5, -1.1), (1.2, 0), (0.5, 1.1), (-0.5, 1.1)),
)  # fmt: skip


def method_series(index: int) -> int:
    """A series for each of many methods: never the reference's colour or mark."""
    return _METHODS[index % len(_METHODS)]


_METHODS = [n for n in range(1, SERIES * len(_SHAPES)) if n % SERIES and n % len(_SHAPES)]


def legend(entries: Sequence[tuple[str, int]], y: float, *, mark: str = "line") -> str:
    """What the series are, one a line from `y` on, 15 units each.

    Args:
        entries: Text and series.
        y: Of the first line's middle.
        mark: ``"line"`` with a marker, ``"mark"`` alone, ``"dash"`` without.
    """
    rows = []
    for index, (text, series) in enumerate(entries):
        middle = y + 15 * index
        swatch = (
            "" if mark == "mark" else line((2, middle), (26, middle), f"line s{series % SERIES}")
        )
        swatch += "" if mark == "dash" else marker(14, middle, series, size=4)
        rows.append(swatch + label(32, middle + 3.5, shorten(text, WIDTH - 36)))
    return "".join(rows)


@dataclass(frozen=True)
class Scale:
    """Maps values to units of a drawing.

    Attributes:
        low: The value at `start`.
        high: The value at `end`.
        start: In units.
        end: In units.
        warp: What is done to values first: nothing, a logarithm, a probit.
    """

    low: float
    high: float
    start: float
    end: float
    warp: Callable[[float], float] = float

    def __call__(self, value: float) -> float:
        """The position of a value; what lies beyond the ends is drawn at the end."""
        kept = min(max(value, self.low), self.high)
        low, high = self.warp(self.low), self.warp(self.high)
        return self.start + (self.warp(kept) - low) / (high - low) * (self.end - self.start)


def probit(share: float) -> float:
    """The quantile of the standard normal distribution, for 0 < share < 1."""
    return NormalDist().inv_cdf(share)


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """About `count` round values from `low` to `high`.

    Example:
        >>> from voxguard.evaluation.report.svg import ticks
        >>> ticks(0, 0.57)
        [0.0, 0.2, 0.4]
    """
    rough = (high - low) / count
    power = 10 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(i * step, 12) + 0.0 for i in range(first, last + 1)]


def shorten(text: str, width: float) -> str:
    """Text that fits into a width in units, cut in the middle."""
    most = max(int(width / _CHARACTER), 5)
    if len(text) <= most:
        return text
    head = (most - 1) // 2
    return f"{text[:head]}…{text[len(text) - (most - 1 - head) :]}"


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".") or "0"
    return str(value)
