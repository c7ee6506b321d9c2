"""A drawing as an SVG file of its own, for a paper or a README."""

from __future__ import annotations

from pathlib import Path

from voxguard.errors import ConfigurationError
from voxguard.evaluation.report.charts.frame import RIGHT
from voxguard.evaluation.report.comparison import Comparison
from voxguard.evaluation.report.sections.comparison import trade_off
from voxguard.evaluation.report.svg import element, label

_WARNING, _CORNER = "NOT COMPARABLE: do not rank", (RIGHT, 240.0)
_STYLE = Path(__file__).parent / "templates" / "chart.css"
_FONTS = "svg { font-family: system-ui, 'Noto Sans', 'DejaVu Sans', Arial, sans-serif; }"


def render_trade_off(comparison: Comparison) -> str:
    """Draw privacy against utility, one point an evaluation with both of its intervals.

    Evaluations that cannot be compared are drawn with a warning.

    Args:
        comparison: From :func:`voxguard.evaluation.report.comparison.compare`.

    Returns:
        An SVG file that needs nothing else, light or dark as the reader's screen is. Text from the
        results is escaped.

    Raises:
        ConfigurationError: No evaluation has both an EER and a measure of utility.

    Example:
        What ``voxguard compare *.json --svg trade-off.svg`` does::

            files = sorted(Path("results").glob("*.json"))
            comparison = compare([Results.read(f) for f in files], [f.name for f in files])
            Path("trade-off.svg").write_text(render_trade_off(comparison))
    """
    chart = trade_off(comparison)
    if chart is None:
        raise ConfigurationError(
            "no trade-off to draw: no file has both an EER and a measure of utility, such as the "
            "WER, which needs transcripts"
        )
    ground = element("rect", class_="ground", width="100%", height="100%")
    style = element("style", _STYLE.read_text("utf-8") + _FONTS)
    opening, rest = chart.svg.split(">", 1)
    named = opening.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    warning = "" if comparison.comparable else label(*_CORNER, _WARNING, anchor="end", class_="bad")
    body, closing = rest.rsplit("<", 1)
    return f"{named}>{style}{ground}{body}{warning}<{closing}\n"
