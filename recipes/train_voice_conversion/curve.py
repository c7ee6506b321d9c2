"""Draws a training from its log.

python -m recipes.train_voice_conversion.curve results/log-offline.jsonl results/training.svg
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recipes.train_voice_conversion.checkpoint import read_log
from voxguard.evaluation.report.svg import Scale, ticks

WIDTH, HEIGHT, LEFT, RIGHT, TOP, GAP = 640, 430, 52, 16, 30, 46
PANEL = (HEIGHT - TOP - 2 * GAP) / 2
# Legible on a light page and on a dark one.
INK, GRID = "#777777", "#99999955"
COLOURS = ("#2f7fc1", "#d9782d", "#777777")
NAMES = ("1 level, dev speakers", "3 levels, dev speakers", "training")
PLACES = (418.0, 558.0, 624.0)

Series = list[tuple[float, float]]


def main() -> None:
    """Read a log, write a drawing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("log", type=Path)
    parser.add_argument("svg", type=Path)
    given = parser.parse_args()
    given.svg.write_text(draw(read_log(given.log)) + "\n")


def draw(log: Sequence[dict[str, Any]]) -> str:
    """The drawing, as SVG that stands alone."""
    steps = [line for line in log if "step" in line]
    if len(steps) < 2:
        raise SystemExit("this log has no training to draw yet")
    distances = [_column(steps, name) for name in ("dev_mel_1", "dev_mel_3", "mel")]
    phones = [_column(steps, name) for name in ("dev_right_1", "dev_right_3", "right")]
    last = max(line["step"] for line in steps)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            f'font-family="sans-serif" font-size="12" fill="{INK}">',
            "<title>Training: distance of the envelope and phones read, over steps</title>",
            *(
                _text(x, TOP - 10, n, "end", c)
                for x, n, c in zip(PLACES, NAMES, COLOURS, strict=True)
            ),
            *_panel("distance of the log mel envelope, nepers", distances, last, TOP),
            *_panel("share of frames whose phone is read", phones, last, TOP + PANEL + GAP),
            _text(WIDTH - RIGHT, HEIGHT - 6, "steps", "end"),
            "</svg>",
        ]
    )


def _column(lines: Sequence[dict[str, Any]], name: str) -> Series:
    return [(line["step"], line[name]) for line in lines if line.get(name) is not None]


def _panel(title: str, series: Sequence[Series], last: float, top: float) -> list[str]:
    values = [value for points in series for _, value in points]
    low, high = min(values, default=0.0), max(values, default=0.0)
    # the first steps are far off and would press the others flat
    late = [v for points in series for x, v in points if x >= last / 5]
    high = min(high, 1.1 * max(late, default=high))
    across = Scale(0.0, last, LEFT, WIDTH - RIGHT)
    up = Scale(low, max(high, low + 1e-3), top + PANEL, top)
    out = [_text(LEFT, top - 10, title, "start")]
    for tick in ticks(low, max(high, low + 1e-3)):
        out.append(_line([(LEFT, up(tick)), (WIDTH - RIGHT, up(tick))], GRID, 1.0))
        out.append(_text(LEFT - 6, up(tick) + 4, f"{tick:g}", "end"))
    out += [
        _text(across(tick), top + PANEL + 16, f"{tick:g}", "middle") for tick in ticks(0.0, last)
    ]
    for colour, points in zip(COLOURS, series, strict=True):
        out.append(_line([(across(x), up(y)) for x, y in points], colour, 1.6))
    return out


def _line(points: Sequence[tuple[float, float]], colour: str, width: float) -> str:
    shown = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{shown}" fill="none" stroke="{colour}" stroke-width="{width}"/>'


def _text(x: float, y: float, text: str, anchor: str, colour: str = INK) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{text}</text>'


if __name__ == "__main__":
    main()
