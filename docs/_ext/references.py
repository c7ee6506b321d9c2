"""Where a reference leads that finds no page by itself, and how docstrings are read.

Nothing is looked up on the net. A public name of voxguard has to be found; names of Python, numpy
or torch, and those within voxguard, are shown as they are.
"""

import re
from importlib import import_module
from posixpath import dirname, join, normpath

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.ext.autodoc.mock import _MockObject, mock
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.nodes import make_refnode

PUBLIC = (  # modules whose public names are all in the reference
    "voxguard",
    "voxguard.anonymizers.base",
    "voxguard.audio",
    "voxguard.errors",
    "voxguard.evaluation",
    "voxguard.files",
    "voxguard.metrics",
    "voxguard.privacy",
    "voxguard.pseudonym",
    "voxguard.streaming",
)


_ALIAS = re.compile(r"TypeAliasForwardRef\('(\w+)'\)")

LAZY = ("voxguard", "voxguard.privacy", "voxguard.privacy.federated")


class Folders(SphinxPostTransform):
    """A link to a folder leads to its README; where there is none, its name is shown."""

    default_priority = 5  # before MyST looks for a page

    def run(self, **kwargs: object) -> None:
        """Replace the links."""
        for node in list(self.document.findall(pending_xref)):
            if node.get("reftype") != "myst":
                continue
            path = normpath(join(dirname(node["refdoc"]), node["reftarget"]))
            page, shown = join(path, "README"), node[0].deepcopy()
            if page in self.env.found_docs:
                node.replace_self(make_refnode(self.app.builder, node["refdoc"], page, None, shown))
            elif (self.env.srcdir / path).is_dir():
                node.replace_self(shown)


def _shown_as_it_is(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, shown: nodes.TextElement
) -> nodes.Node | None:
    """For a name that is not documented here; None: it should have been."""
    if node.get("refdomain") != "py":
        return None
    module, _, name = node["reftarget"].rpartition(".")
    return None if module in PUBLIC and not name.startswith("_") else shown


def _without_module(
    app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]
) -> None:
    """The pages introduce the modules themselves."""
    if what == "module":
        lines.clear()


def _plain_aliases(
    app: Sphinx, what: str, name: str, thing: object, options: object, signature: str, gives: str
) -> tuple[str | None, str | None]:
    """Aliases of types by their names, inside of other types too."""
    parts = (part and _ALIAS.sub(r"\1", part) for part in (signature, gives))
    return next(parts), next(parts)


def _load(app: Sphinx) -> None:
    """Load names that are loaded when they are used: autodoc uses them when its mocks are gone."""
    with mock(app.config.autodoc_mock_imports):
        for module in map(import_module, LAZY):
            for name in module.__all__:
                getattr(module, name)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect."""
    _MockObject.__or__ = lambda self, other: self  # `Tensor | None`, where a module says it
    app.add_post_transform(Folders)
    app.connect("builder-inited", _load)
    app.connect("autodoc-process-signature", _plain_aliases)
    app.connect("missing-reference", _shown_as_it_is)
    app.connect("autodoc-process-docstring", _without_module, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
