"""Sphinx: the documentation, built from the repository's pages where they lie.

    sphinx-build -W --keep-going -n -c docs . build/docs

The source folder is the repository's root, so that the README, the recipes and the evaluation are
pages of the site, and a link between two pages is the same path here and on the repository's web
view.
"""

import sys
from pathlib import Path

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS / "_ext"), str(DOCS.parent)]

from voxguard import __version__  # noqa: E402

project = "voxguard"
author = "The voxguard authors"
copyright = "the voxguard authors, Apache-2.0"  # noqa: A001
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "mathml",
    "references",
    "voices",
]
root_doc = "docs/index"
include_patterns = [
    "*.md",
    "docs/**.md",
    "benchmarks/*.md",
    "eval/*.md",
    "recipes/*/README.md",
    "voxguard/models/weights/*.md",
]
exclude_patterns = ["build", "dist", ".*", "**/.*"]
highlight_language = "none"
nitpicky = True

myst_heading_anchors = 3

# The build needs neither torch nor what else an extra brings.
autodoc_mock_imports = [
    "anyio", "cryptography", "datasets", "dp_accounting", "fastapi", "faster_whisper", "flwr",
    "fsspec", "httpx2", "huggingface_hub", "jiwer", "librosa", "litellm", "livekit", "obstore",
    "onnxruntime", "opacus", "openai", "pipecat", "pocketsphinx", "prometheus_client", "pyarrow",
    "pyworld", "ray", "resemblyzer", "sklearn", "speechbrain", "speechmos", "starlette", "torch",
    "transformers", "uvicorn", "websockets",
]  # fmt: skip
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_default_options = {"members": True}
autodoc_type_aliases = {
    name: name for name in ("Array", "Floats", "IntArray", "Samples", "Vector", "Vectors")
} | {"npt.ArrayLike": "ArrayLike"}
napoleon_attr_annotations = False
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
python_maximum_signature_line_length = 80
python_use_unqualified_type_names = True
add_module_names = False

html_theme = "furo"
html_title = "voxguard"
html_static_path = ["_static"]
html_css_files = ["voxguard.css"]
html_copy_source = False
html_domain_indices = False
html_show_sphinx = False
html_additional_pages = {"index": "start.html"}
templates_path = ["_templates"]
pygments_style = "friendly"
pygments_dark_style = "github-dark"

_SANS = (
    'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", '
    '"Liberation Sans", Arial, sans-serif'
)
_MONO = 'ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace'
html_theme_options = {
    # The colours of the demo page and of the reports.
    "light_css_variables": {
        "font-stack": _SANS,
        "font-stack--monospace": _MONO,
        "color-brand-primary": "#1b1f24",
        "color-brand-content": "#0b5394",
        "color-brand-visited": "#0b5394",
        "color-foreground-primary": "#1b1f24",
        "color-foreground-secondary": "#56606c",
        "color-background-primary": "#ffffff",
        "color-background-secondary": "#f8f9fa",
        "color-background-border": "#e3e6ea",
        "color-api-name": "#c44a00",
        "color-api-pre-name": "#56606c",
    },
    "dark_css_variables": {
        "color-brand-primary": "#e7eaee",
        "color-brand-content": "#7cb8f2",
        "color-brand-visited": "#7cb8f2",
        "color-foreground-primary": "#d5dae0",
        "color-foreground-secondary": "#a4aebb",
        "color-background-primary": "#14171b",
        "color-background-secondary": "#191d22",
        "color-background-border": "#2b323a",
        "color-api-name": "#ff8f4d",
        "color-api-pre-name": "#a4aebb",
    },
}
