"""Before and after, to hear and to see: ``<!-- voices: METHOD -->`` in a page.

The recordings are made when the site is built, in its folder, of a voice that voxguard makes.
On the repository's web view the mark cannot be seen.
"""

import json
import re
import subprocess
import sys
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.osutil import relative_uri

FOLDER = "_voices"
MADE = ("voice_conversion", "xvector_swap", "world", "mcadams", "compose")

_MARK = re.compile(r"\s*<!--\s*voices:\s*(\w+)\s*-->\s*")


def make(app: Sphinx) -> None:
    """Run the process that makes them."""
    app.voices = {}
    if app.builder.format != "html":
        return
    folder = Path(app.outdir, FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    script = Path(__file__).with_name("make_voices.py")
    done = subprocess.run(  # noqa: S603
        [sys.executable, script, folder, *MADE], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ExtensionError(f"the examples could not be made:\n{done.stderr}")
    app.voices = json.loads(done.stdout)


def place(app: Sphinx, tree: nodes.document, page: str) -> None:
    """Put them where the mark is."""
    for node in [*tree.findall(nodes.raw), *tree.findall(nodes.comment)]:
        if not (mark := _MARK.fullmatch(node.rawsource or node.astext())):
            continue
        about = app.voices.get(mark[1])
        if about is None:
            node.parent.remove(node)
        elif "missing" in about:
            node.replace_self(_not_here(about["missing"]))
        else:
            base = relative_uri(app.builder.get_target_uri(page), FOLDER)
            node.replace_self(nodes.raw("", _figure(mark[1], about, base), format="html"))


def _not_here(reason: str) -> nodes.Node:
    words, _, command = reason.partition(": ")
    said = nodes.paragraph("", f"No example was made in this build: {words}. ")
    said += nodes.literal(command, command)
    return nodes.note("", said)


def _figure(method: str, about: dict[str, Any], base: str) -> str:
    before, after = about["pitch"]
    sides = "".join(_side(method, when, about, f"{base}/{method}") for when in ("before", "after"))
    return f"""<figure class="voices">{sides}<figcaption>
A voice that voxguard makes itself and nobody has; it says nothing. Spectrograms from 0 to
{about["top_khz"]} kHz over 70 dB, both on one scale. Median pitch {before:.0f} Hz before and
{after:.0f} Hz after; correlation of the melodies {about["correlation"]:.2f}. What one hears is no
measure of privacy.
</figcaption></figure>"""


def _side(method: str, when: str, about: dict[str, Any], path: str) -> str:
    seen = escape(f"Spectrogram {when}: {method}")
    images = "".join(
        f'<img class="only-{theme}" src="{path}-{when}-{theme}.png" alt="{seen}">'
        for theme in ("light", "dark")
    )
    return f"""<div class="voice voice-{when}">
<p class="voice-title">{when.capitalize()}</p>
<div class="voice-plot">
<div class="voice-hz"><span>{about["top_khz"]} kHz</span><span>0</span></div>
<div class="voice-image">{images}</div>
<div class="voice-s"><span>0</span><span>{about["seconds"]:g} s</span></div></div>
<audio controls preload="metadata" src="{path}-{when}.wav" aria-label="{when.capitalize()}"></audio>
</div>"""


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect."""
    app.connect("builder-inited", make)
    app.connect("doctree-resolved", place)
    app.add_js_file("voices.js", loading_method="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
