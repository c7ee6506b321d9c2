"""Puts the committed results into the pages; with ``--check`` only says whether they are there.

python -m eval.table
"""

from __future__ import annotations

import json
from pathlib import Path

from recipes.common import keep, publish
from voxguard.evaluation.report.comparison import compare
from voxguard.evaluation.report.standalone import render_trade_off
from voxguard.evaluation.results import Figure, Results
from voxguard.probes.document import ProbeDocument
from voxguard.probes.figures import ProbeFigure

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "eval" / "results" / "libri-mini"
DRAWING = ROOT / "docs" / "_static" / "trade-off.svg"
SHOWN = {
    "none": "no anonymization",
    "mcadams": "McAdams",
    "mcadams-5ms": "McAdams, live at 5 ms",
    "world": "WORLD",
    "world-differential": "WORLD, differential",
    "xvector-swap": "x-vector swap",
    "voice-conversion": "voice conversion (default)",
    "voice-conversion-1": "voice conversion, 1 level",
    "voice-conversion-4": "voice conversion, 4 levels",
    "voice-conversion-prosody": "voice conversion, prosody kept",
    "voice-conversion-candidate": "voice conversion, candidate weights",
    "voice-conversion-candidate-1": "voice conversion, candidate weights, 1 level",
    "voice-conversion-live": "voice conversion, live at 41 ms",
}
KNOWLEDGE = ("ignorant", "lazy-informed", "semi-informed")


def committed() -> dict[str, Results]:
    """The results of the systems, by the names that are shown."""
    paths = {shown: RESULTS / f"{name}.json" for name, shown in SHOWN.items()}
    return {shown: Results.read(path) for shown, path in paths.items() if path.exists()}


def trade_off() -> str:
    """Privacy against words, one point a method."""
    methods = {shown: results for shown, results in committed().items() if shown != SHOWN["none"]}
    return render_trade_off(compare(list(methods.values()), list(methods)))


def table() -> str:
    """One row a system: the lowest EER of each knowledge, sex, words, verdict."""
    lines = [
        "| | EER ignorant | EER lazy-informed | EER semi-informed | sex inferred | WER | verdict |",
        "|---|---|---|---|---|---|---|",
    ]
    for shown, results in committed().items():
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


def robust_table() -> str:
    """One row a kind of recording, for every system with a result."""
    lines = [
        "| method | recordings | | likeness of the voice | quality before, after | level |",
        "|---|---|---|---|---|---|",
    ]
    for path in sorted((ROOT / "eval" / "results" / "robust").glob("*.json")):
        for kind, found in json.loads(path.read_text())["kinds"].items():
            lines.append(_robust_row(path.stem, kind, found))
    return "\n".join(lines)


def _robust_row(name: str, kind: str, found: dict[str, float]) -> str:
    start = f"| {name} | {kind} | {found['recordings']} |"
    if "level_change_db" not in found:
        stays = found["silent_stays_silent"] == 1.0
        return f"{start} {'stays silent' if stays else '**not silent**'} | | |"
    alike = f"{found['voice_cosine']:.2f}" if "voice_cosine" in found else ""
    quality = f"{found['quality_before']:.1f}, {found['quality_after']:.1f}"
    return f"{start} {alike} | {quality} | {found['level_change_db']:+.1f} dB |"


def bystanders_table() -> str:
    """One row a kind of conversation."""
    path = ROOT / "eval" / "results" / "bystanders" / "libri-mini.json"
    document = ProbeDocument.read(path)
    measures = tuple(dict.fromkeys(figure.name for figure in document.figures))
    lines = [
        "| overlap, user over bystander | "
        + " | ".join(m.replace("_", " ") for m in measures)
        + " |",
        "|---|" + "---|" * len(measures),
    ]
    for where in dict.fromkeys(tuple(figure.where.items()) for figure in document.figures):
        found = [document.find(name, **dict(where))[0] for name in measures]
        at = dict(where)
        about = f"{at['overlap']} of the shorter turn, {at['snr_db']} dB"
        lines.append(f"| {about} | " + " | ".join(map(_probed, found)) + " |")
    return "\n".join(lines)


HEARD = {
    "raw": "raw",
    "mcadams": "McAdams",
    "world": "WORLD",
    "voice_conversion": "voice conversion (default)",
}
STATES = {"probe": "states"}


def audio_llm_table() -> str:
    """One row a system: what the small audio LLM tells of a speaker behind it."""
    sex, who = _document("attributes"), _document("speakers")
    lines = [
        "| the model hears | sex, asked openly | sex, from the encoder | speaker's name |",
        "|---|---|---|---|",
    ]
    for system, shown in HEARD.items():
        cells = [
            _found(sex, "balanced_advantage", system, form="open"),
            _advantage(sex, system, **STATES),
            _found(who, "advantage", system, form="open"),
        ]
        lines.append(f"| {shown} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def adversarial_table() -> str:
    """One row a system: how often the model gives the attacker's answer."""
    document = _document("adversarial")
    attacks = {"none": "nothing added", "noise": "noise", "pgd": "PGD", "adaptive": "PGD, adaptive"}
    lines = [
        "| in front of the model | "
        + " | ".join(attacks.values())
        + " | answer kept on clean clips |",
        "|---|---|---|---|---|---|",
    ]
    for system, shown in HEARD.items():
        cells = [_found(document, "attack_success", system, attack=attack) for attack in attacks]
        kept = _found(document, "answer_kept", system, attack="none")
        lines.append(f"| {shown} | " + " | ".join([*cells, kept]) + " |")
    return "\n".join(lines)


def membership_table() -> str:
    """One row a model and what is heard instead of the clip: do members stand out?"""
    lines = [
        "| trained on | asked with | AUC, what it writes down | AUC, the true words "
        "| AUC without the model |",
        "|---|---|---|---|---|",
    ]
    for trained_on, shown in (("raw", "raw members"), ("mcadams", "McAdams' renderings of them")):
        document = _document(f"membership-{trained_on}")
        blind = _probed(document.figure("blind_auc", features="all"))
        for system in dict.fromkeys(figure.system for figure in document.find("auc")):
            texts = ("self-transcription", "transcript")
            cells = [_found(document, "auc", system, text=t, score="combined") for t in texts]
            lines.append(f"| {shown} | {system} | " + " | ".join([*cells, blind]) + " |")
    return "\n".join(lines)


def _document(name: str) -> ProbeDocument:
    return ProbeDocument.read(ROOT / "eval" / "results" / "audio-llm" / f"{name}.json")


def _advantage(document: ProbeDocument, system: str, **where: str) -> str:
    """Of several attackers the strongest."""
    found = [f for f in document.find("advantage", system, **where) if f.value is not None]
    return _probed(max(found, key=lambda figure: figure.value or 0.0)) if found else "none"


def _found(document: ProbeDocument, name: str, system: str, **where: str) -> str:
    found = document.find(name, system, **where)
    return _probed(found[0]) if found else ""


def _probed(figure: ProbeFigure) -> str:
    return _percent(Figure(figure.value, figure.low, figure.high, figure.n, figure.why))


if __name__ == "__main__":
    publish(ROOT / "README.md", {"evaluation": table(), "audio-llm": audio_llm_table()})
    keep(trade_off(), DRAWING)
    publish(ROOT / "eval" / "README.md", {"robust": robust_table()})
    publish(
        ROOT / "docs" / "leak-probes.md",
        {
            "bystanders": bystanders_table(),
            "audio-llm": audio_llm_table(),
            "adversarial": adversarial_table(),
            "membership": membership_table(),
        },
    )
