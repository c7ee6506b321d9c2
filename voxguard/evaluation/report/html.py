"""A report as one HTML page that needs nothing else: no script, no request, no other file."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import voxguard
from voxguard.errors import MissingExtraError
from voxguard.evaluation.report.comparison import Comparison
from voxguard.evaluation.report.content import Block
from voxguard.evaluation.report.sections import sections
from voxguard.evaluation.report.sections.comparison import comparison_sections
from voxguard.evaluation.report.sections.verdict import verdict
from voxguard.evaluation.report.terms import EER_DIRECTION
from voxguard.evaluation.results import Results

if TYPE_CHECKING:
    import jinja2
    import markupsafe

TEMPLATES = Path(__file__).parent / "templates"


def render_report(results: Results) -> str:
    """Make the page of one evaluation.

    Args:
        results: What to show. What it does not hold is named as not measured.

    Returns:
        The page. Text from the results is escaped; write it with
        :func:`voxguard.evaluation.results.write_text`.

    Raises:
        MissingExtraError: Jinja2 is not installed.
    """
    return render_page(
        TEMPLATES / "report.html.j2",
        results=results,
        verdict=verdict(results),
        sections=sections(results),
        title=f"{results.system}: how much of the voice is left",
    )


def render_comparison(comparison: Comparison) -> str:
    """Make the page that shows several evaluations side by side.

    Args:
        comparison: From :func:`voxguard.evaluation.report.comparison.compare`.

    Returns:
        The page, escaped.

    Raises:
        MissingExtraError: Jinja2 is not installed.
    """
    return render_page(
        TEMPLATES / "comparison.html.j2",
        comparison=comparison,
        sections=comparison_sections(comparison),
        title=f"{len(comparison.entries)} evaluations compared",
    )


def render_page(template: Path, **content: Any) -> str:
    """Make a page of the reports' kind.

    Args:
        template: Extends ``base.html.j2``; its text is escaped.
        content: ``title``, ``sections``, and what the template takes besides.

    Returns:
        The page.

    Raises:
        MissingExtraError: Jinja2 is not installed (``report``).
    """
    made = _environment().from_string(template.read_text("utf-8"))
    return made.render(version=voxguard.__version__, eer_direction=EER_DIRECTION, **content)


def _kind(block: Block) -> str:
    return type(block).__name__.lower()


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    try:
        import jinja2
        import markupsafe
    except ImportError:
        raise MissingExtraError("jinja2", "report", "the HTML report") from None
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,  # for every template: none of them is anything but HTML
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["kind_of"] = _kind
    environment.filters["prose"] = lambda text: text.replace(" %", "\u00a0%")
    environment.filters["typeset"] = lambda text: _typeset(markupsafe.escape(text))
    return environment


def _typeset(escaped: markupsafe.Markup) -> markupsafe.Markup:
    """Symbols with their indices, in text that is escaped already."""
    for plain, set_up in _SYMBOLS.items():
        escaped = type(escaped)(str(escaped).replace(plain, set_up))
    return escaped


_SYMBOLS = {  # the slash first: what the others put in has slashes of its own
    "/": "/<wbr>",
    "C_llr^min": "C<sub>llr</sub><sup>min</sup>",
    "C_llr": "C<sub>llr</sub>",
    "D_sys": "D<sub>sys</sub>",
    "G_VD": "G<sub>VD</sub>",
}
