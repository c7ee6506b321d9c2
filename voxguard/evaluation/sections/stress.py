"""The strongest attacker again, on speech as microphones, rooms and lines make it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from voxguard.errors import ConfigurationError
from voxguard.evaluation.context import Context, Tell
from voxguard.evaluation.panel import Attack, score
from voxguard.evaluation.sections.attackers import Figures
from voxguard.evaluation.sections.utility import word_errors
from voxguard.evaluation.speech import Speech
from voxguard.metrics import eer

Json = dict[str, Any]


def stress(context: Context, attacks: Sequence[Attack], entries: Sequence[Json]) -> list[Json]:
    """EER and word error rate when all speech was disturbed before it was anonymized.

    The attacker is the one with the lowest EER on anonymized speech, as it was trained on clean
    speech. Its enrolment is disturbed like the trials.
    """
    from voxguard.utility.stress import stress_axis

    if not context.protocol.stress:
        return []
    if context.system.kind == "folder":
        context.notes.append("no stress axes: what another tool made cannot be made again")
        return []
    attack = _strongest(attacks, entries)
    results = []
    for spec in context.protocol.stress:
        axis = stress_axis(spec)
        tell = context.stage(f"stress {axis.axis} {axis.level}")
        speech = Speech(
            context.system,
            context.work,
            speaker_level=context.protocol.level == "speaker",
            perturb=axis,
            label=spec,
        )
        try:
            results.append(
                {"axis": axis.axis, "level": axis.level, "attacker": attack.name}
                | _under(context, speech, attack, tell)
            )
        except ConfigurationError as error:
            context.notes.append(f"stress {axis.axis} {axis.level} was not measured: {error}")
        finally:
            speech.close()
            context.speech.excluded += [
                replace(exclusion, reason=f"under {axis.axis} {axis.level}: {exclusion.reason}")
                for exclusion in speech.excluded
            ]
    return results


def _under(context: Context, speech: Speech, attack: Attack, tell: Tell) -> Json:
    enrolment = speech.render(context.sets.enrolment, 1, tell)
    trial = speech.render(context.sets.trial, 1, tell)
    original = attack.knowledge in ("unprotected", "ignorant")
    first = speech.original if original else speech.anonymized
    scores = score(
        attack.backend,
        context.store.embed(attack.encoder, first(enrolment), tell),
        context.store.embed(attack.encoder, speech.anonymized(trial), tell),
        context.sets,
    )
    figures = Figures(scores, context.protocol.resamples, context.protocol.seed)
    words = word_errors(context, speech, trial)
    return {"eer": figures.of(eer)} | ({"wer": words} if words else {})


def _strongest(attacks: Sequence[Attack], entries: Sequence[Json]) -> Attack:
    values = {entry["name"]: entry["metrics"]["eer"]["value"] for entry in entries}
    anonymized = [one for one in attacks if one.knowledge != "unprotected"] or attacks
    heard = [one for one in anonymized if not one.encoder.reads_transcript] or anonymized
    return min(heard, key=lambda one: values[one.name])
