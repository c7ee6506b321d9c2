"""What several sections need: who stands for what, and in which colour."""

from __future__ import annotations

from voxguard.evaluation.protocol import KNOWLEDGE
from voxguard.evaluation.report.terms import Terms
from voxguard.evaluation.results import Attacker, Figure, Results

SERIES = {"unprotected": 0, "ignorant": 1, "lazy-informed": 3, "semi-informed": 2, "retrained": 2}


def terms(results: Results) -> Terms:
    """The metrics of these results."""
    return Terms(results.section("metrics"))


def champions(results: Results) -> list[Attacker]:
    """The strongest attacker of each knowledge, original speech first."""
    found = [results.strongest(knowledge) for knowledge in KNOWLEDGE]
    return [one for one in found if one is not None]


def reference_of(results: Results, attacker: Attacker | None) -> Attacker | None:
    """The reference for an attacker: the same models on original speech, else the strongest."""
    if attacker is not None:
        for keys in (("encoder", "backend"), ("encoder",)):
            for one in results.references:
                if all(one.content[key] == attacker.content[key] for key in keys):
                    return one
    return results.references[0] if results.references else None


def leader(results: Results) -> Attacker | None:
    """The attacker that the headline is from."""
    return next((one for one in results.attackers if one.name == results.headline.attacker), None)


def models(attacker: Attacker) -> str:
    """Encoder and back-end, with the seed where that alone tells two attackers apart."""
    content = attacker.content
    return f"{content['encoder']} / {content['backend']}"


def original(results: Results) -> Figure:
    """The EER of the strongest attacker on original speech."""
    found = results.strongest("unprotected")
    return found.metric("eer") if found else Figure.of(None)


def is_original(results: Results) -> bool:
    """Whether there is no anonymized speech: the headline is that of original speech itself."""
    best = leader(results)
    unprotected = best is not None and best.knowledge == "unprotected"
    return unprotected or results.document["system"].get("kind") == "none"
