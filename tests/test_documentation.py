"""The documentation builds without a warning, loads nothing from elsewhere, leaves nothing out."""

import importlib
import os
import re
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path

import pytest

import voxguard
from voxguard.audio import read

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PUBLIC = ("voxguard", "voxguard.audio", "voxguard.errors", "voxguard.evaluation",
          "voxguard.metrics", "voxguard.privacy", "voxguard.privacy.federated")  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    missing = [name for name in ("sphinx", "myst_parser", "furo") if find_spec(name) is None]
    if missing:
        pytest.skip(f'{", ".join(missing)} is not installed: pip install -e ".[docs]"')
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-q", "-E",
               "-d", str(folder / "doctrees"), "-c", "docs", ".", str(folder / "html")]  # fmt: skip
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "html"


class _Loaded(HTMLParser):
    """What a page loads by itself, as against what it links to."""

    def __init__(self):
        super().__init__()
        self.addresses = []

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            links = name == "href" and tag in ("link", "image", "use")
            if links or name in ("src", "srcset", "poster", "data", "action"):
                self.addresses.append(value or "")


def test_nothing_is_loaded_from_elsewhere(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 40
    for page in pages:
        loaded = _Loaded()
        loaded.feed(page.read_text())
        assert loaded.addresses or page.name == "index.html"
        for address in loaded.addresses:
            assert not re.match(r"(https?:)?//", address.strip()), (page, address)
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import)\s*['\"]?(https?:)?//", sheet.read_text()), sheet
    for script in site.rglob("*.js"):
        calls = r"(fetch|import|open|WebSocket|sendBeacon)\(\s*['\"`]((https?|wss?):)?//"
        assert not re.search(calls, script.read_text()), script


def test_each_file_that_a_page_loads_is_there(site):
    for page in site.rglob("*.html"):
        loaded = _Loaded()
        loaded.feed(page.read_text())
        for address in loaded.addresses:
            path = re.split(r"[?#]", address)[0]
            if path and not address.startswith("data:"):
                assert (page.parent / path).exists(), (page, address)


@pytest.mark.parametrize("method", ["voice_conversion", "mcadams", "world", "compose"])
def test_before_and_after(site, method):
    page = (site / "docs" / f"{method.replace('_', '-')}.html").read_text()
    if method == "world" and find_spec("pyworld") is None:
        assert "voxguard[world]" in page
        assert "<audio" not in page
        return
    assert page.count("<audio controls") == 2
    before, after = (
        read(site / "_voices" / f"{method}-{when}.wav")[0] for when in ("before", "after")
    )
    assert before.shape == after.shape == (1, 64_000)
    assert abs(after).max() > 0.05
    assert abs(before - after).max() > 0.05
    for when in ("before", "after"):
        for theme in ("light", "dark"):
            picture = (site / "_voices" / f"{method}-{when}-{theme}.png").read_bytes()
            assert picture.startswith(b"\x89PNG")
            assert len(picture) > 10_000
            assert f"{method}-{when}-{theme}.png" in page


def test_a_method_that_cannot_be_made_says_how(site):
    page = (site / "docs" / "xvector-swap.html").read_text()
    assert page.count("<audio controls") == 2 or "voxguard[neural]" in page.partition("It is")[0]


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_is_in_the_reference(site, module):
    reference = "".join(page.read_text() for page in (site / "docs" / "reference").glob("*.html"))
    for name in set(importlib.import_module(module).__all__) - {"one_tree"}:
        assert re.search(rf'id="voxguard(\.\w+)*\.{name}"', reference), name


def test_every_page_is_reached(site):
    for page in site.rglob("*.html"):
        if page.parent == site / "_static" or page.name in ("index.html", "search.html"):
            continue
        name = page.name
        assert any(name in other.read_text() for other in site.rglob("*.html") if other != page), (
            page
        )


def test_every_method_has_a_page():
    methods = "\n".join(page.read_text() for page in DOCS.glob("*.md"))
    built_in = {"knn_vc", "mcadams", "speecht5", "voice_conversion", "world", "xvector_swap"}
    assert built_in <= set(voxguard.methods())
    for name in built_in:
        assert f"--method {name}" in methods or f"`{name}`" in methods, name


def test_every_extra_is_listed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = (DOCS / "reference" / "extras.md").read_text()
    for extra in project["optional-dependencies"]:
        assert f"`{extra}`" in listed, f"docs/reference/extras.md lacks {extra}"
