"""What README and docs show runs, and the links in them lead somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md"),
                *ROOT.glob("eval/*.md"), *ROOT.glob("recipes/*/README.md"),
                *ROOT.glob("voxguard/models/weights/*.md")])  # fmt: skip
BLOCKS = [
    pytest.param(
        match[1],
        id=f"{page.relative_to(ROOT)}:{page.read_text()[: match.start()].count(chr(10)) + 1}",
    )
    for page in PAGES
    for match in re.finditer(r"^```python\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
]


@pytest.mark.parametrize("code", BLOCKS)
def test_the_code_runs(code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "example", "exec"), {"__name__": "example"})  # noqa: S102


def test_there_is_code():
    assert len(BLOCKS) >= 3


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_commands_that_are_shown_are_known():
    from typer.main import get_command

    from voxguard.cli.app import app

    known = get_command(app)
    options = {
        name: {
            option
            for command in (top, *getattr(top, "commands", {}).values())
            for parameter in command.params
            for option in parameter.opts
        }
        for name, top in known.commands.items()
    }
    shown = re.findall(
        rf"voxguard ({'|'.join(known.commands)})\b([^`|\n]*)",
        "\n".join(page.read_text() for page in PAGES),
    )
    assert {name for name, _ in shown} == set(known.commands)
    for name, rest in shown:
        assert set(re.findall(r"--[a-z-]+", rest)) <= options[name]


@pytest.mark.parametrize(
    "table", ["benchmarks.table", "eval.tables", "recipes.train_voice_conversion.tables"]
)
def test_the_figures_are_those_of_the_committed_results(table):
    command = [sys.executable, "-m", table, "--check"]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def test_the_systems_of_the_table_can_be_compared():
    from eval.tables.systems import committed
    from voxguard.evaluation.report.comparison import compare

    systems = committed()
    assert len(systems) > 7
    found = compare(list(systems.values()), list(systems))
    assert found.differences == ()


@pytest.mark.parametrize(
    ("rate", "page", "said"),
    [
        (16_000, "README.md", r"(\d+) ms \(`live=true`\)"),
        (16_000, "docs/voice-conversion.md", r"(\d+) ms of delay"),
        (24_000, "README.md", r"over WebSocket with (\d+) ms more"),
        (24_000, "docs/gateway.md", r"by (\d+) ms \(PCM16 at 24 kHz\)"),
        (8_000, "docs/gateway.md", r"or (\d+) ms \(G\.711\)"),
    ],
)
def test_the_delays_on_the_pages_are_those_of_the_sessions(rate, page, said):
    import voxguard

    with voxguard.VoiceConversion(live=True).stream(rate) as session:
        found = re.findall(said, (ROOT / page).read_text())
        assert [int(delay) for delay in found] == [round(session.latency_ms)]
