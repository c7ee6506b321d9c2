"""How much each system leaks on libri-mini, and what it costs."""

from __future__ import annotations

from typing import Any

import numpy as np

from eval.tables.cells import NOT_RUN, RESULTS, percent
from voxguard.evaluation.report.comparison import compare
from voxguard.evaluation.report.standalone import render_trade_off
from voxguard.evaluation.results import Figure, Results

SHOWN = {
    "none": "no anonymization",
    "mcadams": "McAdams",
    "mcadams-5ms": "McAdams, live at 5 ms",
    "world": "WORLD",
    "world-differential": "WORLD, differential",
    "xvector-swap": "x-vector swap",
    "voice-conversion": "voice conversion (default)",
    "voice-conversion-3": "voice conversion, 3 levels, no segments",
    "voice-conversion-prosody": "voice conversion, prosody and loudness kept",
    "voice-conversion-level": "voice conversion, loudness kept",
    "voice-conversion-live": "voice conversion, live at 51 ms",
}
DEFAULT = SHOWN["voice-conversion"]
KNOWLEDGE = ("ignorant", "lazy-informed", "semi-informed")


def committed(protocol: str = "libri-mini") -> dict[str, Results]:
    """The results of the systems, by the names that are shown."""
    paths = {shown: RESULTS / protocol / f"{name}.json" for name, shown in SHOWN.items()}
    return {shown: Results.read(path) for shown, path in paths.items() if path.exists()}


def trade_off() -> str:
    """Privacy against words, one point a method."""
    methods = {shown: results for shown, results in committed().items() if shown != SHOWN["none"]}
    return render_trade_off(compare(list(methods.values()), list(methods)))


def leakage() -> str:
    """One row a system: the lowest EER of each knowledge, sex, words, verdict."""
    lines = [
        "| | EER ignorant | EER lazy-informed | EER semi-informed | sex inferred | WER | verdict |",
        "|---|---|---|---|---|---|---|",
    ]
    for shown, results in committed().items():
        cells = [_eer(results, knowledge) for knowledge in KNOWLEDGE]
        cells += [_sex(results), percent(_utility(results, "wer"))]
        cells.append("trusted" if results.headline.trusted else "**untrusted**")
        lines.append(_row(shown, *cells))
    return "\n".join(lines)


def level() -> str:
    """One row a system: what the level of recordings alone tells."""
    lines = ["| | EER ignorant | EER lazy-informed |", "|---|---|---|"]
    for shown, results in committed("level").items():
        lines.append(_row(shown, *(_eer(results, knowledge) for knowledge in KNOWLEDGE[:2])))
    return "\n".join(lines)


def joined() -> str:
    """One row a system: what one attacker finds who joins voice, melody and level."""
    encoders = ("joined", "joined-no-level", "ecapa", "dvector")
    lines = ["| | all joined | without the level | ECAPA | d-vector |", "|---|---|---|---|---|"]
    for shown, results in committed("joined").items():
        cells = []
        for encoder in encoders:
            found = [a for a in results.section("attackers") if a["encoder"] == encoder]
            cells.append(percent(min((Figure.of(a["metrics"]["eer"]) for a in found), key=_value)))
        lines.append(_row(shown, *cells))
    return "\n".join(lines)


def costs() -> str:
    """One row a system: the strongest attacker, and what is lost of words, melody and quality."""
    lines = [
        "| | EER, strongest attacker | verdict | WER | pitch correlation | DNSMOS | RTF |",
        "|---|---|---|---|---|---|---|",
    ]
    for shown, results in committed().items():
        rtf = results.document["cost"].get("rtf")
        cells = [
            percent(Figure.of(_strongest(results)["metrics"]["eer"])),
            "trusted" if results.headline.trusted else "untrusted",
            _number(_utility(results, "wer"), 100, ".1f", " %"),
            _number(_utility(results, "pitch_correlation"), 1, ".2f"),
            _number(_utility(results, "dnsmos"), 1, ".1f"),
            _number(Figure.of(rtf), 1, ".3f") if rtf else "",
        ]
        lines.append(_row(shown, *cells))
    return "\n".join(lines)


def vocabulary() -> str:
    """One row a system: the figures for what data protection calls by other names."""
    alone = 0.9**9  # that a guess which fits every tenth person fits exactly one of ten
    lines = [
        f"| | singling out, chance {100 * alone:.1f} % | linking, chance 10 % | d_sys "
        "| inference of sex |",
        "|---|---|---|---|---|",
    ]
    for shown, results in committed().items():
        attacker = _strongest(results)
        ten = _among_ten(attacker)
        found = results.section("attributes")
        trained = [entry for entry in found if entry["knowledge"] == "retrained"] or found
        cells = [
            percent(Figure.of(ten["singling_out_rate"])),
            percent(Figure.of(ten["link_rate"])),
            _number(Figure.of(attacker["metrics"]["d_sys"]), 1, ".2f"),
            f"{100 * max(entry['advantage']['value'] for entry in trained):.1f} %",
        ]
        lines.append(_row(shown, *cells))
    return "\n".join(lines)


def more_speech() -> str:
    """One row a number of utterances, after the default method."""
    lines = ["| utterances | EER | right speaker of 13 |", "|---|---|---|"]
    for heard in _strongest(committed()[DEFAULT])["lengths"]:
        found = (heard["eer"], heard["identification_rate"])
        lines.append(_row(heard["utterances"], *(percent(Figure.of(figure)) for figure in found)))
    return "\n".join(lines)


def _strongest(results: Results) -> dict[str, Any]:
    """The attacker of the headline."""
    name = results.document["headline"]["attacker"]
    return next(one for one in results.section("attackers") if one["name"] == name)


def _value(figure: Figure) -> float:
    return np.inf if figure.value is None else figure.value


def _among_ten(attacker: dict[str, Any]) -> dict[str, Any]:
    return next(one for one in attacker["populations"] if one["population"] == 10)


def _row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |".replace("|  |", "| |")


def _eer(results: Results, knowledge: str) -> str:
    strongest = results.strongest(knowledge)
    return percent(strongest.metric("eer")) if strongest else NOT_RUN


def _sex(results: Results) -> str:
    kind = "unprotected" if results.document["system"]["kind"] == "none" else "retrained"
    found = [
        Figure.of(entry["balanced_accuracy"])
        for entry in results.section("attributes")
        if entry["attribute"] == "sex" and entry["knowledge"] == kind
    ]
    return percent(max(found, key=lambda figure: figure.value or 0.0)) if found else NOT_RUN


def _utility(results: Results, measure: str) -> Figure:
    found = (u["anonymized"] for u in results.section("utility") if u["measure"] == measure)
    return Figure.of(next(found, None))


def _number(figure: Figure, times: float, form: str, unit: str = "") -> str:
    return NOT_RUN if figure.value is None else f"{times * figure.value:{form}}{unit}"
