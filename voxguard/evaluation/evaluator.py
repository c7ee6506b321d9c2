"""One call: who is still recognised, what is still told, what was lost, and can it be believed."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import voxguard
from voxguard.anonymizers.base import Anonymizer
from voxguard.attacks.backends import create_backend
from voxguard.attacks.encoders import create_encoder
from voxguard.audio.publish import output_error
from voxguard.errors import ConfigurationError
from voxguard.evaluation import sections
from voxguard.evaluation.context import Context
from voxguard.evaluation.manifest import Exclusion, Manifest, Utterance, read_manifest
from voxguard.evaluation.panel import Attack, Panel
from voxguard.evaluation.protocol import Protocol
from voxguard.evaluation.results import SCHEMA, Results
from voxguard.evaluation.speech import Speech
from voxguard.evaluation.store import Store
from voxguard.evaluation.synthetic import make_data
from voxguard.evaluation.system import Folder, Plain, System, system_of
from voxguard.evaluation.trials import Sets, assign, divide
from voxguard.metrics import describe_metrics
from voxguard.utility.recognisers import create_recogniser
from voxguard.utility.stress import stress_axis

Progress = Callable[[str, float, float | None], None]
_KEPT = ("anonymized", "vectors", "encoders", "texts")
_PACKAGES = ("numpy", "scipy", "torch", "scikit-learn", "librosa", "resemblyzer", "speechbrain",
             "transformers", "pocketsphinx", "jiwer", "pyworld-prebuilt", "speechmos")  # fmt: skip


def evaluate(
    anonymizer: Anonymizer | Plain | None = None,
    protocol: Protocol | str | Path = "standard",
    *,
    data: str | Path | Manifest | None = None,
    anonymized: str | Path | None = None,
    attacker_data: str | Path | None = None,
    name: str = "",
    work: str | Path | None = None,
    progress: Progress | None = None,
    command: str = "",
) -> Results:
    """Attack anonymized speech, and say how far the outcome can be trusted.

    Args:
        anonymizer: A :class:`voxguard.Anonymizer`, any callable ``(samples, sample_rate) ->
            samples`` on ``(n,)`` float32 samples, or None: the original speech, as a reference.
        protocol: A :class:`~voxguard.evaluation.Protocol`, the name of one that is shipped
            (``"smoke"``, ``"standard"``), or a YAML file.
        data: Folder ``speaker/utterance.wav``, manifest CSV or Kaldi data; not needed where the
            protocol makes its own voices.
        anonymized: Instead of an anonymizer, a folder of what any tool made of the data.
        attacker_data: Further speech for the attacker to train on.
        name: What the report calls the system.
        work: Folder for renderings, vectors and trained attackers, so that a run that was killed
            goes on and the next method is cheaper. It holds voiceprints of the original speakers.
            By default a temporary one, removed at the end.
        progress: Told the stage, how much is done, and how much there is.
        command: How it was called, for the report.

    Returns:
        The results; ``.headline`` is the lowest EER over the panel, with the verdict.

    Raises:
        ConfigurationError: Protocol or data cannot be used; among others fewer than two speakers,
            or an utterance id that comes twice.
        MissingExtraError: An attacker's package is not installed.
        VoxguardError: Something broke. Single recordings that cannot be used do not raise: they
            are excluded, and stand in the results with the reason.

    Example:
        >>> import voxguard
        >>> results = voxguard.evaluate(voxguard.McAdams(), "smoke")  # doctest: +SKIP
        >>> results.headline.trusted  # doctest: +SKIP
        True
    """
    plan = protocol if isinstance(protocol, Protocol) else Protocol.read(protocol)
    told = progress or (lambda stage, done, total: None)
    with _folder(work) as folder:
        context = _prepare(plan, anonymizer, data, anonymized, attacker_data, name, folder, told)
        try:
            attacks = Panel(context).run()
            if not attacks:
                raise ConfigurationError(
                    "no attacker of the protocol could be run: " + "; ".join(context.notes)
                )
            document = _document(context, attacks)
        finally:
            context.speech.close()
    return Results(document | {"command": command, "seed": plan.seed})


def _prepare(
    plan: Protocol,
    anonymizer: Anonymizer | Plain | None,
    data: str | Path | Manifest | None,
    anonymized: str | Path | None,
    attacker_data: str | Path | None,
    name: str,
    folder: Path,
    told: Progress,
) -> Context:
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


def _document(context: Context, attacks: list[Attack]) -> dict[str, Any]:
    panel = sections.attackers(context, attacks)
    attributes = sections.attributes(context)
    document = {
        "schema": SCHEMA,
        "voxguard": voxguard.__version__,
        "versions": _versions(),
        "machine": {"cpu": _processor(), "cores": os.cpu_count()},
        "protocol": {
            "name": context.protocol.name,
            "version": context.protocol.version,
            "description": " ".join(context.protocol.description.split()),
            "settings": context.protocol.settings,
        },
        "system": context.system.about(),
        "metrics": describe_metrics(),
        "headline": sections.headline(context, attacks, panel, attributes),
        "attackers": panel,
        "disclosure": sections.disclosure(context, attacks),
        "attributes": attributes["attributes"],
        "profiles": attributes["profiles"],
        "utility": sections.utility(context),
        "stress": sections.stress(context, attacks, panel),
        "cost": sections.cost(context),
    }
    return document | {"data": _data(context), "notes": context.notes}


def _data(context: Context) -> dict[str, Any]:
    sets, speech = context.sets, context.speech
    excluded = {
        (e.utterance, e.speaker, e.reason): e.as_dict()
        for e in (*sets.excluded, *speech.excluded, *context.store.excluded)
    }
    groups: dict[str, dict[str, int]] = {}
    for column in context.protocol.subgroups:
        of = sections.label_by_speaker(sets.evaluated, column) or {}
        of = {speaker: value for speaker, value in of.items() if value}
        groups[column] = {value: list(of.values()).count(value) for value in sorted({*of.values()})}
    return {
        "name": context.data,
        "speakers": len({u.speaker for u in sets.evaluated}),
        "enrolment": len(sets.enrolment),
        "trials": len(sets.trial),
        "seconds": round(speech.seconds(sets.evaluated), 2),
        "train_speakers": len({u.speaker for u in sets.train}),
        "train_utterances": len(sets.train),
        "train_draws": context.draws,
        "subgroups": {column: counts for column, counts in groups.items() if counts},
        "excluded": list(excluded.values()),
    }


@contextlib.contextmanager
def _folder(work: str | Path | None) -> Iterator[Path]:
    """The work folder, for the owner's eyes only; a temporary one goes at the end."""
    if work is not None:
        folder = Path(work)
        with output_error(folder):
            for inner in _KEPT:
                (folder / inner).mkdir(parents=True, exist_ok=True)
                (folder / inner).chmod(0o700)  # voiceprints are nobody else's business
        yield folder
        return
    temporary = Path(tempfile.mkdtemp(prefix="voxguard-"))
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    return found


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
