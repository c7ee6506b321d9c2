"""Which recordings an evaluation is about, who speaks in them, and what else is known."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from voxguard.errors import ConfigurationError
from voxguard.files.scan import audio_suffixes, shown

ENROLMENT, TRIAL = "enrolment", "trial"

_ALIASES = {
    "path": ("path", "file", "filename", "wav", "audio"),
    "speaker": ("speaker", "speaker_id", "spk", "client_id"),
    "id": ("utterance", "utterance_id", "utt", "id"),
    "role": ("role",),
    "session": ("session", "chapter"),
    "transcript": ("transcript", "text", "sentence"),
}
_LABEL_ALIASES = {"gender": "sex"}
_ROLES = {"": "", "enrolment": ENROLMENT, "enrollment": ENROLMENT, "enroll": ENROLMENT,
          "enrol": ENROLMENT, "trial": TRIAL, "test": TRIAL}  # fmt: skip


@dataclass(frozen=True)
class Utterance:
    """One recording of one speaker.

    Attributes:
        id: Unique within the manifest.
        path: The audio file.
        speaker: Who speaks.
        role: ``"enrolment"``, ``"trial"`` or ``""`` (the protocol decides).
        session: Recordings of one session share room and day; empty if unknown.
        transcript: What is said; empty if unknown.
        labels: Every other column: ``split``, ``sex``, ``age``, ``emotion`` ... without empty ones.
    """

    id: str
    path: Path
    speaker: str
    role: str = ""
    session: str = ""
    transcript: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Exclusion:
    """An utterance or speaker that was left out, and why; it is told in the report."""

    utterance: str
    speaker: str
    reason: str

    def as_dict(self) -> dict[str, str]:
        """As it stands in the results."""
        return {"utterance": self.utterance, "speaker": self.speaker, "reason": self.reason}


@dataclass(frozen=True)
class Manifest:
    """Utterances, and what had to be left out.

    Args:
        name: What the data are called in the report.
        utterances: With ids of their own.
        excluded: Left out when the manifest was read.
        trials: Pairs ``(enrolled speaker, trial utterance id)`` that are trials, where the data
            say so; otherwise every enrolled speaker meets every trial utterance.
        root: The folder that the recordings' paths start from.

    Raises:
        ConfigurationError: Two utterances share an id, or nothing is left.

    Example:
        >>> from pathlib import Path
        >>> from voxguard.evaluation import Manifest, Utterance
        >>> manifest = Manifest("two", (Utterance("a1", Path("a/1.wav"), "a", labels={"sex": "F"}),
        ...                             Utterance("b1", Path("b/1.wav"), "b", labels={"sex": "M"})))
        >>> manifest.select({"sex": ["F"]}).speakers
        ('a',)
    """

    name: str
    utterances: tuple[Utterance, ...]
    excluded: tuple[Exclusion, ...] = ()
    trials: frozenset[tuple[str, str]] | None = None
    root: Path = Path()

    def __post_init__(self) -> None:
        counts = Counter(utterance.id for utterance in self.utterances)
        if twice := [name for name, count in counts.items() if count > 1]:
            raise ConfigurationError(
                f"{self.name}: {len(twice)} utterance ids are not unique (the first is "
                f"{twice[0]!r}); give every recording an id of its own"
            )
        if not self.utterances:
            reasons = "; ".join(sorted({exclusion.reason for exclusion in self.excluded})[:3])
            raise ConfigurationError(f"{self.name}: no usable recording ({reasons or 'empty'})")

    @property
    def speakers(self) -> tuple[str, ...]:
        """All speakers, sorted."""
        return tuple(sorted({utterance.speaker for utterance in self.utterances}))

    def select(self, condition: Mapping[str, Sequence[str] | str]) -> Manifest:
        """The utterances whose columns have one of the values given.

        Raises:
            ConfigurationError: A column that no utterance has, or nothing is left.
        """
        kept = list(self.utterances)
        for column, wanted in condition.items():
            values = {wanted} if isinstance(wanted, str) else {str(value) for value in wanted}
            known = {_value(utterance, column) for utterance in self.utterances} - {""}
            if not known:
                raise ConfigurationError(f"{self.name} has no column {column!r}")
            kept = [utterance for utterance in kept if _value(utterance, column) in values]
        if not kept:
            raise ConfigurationError(f"{self.name} has no recording with {dict(condition)}")
        return replace(self, utterances=tuple(kept), excluded=())

    def without(self, speakers: Iterable[str], reason: str) -> Manifest:
        """The same without some speakers, who are told among the excluded."""
        gone = set(speakers)
        kept = tuple(u for u in self.utterances if u.speaker not in gone)
        told = tuple(Exclusion("", speaker, reason) for speaker in sorted(gone))
        return replace(self, utterances=kept, excluded=(*self.excluded, *told))


def _value(utterance: Utterance, column: str) -> str:
    if column in ("speaker", "role", "session", "id"):
        return str(getattr(utterance, column))
    return utterance.labels.get(column, "")


def read_manifest(data: str | Path) -> Manifest:
    """Read a manifest CSV, a folder ``speaker/utterance.wav``, or Kaldi directories.

    Args:
        data: A CSV file with a header (``path`` and ``speaker`` are needed; ``utterance``,
            ``role``, ``session``, ``transcript`` are known; any other column is a label), or a
            folder. A folder that holds ``wav.scp``, or folders that do, is read as Kaldi data; else
            every audio file in it belongs to the speaker whom its folder names.

    Raises:
        ConfigurationError: It does not exist, lacks a column, names an utterance twice, or holds
            nothing usable.
    """
    path = Path(data)
    if path.is_dir():
        from voxguard.evaluation.kaldi import is_kaldi, read_kaldi

        return read_kaldi(path) if is_kaldi(path) else _read_folder(path)
    if not path.exists():
        raise ConfigurationError(f"{path} does not exist; DATA is a folder or a manifest CSV")
    return _read_csv(path)


def _read_folder(folder: Path) -> Manifest:
    suffixes = audio_suffixes()
    files = sorted(f for f in folder.rglob("*") if f.suffix.lower() in suffixes and f.is_file())
    utterances, excluded = [], []
    for file in files:
        name = shown(file.relative_to(folder))
        if file.parent == folder:
            excluded.append(Exclusion(name, "", "lies in no speaker's folder"))
            continue
        relative = file.relative_to(folder)
        utterances.append(
            Utterance(shown(relative.with_suffix("")), file, shown(relative.parts[0]))
        )
    return Manifest(folder.name, tuple(utterances), tuple(excluded), root=folder)


def _read_csv(path: Path) -> Manifest:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"{path} cannot be read as CSV: {error}") from None
    header = list(rows[0]) if rows else []
    column = {
        name: next((alias for alias in aliases if alias in header), None)
        for name, aliases in _ALIASES.items()
    }
    if missing := [name for name in ("path", "speaker") if column[name] is None]:
        raise ConfigurationError(
            f"{path} needs the column {missing[0]!r}; it has {', '.join(header) or 'no rows'}"
        )
    utterances, excluded = [], []
    for number, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise ConfigurationError(f"{path}, line {number}: not as many cells as the header has")
        cell = {name: row[key].strip() if key else "" for name, key in column.items()}
        name = cell["id"] or cell["path"].removesuffix(Path(cell["path"]).suffix)
        if not (cell["path"] and cell["speaker"]):
            excluded.append(Exclusion(name, cell["speaker"], "no path or no speaker in its row"))
            continue
        role = _ROLES.get(cell["role"].lower())
        if role is None:
            raise ConfigurationError(
                f"{path}, line {number}: role {cell['role']!r}; accepted are enrolment, trial or "
                "nothing"
            )
        own = set(column.values())
        labels = {
            _LABEL_ALIASES.get(key, key): value.strip()
            for key, value in row.items()
            if key not in own and value.strip()
        }
        audio = path.parent / cell["path"]
        known = (cell["speaker"], role, cell["session"], cell["transcript"])
        utterances.append(Utterance(name, audio, *known, labels))
    name = path.parent.name or path.stem
    return Manifest(name, tuple(utterances), tuple(excluded), root=path.parent)
