"""The folder that leaves: clips without names or metadata, and the questions about them."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from voxguard.audio import AudioWriter
from voxguard.audio.publish import PartFile, output_error
from voxguard.errors import AudioError, ConfigurationError, OutputError
from voxguard.evaluation.manifest import Manifest
from voxguard.probes.attributes.conditions import Asked, plan
from voxguard.probes.attributes.labels import labelled
from voxguard.probes.attributes.prompts import Form, Prompt, check_prompts
from voxguard.probes.attributes.taxonomy import Attribute
from voxguard.probes.data import Anonymize, Heard, choose, heard
from voxguard.probes.exports.lines import Line
from voxguard.probes.figures import NO_AUDIO, RAW, SILENCE, TRANSCRIPT

KEY_SCHEMA = "voxguard.export-key/1"
AUDIO = "audio"

_CONTROLS = (RAW, TRANSCRIPT, SILENCE, NO_AUDIO)


@dataclass(frozen=True)
class Export:
    """What was written.

    Attributes:
        folder: What leaves.
        key: Who is behind the clips; it stays.
        lines: The questions.
        failed: Clips that could not be read, with the reason; nothing of them was written.
        notes: Attributes that were skipped.
    """

    folder: Path
    key: Path
    lines: tuple[Line, ...]
    failed: Mapping[str, str]
    notes: tuple[str, ...]


class Selection(TypedDict, total=False):
    """What every export takes: which clips leave, how they are heard, and what is asked.

    Attributes:
        anonymizers: By the names that the report is to have; one alone is called ``"protected"``.
        systems: Which conditions leave, by name; None: the anonymizers alone. Raw voices leave only
            if ``"raw"`` is named.
        attributes: As for :func:`~voxguard.probes.attributes.probe_attributes`.
        prompts: Likewise.
        forms: Likewise; ``("closed",)`` if nothing is said.
        limit: Most clips, drawn evenly over the speakers; None: all.
        seed: Of that draw and of the shuffled options.
        key: Where the key (which clip is whose) is written; None: beside the folder,
            ``<folder>-key.json``.
    """

    anonymizers: Mapping[str, Anonymize] | Anonymize | None
    systems: Sequence[str] | None
    attributes: Sequence[str | Attribute] | None
    prompts: Sequence[Prompt]
    forms: Sequence[Form]
    limit: int | None
    seed: int
    key: str | Path | None


def write_clips(
    folder: str | Path,
    manifest: Manifest,
    *,
    anonymizers: Mapping[str, Anonymize] | Anonymize | None = None,
    systems: Sequence[str] | None = None,
    attributes: Sequence[str | Attribute] | None = None,
    prompts: Sequence[Prompt] = ("direct",),
    forms: Sequence[Form] = ("closed",),
    limit: int | None = None,
    seed: int = 0,
    key: str | Path | None = None,
) -> Export:
    """Write what every export has: the clips, as each system lets them be heard, and the key.

    Clips are 16-bit WAV without metadata, under names drawn at random. The key tells which clip is
    which recording and who speaks; it is written beside the folder, never into it.

    Args:
        folder: Empty, or not there yet.
        manifest: Labelled recordings.
        anonymizers: As of :class:`Selection`, like all that follow.
        systems: Likewise.
        attributes: Likewise.
        prompts: Likewise.
        forms: Likewise.
        limit: Likewise.
        seed: Likewise.
        key: Likewise.

    Raises:
        ConfigurationError: No system, an unknown one, a key within the folder, or nothing to ask.
        OutputError: The folder has something in it, or cannot be written.
    """
    check_prompts(prompts, forms)
    ways = _chosen(anonymizers, systems)
    names = _file_names([way.name for way in ways])
    target = Path(folder)
    secret = target.with_name(f"{target.name}-key.json") if key is None else Path(key)
    if target.resolve() in secret.resolve().parents:
        raise ConfigurationError(
            f"key= lies within {target}, which is to leave; take another place"
        )
    labels = labelled(manifest, attributes)
    own = {clip for truths in labels.truths.values() for clip in truths}
    utterances = [u for u in choose(manifest, limit, seed) if u.id in own]
    labels = labels.among(utterances)
    asked = plan(labels.truths, labels.attributes, utterances, ways, prompts, forms, seed=seed)
    if not asked:
        raise ConfigurationError("there is nothing to ask: every attribute has too many classes")
    _empty(target)
    clips = {u.id: secrets.token_hex(6) for u in utterances}
    lines, failed = _written(target, asked, clips, names)
    if not lines:
        raise ConfigurationError(f"no clip could be read, the first: {next(iter(failed.values()))}")
    left = {line.clip for line in lines}
    who = {
        clips[u.id]: {"utterance": u.id, "speaker": u.speaker}
        for u in utterances
        if clips[u.id] in left
    }
    settings = {"limit": limit, "seed": seed, "prompts": list(prompts), "forms": list(forms)}
    about = {
        "schema": KEY_SCHEMA,
        "data": manifest.name,
        "systems": {way.name: way.about() for way in ways},
        "settings": settings,
        "notes": list(labels.notes),
        "clips": dict(sorted(who.items())),
    }
    write_text(secret, json.dumps(about, indent=1) + "\n")
    return Export(target, secret, tuple(lines), failed, labels.notes)


def write_text(path: Path, content: str) -> None:
    """A text file, whole or not at all.

    Raises:
        OutputError: It exists, or cannot be written.
    """
    with output_error(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    part = PartFile(path)
    try:
        part.write(content.encode("utf-8"))
        part.publish(overwrite=False)
    finally:
        part.discard()


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """JSON lines, whole or not at all.

    Raises:
        OutputError: The file exists, or cannot be written.
    """
    write_text(path, "".join(json.dumps(row) + "\n" for row in rows))


def slug(name: str) -> str:
    """A name as part of a file name or a task name.

    Example:
        >>> from voxguard.probes.exports.folder import slug
        >>> slug("chain-of-thought")
        'chain_of_thought'
    """
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "unnamed"


def _written(
    target: Path, asked: Sequence[Asked], clips: Mapping[str, str], names: Mapping[str, str]
) -> tuple[list[Line], dict[str, str]]:
    made: set[str] = set()
    failed: dict[str, str] = {}
    lines = []
    for one in asked:
        audio = None
        if one.question.audio is not None:
            audio = f"{AUDIO}/{names[one.system]}/{clips[one.clip]}.wav"
            if audio not in made and one.clip not in failed:
                try:
                    _write_clip(target / audio, one.question.audio)
                    made.add(audio)
                except AudioError as error:
                    failed[one.clip] = str(error)
        lines.append(_line(one, clips[one.clip], audio))
    gone = {clips[clip] for clip in failed}
    for audio in made:
        if Path(audio).stem in gone:
            (target / audio).unlink()
    # Sorted by their random names, since the order of a manifest tells who is who.
    return sorted((li for li in lines if li.clip not in gone), key=lambda line: line.id), failed


def _write_clip(path: Path, audio: Callable[[], tuple[Any, int]]) -> None:
    samples, rate = audio()
    with output_error(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with AudioWriter(path, rate, 1) as file:
        file.write(samples[None])


def _line(one: Asked, clip: str, audio: str | None) -> Line:
    about = (one.system, one.attribute.name, one.prompt, one.form)
    return Line(
        "-".join((clip, *map(slug, about))),
        clip,
        audio,
        one.question.prompt,
        one.options,
        one.truth,
        *about,
        one.attribute.classes,
    )


def _chosen(
    anonymizers: Mapping[str, Anonymize] | Anonymize | None, systems: Sequence[str] | None
) -> list[Heard]:
    if isinstance(systems, str):
        raise ConfigurationError(f"systems= takes names in a list, got {systems!r}")
    wanted = set(systems or ())
    ways = heard(anonymizers, [name for name in _CONTROLS if name in wanted])
    known = [*_CONTROLS, *(way.name for way in ways if way.anonymizer is not None)]
    if unknown := sorted(wanted - set(known)):
        raise ConfigurationError(f"unknown system {unknown[0]!r}; there are {', '.join(known)}")
    if systems is not None:
        ways = [way for way in ways if way.name in wanted]
    if not ways:
        raise ConfigurationError(
            "nothing to export: give anonymizers=, or systems=['raw'] if raw voices are to leave"
        )
    return ways


def _file_names(systems: Sequence[str]) -> dict[str, str]:
    names = {system: slug(system) for system in systems}
    if len(set(names.values())) < len(names):
        raise ConfigurationError(
            f"systems have the same file name: {', '.join(systems)}; rename one"
        )
    return names


def _empty(folder: Path) -> None:
    with output_error(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise OutputError(
                f"{folder} is not empty, and could hold raw voices of an earlier export; take "
                "another folder"
            )
