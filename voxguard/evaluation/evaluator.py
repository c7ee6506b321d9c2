"""One call: who is still recognised, what is still told, what was lost, and can it be believed."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import voxguard
from voxguard.anonymizers.base import Anonymizer
from voxguard.audio.publish import output_error
from voxguard.errors import ConfigurationError
from voxguard.evaluation import sections
from voxguard.evaluation.context import Context
from voxguard.evaluation.manifest import Manifest
from voxguard.evaluation.panel import Attack, Panel
from voxguard.evaluation.prepare import Progress, prepare
from voxguard.evaluation.protocol import Protocol
from voxguard.evaluation.results import SCHEMA, Results
from voxguard.evaluation.system import Plain
from voxguard.metrics import describe_metrics

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
        context = prepare(plan, anonymizer, data, anonymized, attacker_data, name, folder, told)
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
