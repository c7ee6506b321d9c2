"""From what the caller gave to what the attackers need, refused early where it cannot work."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from voxguard.anonymizers.base import Anonymizer
from voxguard.attacks.backends import create_backend
from voxguard.attacks.encoders import create_encoder
from voxguard.errors import ConfigurationError
from voxguard.evaluation.context import Context
from voxguard.evaluation.manifest import Exclusion, Manifest, Utterance, read_manifest
from voxguard.evaluation.protocol import Protocol
from voxguard.evaluation.speech import Speech
from voxguard.evaluation.store import Store
from voxguard.evaluation.synthetic import make_data
from voxguard.evaluation.system import Folder, Plain, System, system_of
from voxguard.evaluation.trials import Sets, assign, divide
from voxguard.utility.recognisers import create_recogniser
from voxguard.utility.stress import stress_axis

Progress = Callable[[str, float, float | None], None]


def prepare(
    plan: Protocol,
    anonymizer: Anonymizer | Plain | None,
    data: str | Path | Manifest | None,
    anonymized: str | Path | None,
    attacker_data: str | Path | None,
    name: str,
    folder: Path,
    told: Progress,
) -> Context:
    """Read the data, give every utterance its part, and render what is to be rendered.

    Args:
        plan: The protocol.
        anonymizer: As in :func:`voxguard.evaluate`, like all that follow.
        data: Folder, manifest or Kaldi data.
        anonymized: Folder of another tool.
        attacker_data: Further training speech.
        name: Of the system.
        folder: For renderings and vectors; exists.
        told: Progress.

    Raises:
        ConfigurationError: Protocol, data and system do not go together, or nobody is left.
    """
    manifest = _manifest(plan, data, folder)
    system = system_of(
        anonymizer, Path(anonymized) if anonymized is not None else None, manifest.root, name
    )
    _check_plan(plan, system)

    def stage(title: str) -> Callable[[float, float | None], None]:
        return lambda done, total: told(title, done, total)

    notes: list[str] = []
    speech = Speech(system, folder, speaker_level=plan.level == "speaker")
    evaluated, training = divide(manifest, plan.data, plan.seed)
    known = list(training.utterances) if training else []
    if attacker_data is not None:
        known += _further(read_manifest(attacker_data))
    if isinstance(system, Folder):
        known = _with_counterpart(system, known, notes)
    usable = speech.check(evaluated.utterances, plan.data.minimum_s, stage("read the recordings"))
    train = speech.check(known, plan.data.minimum_s, stage("read the training recordings"))
    train = _strangers(speech, train, usable)
    roles_given = any(u.role for u in evaluated.utterances)
    sets = assign(usable, train, plan.data, manifest.trials, roles_given=roles_given)
    draws = plan.train_draws if system.draws is None else min(plan.train_draws, system.draws)
    sets = replace(
        sets,
        enrolment=tuple(speech.render(sets.enrolment, 1, stage("anonymize the enrolment"))),
        trial=tuple(speech.render(sets.trial, 1, stage("anonymize the trials"))),
        train=tuple(speech.render(sets.train, draws, stage("anonymize the training speech"))),
        excluded=(
            *manifest.excluded,
            *evaluated.excluded,
            *(training.excluded if training else ()),
            *sets.excluded,
        ),
    )
    _check_left(sets, speech.excluded)
    return Context(
        plan, manifest.name, system, sets, speech, Store(folder), folder, draws, stage, notes
    )


def _manifest(plan: Protocol, data: str | Path | Manifest | None, folder: Path) -> Manifest:
    if plan.data.synthetic:
        if data is not None:
            raise ConfigurationError(f"protocol {plan.name!r} makes its own voices; give no data")
        return make_data(plan.data.synthetic, folder / "synthetic")
    if isinstance(data, Manifest):
        return data
    if data is None:
        data = os.environ.get("VOXGUARD_DATA") if plan.data.manifest else None
    if data is None:
        raise ConfigurationError(
            f"protocol {plan.name!r} needs data: a folder speaker/utterance.wav or a manifest CSV "
            "(the protocol 'smoke' makes its own)"
        )
    inside = Path(data) / plan.data.manifest
    return read_manifest(inside if plan.data.manifest and inside.exists() else data)


def _further(manifest: Manifest) -> list[Utterance]:
    """Training speech from elsewhere, under names that cannot meet those of the data."""
    return [
        replace(u, id=f"attacker/{u.id}", speaker=f"attacker/{u.speaker}", role="")
        for u in manifest.utterances
    ]


def _strangers(
    speech: Speech, train: list[Utterance], evaluated: list[Utterance]
) -> list[Utterance]:
    """Training utterances without those of a speaker who is evaluated, and without doubles."""
    victims = {speech.digest(u.path) for u in evaluated}
    met = {u.speaker for u in train if speech.digest(u.path) in victims}
    kept, seen = [], set()
    for utterance in train:
        digest = speech.digest(utterance.path)
        reason = ""
        if utterance.speaker in met:
            reason = "its speaker is evaluated under another name: a recording is in both"
        elif digest in seen:
            reason = "the recording is in the training speech already"
        if reason:
            speech.excluded.append(Exclusion(utterance.id, utterance.speaker, reason))
        else:
            seen.add(digest)
            kept.append(utterance)
    return kept


def _check_plan(plan: Protocol, system: System) -> None:
    """Refuse before hours of work what would only be found out after them."""
    anonymizer = getattr(system, "anonymizer", None)
    scope = anonymizer.pseudonyms.scope if isinstance(anonymizer, Anonymizer) else None
    if plan.level == "speaker" and anonymizer is None:
        raise ConfigurationError(
            f"protocol {plan.name!r} gives each speaker one pseudo-voice, which only an anonymizer "
            "of voxguard's kind can be told; use level: utterance"
        )
    accepted = (None, "utterance") if plan.level == "utterance" else (None, "corpus")
    if scope not in accepted:
        raise ConfigurationError(
            f"protocol {plan.name!r} has level: {plan.level}, and the anonymizer has scope "
            f"{scope!r}; leave the scope out, or choose the other level"
        )
    if system.kind != "none" and all(set(p.knowledge) <= {"unprotected"} for p in plan.attackers):
        raise ConfigurationError(
            f"protocol {plan.name!r} attacks original speech only, which says nothing about "
            f"{system.name}"
        )
    for attacker in plan.attackers:
        create_encoder(attacker.encoder, **attacker.options)
        for backend in attacker.backends:
            create_backend(backend)
    for features in plan.attributes.features:
        create_encoder(features)
    for spec in plan.stress:
        stress_axis(spec)
    if plan.utility.recogniser:
        create_recogniser(plan.utility.recogniser)


def _with_counterpart(
    system: Folder, utterances: list[Utterance], notes: list[str]
) -> list[Utterance]:
    there = [u for u in utterances if system.has(u)]
    if missing := len(utterances) - len(there):
        notes.append(
            f"{missing} of {len(utterances)} training utterances have no anonymized counterpart in "
            f"{system.name}; a semi-informed attacker cannot train on them: anonymize the training "
            "speakers as well"
        )
    return there


def _check_left(sets: Sets, excluded: list[Exclusion]) -> None:
    enrolled = {u.speaker for u in sets.enrolment}
    if len(enrolled) < 2 or not enrolled & {u.speaker for u in sets.trial}:
        reasons = sorted({exclusion.reason for exclusion in excluded})
        raise ConfigurationError(
            f"after {len(excluded)} exclusions fewer than two speakers are left to attack: "
            + "; ".join(reasons[:3])
        )
