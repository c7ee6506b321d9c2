"""Kaldi data directories, as the VoicePrivacy Challenges hand them out."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from voxguard.errors import ConfigurationError
from voxguard.evaluation.manifest import ENROLMENT, TRIAL, Exclusion, Manifest, Utterance

# The one command that such lists commonly hold; any other is not run.
_FLAC = re.compile(r"^\S*flac\s+(?:-\S+\s+)*(?P<path>\S+\.flac)\s*\|$")


def is_kaldi(folder: Path) -> bool:
    """Whether a folder, or a folder in it, is a Kaldi data directory."""
    return any(True for _ in _directories(folder))


def _directories(folder: Path) -> list[Path]:
    if (folder / "wav.scp").is_file():
        return [folder]
    return sorted(path.parent for path in folder.glob("*/wav.scp"))


def read_kaldi(folder: Path) -> Manifest:
    """Read one Kaldi data directory, or all in a folder.

    ``wav.scp`` and ``utt2spk`` are needed; ``text``, ``spk2gender``, ``enrolls`` and ``trials`` are
    used. A directory's name says what it is for: ``*enroll*`` enrolment, ``*trial*`` trials,
    ``*train*`` the attacker's training (label ``split``: ``train``, otherwise ``eval``).
    Pipes in ``wav.scp`` are not run, but for plain ``flac -d`` the file is read.

    Raises:
        ConfigurationError: A list is missing or has a line that cannot be understood.
    """
    utterances: dict[str, Utterance] = {}
    excluded: list[Exclusion] = []
    trials: set[tuple[str, str]] = set()
    for directory in _directories(folder):
        trials |= _trials(directory)
        for utterance in _read_directory(directory, excluded):
            known = utterances.get(utterance.id)
            utterances[utterance.id] = utterance if known is None else _merged(known, utterance)
    pairs = frozenset(trials) or None
    return Manifest(folder.name, tuple(utterances.values()), tuple(excluded), pairs, folder)


def _read_directory(directory: Path, excluded: list[Exclusion]) -> list[Utterance]:
    name = directory.name.lower()
    role = ENROLMENT if "enroll" in name else TRIAL if "trial" in name else ""
    split = "train" if "train" in name else "eval"
    speakers = _table(directory / "utt2spk")
    texts = _table(directory / "text", optional=True)
    sexes = _table(directory / "spk2gender", optional=True)
    enrolled = set(_table(directory / "enrolls", optional=True))
    found = []
    for utterance, entry in _table(directory / "wav.scp").items():
        speaker = speakers.get(utterance, "")
        path = _path(entry)
        if not speaker or path is None:
            reason = "not in utt2spk" if path is not None else "its wav.scp entry is a command"
            excluded.append(Exclusion(utterance, speaker, reason))
            continue
        if enrolled and utterance not in enrolled:
            continue
        labels = {"split": split, "sex": sexes.get(speaker, "").upper()}
        found.append(
            Utterance(
                utterance,
                path if path.is_absolute() else directory / path,
                speaker,
                role,
                transcript=texts.get(utterance, ""),
                labels={key: value for key, value in labels.items() if value},
            )
        )
    return found


def _merged(one: Utterance, other: Utterance) -> Utterance:
    """The same utterance in two lists, such as that of the trials and that of the recogniser."""
    for name in ("path", "speaker", "role", "transcript"):
        first, second = getattr(one, name), getattr(other, name)
        if first and second and first != second:
            raise ConfigurationError(
                f"two Kaldi directories disagree on the {name} of {one.id!r}: {first}, {second}"
            )
    return replace(
        one,
        role=one.role or other.role,
        transcript=one.transcript or other.transcript,
        labels={**other.labels, **one.labels},
    )


def _path(entry: str) -> Path | None:
    if not entry.endswith("|"):
        return Path(entry)
    plain = _FLAC.match(entry)
    return Path(plain["path"]) if plain else None


def _table(path: Path, *, optional: bool = False) -> dict[str, str]:
    if optional and not path.is_file():
        return {}
    table: dict[str, str] = {}
    for number, line in enumerate(_lines(path), start=1):
        key, _, value = line.partition(" ")
        if key in table:
            raise ConfigurationError(f"{path}, line {number}: {key!r} comes twice")
        table[key] = value.strip()
    return table


def _trials(directory: Path) -> set[tuple[str, str]]:
    path = directory / "trials"
    if not path.is_file():
        return set()
    pairs = set()
    for number, line in enumerate(_lines(path), start=1):
        words = line.split()
        if len(words) != 3:
            raise ConfigurationError(f"{path}, line {number}: expected 'speaker utterance target'")
        pairs.add((words[0], words[1]))
    return pairs


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from None
    return [line.replace("\t", " ").strip() for line in text.splitlines() if line.strip()]
