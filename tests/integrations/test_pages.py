"""The examples on the page run where their framework is; without it, the error says what to do."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "integrations.md"
BLOCKS = [
    (section.split()[0], code)
    for section in PAGE.read_text().split("\n## ")[1:]
    for code in re.findall(r"^```py(?:thon)?\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
]
PACKAGES = {"OpenAI": "openai", "LiveKit": "livekit", "Pipecat": "pipecat",
            "transformers": "transformers", "datasets": "datasets", "PyTorch": "torch"}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("title", "code"), [pytest.param(*b, id=b[0]) for b in BLOCKS])
def test_the_code_runs(title, code, tmp_path, monkeypatch):
    pytest.importorskip(PACKAGES[title], reason=f"{title} is not installed")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "example", "exec"), {"__name__": "example"})  # noqa: S102


def test_all_have_one():
    assert {title for title, _ in BLOCKS} == set(PACKAGES)


@pytest.mark.parametrize("name", [*PACKAGES.values(), "litellm"])
def test_without_the_package(name):
    code = (
        "import sys, importlib.util\n"
        "find = importlib.util.find_spec\n"
        f"hidden = {name!r}\n"
        "importlib.util.find_spec = lambda m, *a: None if m == hidden else find(m, *a)\n"
        "import voxguard.models.optional as optional\n"
        "optional.find_spec = importlib.util.find_spec\n"
        "try:\n"
        f"    import voxguard.integrations.{name}\n"
        "except ImportError as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("MissingExtraError")
    assert f'pip install "voxguard[{name}]"' in done.stdout
