"""Formulas as MathML, which browsers draw by themselves: Sphinx's own way loads a script."""

import re

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx

_SIZE = re.compile(r"\\[bB]igg?(?![a-zA-Z])")  # docutils does not know it; fences stretch anyway
_SHORT = re.compile(r"(\\[dt]?frac)\s*(\w)\s*(\w)")  # 1/2, which docutils takes for 12


def _mathml(formula: str, *, as_block: bool = False) -> str:
    known = _SHORT.sub(r"\1{\2}{\3}", _SIZE.sub("", formula))
    return tex2mathml(known, as_block=as_block)


def _inline(writer: nodes.NodeVisitor, node: nodes.Element) -> None:
    writer.body.append(_mathml(node.astext()))
    raise nodes.SkipNode


def _block(writer: nodes.NodeVisitor, node: nodes.Element) -> None:
    formula = _mathml(node.astext(), as_block=True)
    writer.body.append(f'<div class="math-block">{formula}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    app.config.html_math_renderer = "mathml"
    return {"parallel_read_safe": True, "parallel_write_safe": True}
