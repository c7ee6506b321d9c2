"""What the leak probes found: bystanders, and the small audio LLM behind anonymizers."""

from __future__ import annotations

from itertools import product

from eval.tables.cells import RESULTS, percent
from voxguard.probes.attributes import PROMPTS
from voxguard.probes.document import ProbeDocument

HEARD = {
    "raw": "raw",
    "mcadams": "McAdams",
    "world": "WORLD",
    "voice_conversion": "voice conversion (default)",
}
_NEAR = {**HEARD, "enrolled-speaker": "the enrolled voice alone", "no-audio": "nothing"}
STATES = {"probe": "states"}


def bystanders() -> str:
    """One row a kind of conversation."""
    path = RESULTS / "bystanders" / "libri-mini.json"
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
        lines.append(f"| {about} | " + " | ".join(map(percent, found)) + " |")
    return "\n".join(lines)


def audio_llm() -> str:
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


def understood() -> str:
    """One row a system: what the model that was asked for first words makes of the same clips."""
    words, sex = _document("utility"), _document("beginnings")
    lines = [
        "| the model hears | first word right | of that lost | sex, asked openly |",
        "|---|---|---|---|",
    ]
    for system, shown in {**HEARD, "silence": "silence"}.items():
        cells = [
            _found(words, "accuracy", system),
            _found(words, "utility_loss", system),
            _found(sex, "balanced_advantage", system, form="open"),
        ]
        lines.append(f"| {shown} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def overheard() -> str:
    """One row a system: what the model that was asked about conversations tells of either."""
    document = _document("bystanders")
    lines = [
        "| the model hears | of the user: right | of the other: told | declined | known over a "
        "guess | told though asked not to | selective efficacy |",
        "|---|---|---|---|---|---|---|",
    ]
    for system in document.systems:
        cells = [
            _found(document, "accuracy", system, about="main", mode="general"),
            *(
                _found(document, name, system, about="bystander", mode="general")
                for name in ("leak", "declined", "advantage")
            ),
            _found(document, "leak", system, about="bystander", mode="selective"),
            _found(document, "selective_efficacy", system),
        ]
        shown = ", then ".join(_NEAR.get(part, part) for part in system.split(", then "))
        lines.append(f"| {shown} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def asked() -> str:
    """One row a system and form of question: does it matter how the model is asked?"""
    document = _document("prompts")
    lines = [
        "| the model hears | asked | " + " | ".join(PROMPTS) + " |",
        "|---|---|" + "---|" * len(PROMPTS),
    ]
    for (system, shown), (form, called) in product(
        HEARD.items(), {"open": "openly", "closed": "by letter"}.items()
    ):
        cells = [
            _found(document, "balanced_advantage", system, form=form, prompt=prompt)
            for prompt in PROMPTS
        ]
        lines.append(f"| {shown} | {called} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def shifted() -> str:
    """What a membership attack finds where nothing was trained on."""
    document = _document("membership-shifted")
    text = "self-transcription"
    [auc] = document.find("auc", "raw", text=text, score="combined")
    blind = document.figure("blind_auc", features="all")
    marked = "marked" if auc.where["data"] == "contaminated" else "not marked"
    return (
        f"By the scores of the model's answers the attack has an AUC of {percent(auc)}; without "
        f"the model it has {percent(blind)}, and the figures are {marked} contaminated."
    )


def served() -> str:
    """What it tells of a speaker's sex behind the gateway."""
    document = _document("served")
    found = document.figure("balanced_advantage", "raw", form="open")
    return (
        f"Sent through `voxguard serve` with McAdams instead ({found.n} clips, `served.json`), sex "
        f"asked openly has a balanced advantage of {percent(found)}."
    )


def adversarial() -> str:
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


def membership() -> str:
    """One row a model and what is heard instead of the clip: do members stand out?"""
    lines = [
        "| trained on | asked with | AUC, what it writes down | AUC, the true words "
        "| AUC without the model |",
        "|---|---|---|---|---|",
    ]
    for trained_on, shown in (("raw", "raw members"), ("mcadams", "McAdams' renderings of them")):
        document = _document(f"membership-{trained_on}")
        blind = percent(document.figure("blind_auc", features="all"))
        for system in dict.fromkeys(figure.system for figure in document.find("auc")):
            texts = ("self-transcription", "transcript")
            cells = [_found(document, "auc", system, text=t, score="combined") for t in texts]
            lines.append(f"| {shown} | {system} | " + " | ".join([*cells, blind]) + " |")
    return "\n".join(lines)


def _document(name: str) -> ProbeDocument:
    return ProbeDocument.read(RESULTS / "audio-llm" / f"{name}.json")


def _advantage(document: ProbeDocument, system: str, **where: str) -> str:
    """Of several attackers the strongest."""
    found = [f for f in document.find("advantage", system, **where) if f.value is not None]
    return percent(max(found, key=lambda figure: figure.value or 0.0)) if found else "none"


def _found(document: ProbeDocument, name: str, system: str, **where: str) -> str:
    found = document.find(name, system, **where)
    return percent(found[0]) if found else ""
