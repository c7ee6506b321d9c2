"""Puts the committed results into the README; with ``--check`` only says whether they are there.

python -m eval.table
"""

from __future__ import annotations

from benchmarks.table import ROOT, fill
from voxguard.evaluation.results import Figure, Results

PROTOCOL = "libri-mini"
SHOWN = {
    "none": "no anonymization",
    "mcadams": "McAdams",
    "mcadams-5ms": "McAdams, live at 5 ms",
}
KNOWLEDGE = ("ignorant", "lazy-informed", "semi-informed")


def table() -> str:
    """One row a system: the lowest EER of each knowledge, sex, words, verdict."""
    lines = [
        "| | EER ignorant | EER lazy-informed | EER semi-informed | sex inferred | WER | verdict |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, shown in SHOWN.items():
        path = ROOT / "eval" / "results" / PROTOCOL / f"{name}.json"
        if not path.exists():
            continue
        results = Results.read(path)
        cells = [_eer(results, knowledge) for knowledge in KNOWLEDGE]
        cells += [_sex(results), _words(results)]
        cells.append("trusted" if results.headline.trusted else "**untrusted**")
        lines.append(f"| {shown} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _eer(results: Results, knowledge: str) -> str:
    strongest = results.strongest(knowledge)
    return _percent(strongest.metric("eer")) if strongest else "not run"


def _sex(results: Results) -> str:
    kind = "unprotected" if results.document["system"]["kind"] == "none" else "retrained"
    found = [
        Figure.of(entry["balanced_accuracy"])
        for entry in results.section("attributes")
        if entry["attribute"] == "sex" and entry["knowledge"] == kind
    ]
    return _percent(max(found, key=lambda figure: figure.value or 0.0)) if found else "not run"


def _words(results: Results) -> str:
    for entry in results.section("utility"):
        if entry["measure"] == "wer":
            return _percent(Figure.of(entry["anonymized"]))
    return "not run"


def _percent(figure: Figure) -> str:
    if figure.value is None:
        return "not run"
    shown = f"{100 * figure.value:.1f} %"
    if figure.low is None or figure.high is None:
        return shown
    return f"{shown} [{100 * figure.low:.1f}, {100 * figure.high:.1f}]"


if __name__ == "__main__":
    fill("evaluation", table())
