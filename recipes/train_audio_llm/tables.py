"""Puts the committed results into the README; with ``--check`` only says whether they are there.

python -m recipes.train_audio_llm.tables
"""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

from recipes.common import publish

HERE = Path(__file__).parent
RESULTS = HERE / "results"
NONE = "No results are committed yet."
MODELS = ("voices", "words", "conversations", "base")
_ASKED = {
    "sex, eval": "sex, strangers",
    "speaker, held-out": "speaker, other recordings of known speakers",
    "which word, eval": "which of four words is said, strangers",
    "is it said, eval": "is the word said, strangers",
    "first word, eval": "the first word, strangers",
}
_FORMS = {"": "", ", open": ", open", ", named": ", named options", ", letter": ", by letter"}
_WRITTEN = {
    "transcript, eval": "strangers",
    "transcript, trained": "clips that it was trained on",
}
Result = dict[str, Any]


def answers(folder: Path) -> str:
    """One row a question: how often it is answered rightly, having heard the clip or silence."""
    lines = [
        "| model | question | right | of silence | by chance | n |",
        "|---|---|---|---|---|---|",
    ]
    for model in MODELS:
        found = _read(folder / f"{model}.json")
        for (name, called), (form, asked) in product(_ASKED.items(), _FORMS.items()):
            if found and (figure := found["figures"].get(name + form)) is not None:
                raw, silence = figure["raw"], figure["silence"]
                lines.append(
                    f"| {model} | {called}{asked} | {_percent(raw)} | {_percent(silence)} "
                    f"| {100 * raw['chance']:.0f} % | {raw['n']} |"
                )
    return "\n".join(lines) if len(lines) > 2 else NONE


def written(folder: Path) -> str:
    """One row a model and kind of clip: wrong words of what it writes down."""
    lines = [
        "| model | clips | word error rate | of silence | n |",
        "|---|---|---|---|---|",
    ]
    for path in sorted(folder.glob("base*.json")):
        for name, figure in json.loads(path.read_text())["figures"].items():
            if name in _WRITTEN or path.stem != "base":
                raw, silence = figure["raw"], figure["silence"]
                model = path.stem.removeprefix("base-")
                called = _WRITTEN.get(name, name)
                rates = f"{_percent(raw)} | {_percent(silence)}"
                lines.append(f"| {model} | {called} | {rates} | {raw['n']} |")
    return "\n".join(lines) if len(lines) > 2 else NONE


def cost(folder: Path) -> str:
    """Seconds of each course."""
    lines = ["| model | course | steps | seconds |", "|---|---|---|---|"]
    for model in MODELS:
        about = (_read(folder / f"{model}.json") or {"training": {"seconds": {}}})["training"]
        lines += [
            f"| {model} | {name} | {about['settings'][name]} | {seconds:.0f} |"
            for name, seconds in about["seconds"].items()
        ]
    for path in sorted(folder.glob("base-*.json")):
        planted = json.loads(path.read_text())["training"]
        name = path.stem.removeprefix("base-")
        lines.append(
            f"| base | {name} | {planted['settings']['steps']} | {planted['seconds']:.0f} |"
        )
    return "\n".join(lines) if len(lines) > 2 else NONE


TABLES = {"answers": answers, "written": written, "cost": cost}


def made(folder: Path) -> dict[str, str]:
    """All of them."""
    return {mark: table(folder) for mark, table in TABLES.items()}


def _read(path: Path) -> Result | None:
    return json.loads(path.read_text()) if path.exists() else None


def _percent(figure: Result) -> str:
    value, low, high = (figure[end] for end in ("value", "low", "high"))
    if value is None:
        return f"- ({figure['why']})"
    if low is None:
        return f"{100 * value:.0f} % (no interval: {figure['why']})"
    return f"{100 * value:.0f} % ({100 * low:.0f} to {100 * high:.0f})"


def main() -> None:
    """Fill in, or check."""
    publish(HERE / "README.md", made(RESULTS))


if __name__ == "__main__":
    main()
