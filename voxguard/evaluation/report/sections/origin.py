"""Where the figures come from: the data, what was left out, and everything to repeat them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from voxguard.evaluation.report.content import (
    Block,
    Cell,
    Column,
    Row,
    Section,
    Table,
    Text,
    pairs,
    table,
)
from voxguard.evaluation.report.figures import ABSENT
from voxguard.evaluation.results import Results

MOST_LISTED = 300

_COUNTS = (
    ("name", "Data"),
    ("speakers", "Speakers attacked"),
    ("enrolment", "Enrolment utterances"),
    ("trials", "Trial utterances"),
    ("seconds", "Seconds of speech"),
    ("train_speakers", "Speakers that the attacker trains on"),
    ("train_utterances", "Utterances that it trains on"),
    ("train_draws", "Renderings of each of them"),
)


def data(results: Results) -> Section:
    """What was evaluated on, and what was left out."""
    about = results.document["data"]
    facts = [(title, _plain(about[key])) for key, title in _COUNTS if about.get(key) is not None]
    for axis, groups in (about.get("subgroups") or {}).items():
        facts.append((f"Speakers by {axis}", ", ".join(f"{g}: {n}" for g, n in groups.items())))
    blocks: list[Block] = [*pairs("Data", facts), *excluded_counts(results)]
    found = about.get("excluded") or []
    if found:
        blocks += _excluded(found)
    else:
        blocks.append(Text("Nothing was left out."))
    return Section(
        "data", "Data and what was left out", "Nothing is dropped silently.", tuple(blocks)
    )


def excluded_counts(results: Results) -> tuple[Table, ...]:
    """How much was left out for which reason."""
    found = results.document["data"].get("excluded") or []
    reasons = Counter(one["reason"] for one in found).most_common()
    return table(
        "Left out, by reason",
        (Column("Reason"), Column("Utterances")),
        [Row((Cell(reason), Cell(str(count)))) for reason, count in reasons],
    )


def _excluded(found: list[dict[str, Any]]) -> list[Block]:
    lines = [
        Row((Cell(one["utterance"]), Cell(one["speaker"]), Cell(one["reason"])))
        for one in found[:MOST_LISTED]
    ]
    columns = Column("Utterance"), Column("Speaker"), Column("Reason")
    blocks: list[Block] = [*table("Left out, one by one", columns, lines)]
    if len(found) > MOST_LISTED:
        rest = len(found) - MOST_LISTED
        blocks.append(Text(f"{rest} more are listed in the JSON and the CSV."))
    return blocks


def origin(results: Results) -> Section:
    """Everything that it takes to get the same figures again."""
    document = results.document
    protocol, system = document["protocol"], document["system"]
    blocks: list[Block] = []
    if document.get("command"):
        blocks.append(Text(document["command"], code=True))
    facts = [
        ("System", system["name"]),
        ("Kind", system.get("kind")),
        ("Its options", _plain(system["options"]) if system.get("options") else None),
        ("Its randomness", system.get("randomness")),
        ("Protocol", f"{protocol['name']}, version {protocol['version']}"),
        ("What it is", protocol.get("description")),
        ("Seed of the evaluator", _plain(document["seed"])),
        ("voxguard", document["voxguard"]),
        *((str(name), version) for name, version in results.section("versions").items()),
        *((f"Machine: {k}", _plain(v)) for k, v in results.section("machine").items()),
    ]
    blocks += pairs("The run", [(k, str(v)) for k, v in facts if v not in (None, "")])
    told = ("name", "version", "description", "seed")
    settings = _flat({k: v for k, v in (protocol.get("settings") or {}).items() if k not in told})
    blocks += pairs("Settings of the protocol", settings)
    blocks += _attackers(results)
    blocks += [Text(f"Note: {note}") for note in results.section("notes")]
    return Section(
        "origin",
        "How each number was made",
        "The same command with the same versions, seed and weights gives the same figures, as "
        "far as the method's own randomness allows.",
        tuple(blocks),
    )


def _attackers(results: Results) -> tuple[Table, ...]:
    lines = [
        Row(
            (
                Cell(one.name),
                Cell(str(one.content["encoder"])),
                Cell(str(one.content["backend"])),
                Cell(_plain(one.content.get("seed"))),
                Cell(one.content.get("fingerprint") or ABSENT, kind="code"),
            )
        )
        for one in results.attackers
    ]
    titles = ("Attacker", "Encoder", "Back-end", "Seed", "Fingerprint of weights and settings")
    return table("The attackers' models", [Column(title) for title in titles], lines)


def _flat(settings: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as one list of dotted names."""
    found: list[tuple[str, str]] = []
    for name, value in settings.items():
        if isinstance(value, dict) and value:
            found += _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list) and any(isinstance(one, dict) for one in value):
            found += [(f"{prefix}{name} {i}", _plain(one)) for i, one in enumerate(value, 1)]
        else:
            found.append((prefix + name, _plain(value)))
    return found


def _plain(value: Any) -> str:
    """JSON as one would write it by hand."""
    if isinstance(value, dict):
        return (
            "; ".join(f"{k}: {_plain(v)}" for k, v in value.items() if v not in ({}, [])) or ABSENT
        )
    if isinstance(value, list):
        return ", ".join(map(_plain, value)) or ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return ABSENT if value in (None, "") else str(value)
