"""The lowest EER over the panel, and whether it can be believed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from voxguard.errors import VoxguardError
from voxguard.evaluation import trust
from voxguard.evaluation.context import Context
from voxguard.evaluation.copies import count_copies
from voxguard.evaluation.panel import Attack
from voxguard.evaluation.probe import probe_attack

Json = dict[str, Any]


def headline(
    context: Context, attacks: Sequence[Attack], entries: Sequence[Json], attributes: Json
) -> Json:
    """Lowest EER of an attacker on anonymized speech, with the checks of the verdict.

    Where the original speech is what is evaluated, all its attackers count.
    """
    scored = [
        trust.Scored(entry["name"], entry["knowledge"], **_ends(entry["metrics"]["eer"]))
        for entry in entries
        if entry["metrics"]["eer"]["value"] is not None
    ]
    anonymized = [one for one in scored if one.knowledge != "unprotected"]
    counted = anonymized or scored
    lowest = min(counted, key=lambda one: one.eer)
    entry = next(entry for entry in entries if entry["name"] == lowest.name)
    attack = next(attack for attack in attacks if attack.name == lowest.name)
    checks = _checks(context, attacks, scored, lowest, attack, attributes)
    trusted, reasons = trust.verdict(checks)
    return {
        "eer": entry["metrics"]["eer"],
        "attacker": lowest.name,
        "trusted": trusted,
        "reasons": reasons,
        "checks": [check.as_dict() for check in checks],
    }


def _checks(
    context: Context,
    attacks: Sequence[Attack],
    scored: Sequence[trust.Scored],
    lowest: trust.Scored,
    attack: Attack,
    attributes: Json,
) -> list[trust.Check]:
    tried = set(attack.scores.enrolled) & set(attack.scores.trial_speakers)
    size = (len(tried), attack.scores.mated.size, attack.scores.non_mated.size)
    checks = [trust.enough(*size, lowest), trust.able(scored)]
    if context.system.kind == "none":
        return checks  # what follows is about anonymized speech
    return [
        *checks,
        trust.no_copies(*count_copies(context)),
        trust.retraining_helped(scored, len({u.speaker for u in context.sets.train})),
        _hearing(context, attacks, scored),
        _same_sex(attributes, scored),
    ]


def _hearing(
    context: Context, attacks: Sequence[Attack], scored: Sequence[trust.Scored]
) -> trust.Check:
    anonymizer = context.anonymizer
    if anonymizer is None:
        why = f"{context.system.name} does not say which pseudo-voice it gave"
        return trust.hears_the_source(None, why, "")
    by_name = {attack.name: attack for attack in attacks}
    retrained = [one for one in scored if one.knowledge == "semi-informed"]
    why = "no attacker on the voice was retrained"
    for one in sorted(retrained, key=lambda one: one.eer):
        try:
            probe = probe_attack(
                by_name[one.name],
                anonymizer,
                context.sets.evaluated,
                context.protocol.probe_voices,
                context.protocol.seed,
                context.stage("probe for the target voice"),
            )
        except VoxguardError as error:  # such as an attacker on transcripts, which hears nothing
            why = f"the probe could not be made: {error}"
        else:
            return trust.hears_the_source(probe, "", one.name)
    return trust.hears_the_source(None, why, "")


def _same_sex(attributes: Json, scored: Sequence[trust.Scored]) -> trust.Check:
    agreement = [
        entry["balanced_accuracy"]["value"]
        for entry in attributes["attributes"]
        if entry["attribute"] == "sex" and entry["knowledge"] == "ignorant"
    ]
    why = "the data have no column sex, or the protocol does not infer it"
    return trust.sex_is_not_the_target(max(agreement) if agreement else None, scored, why)


def _ends(figure: Json) -> Json:
    return {"eer": figure["value"], "low": figure["low"], "high": figure["high"]}
