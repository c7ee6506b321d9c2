"""The recordings: who is trained on, who is kept for development."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from recipes.common import check_recordings, manifest_rows
from recipes.train_voice_conversion.settings import DEV_SPEAKERS

COLUMNS = ("path", "utterance", "speaker", "sex", "split", "transcript")

Row = dict[str, str]
T = TypeVar("T")


@dataclass(frozen=True)
class Utterance:
    """One recording of the manifest."""

    path: Path
    name: str
    speaker: str
    sex: str
    transcript: str
    dev: bool


def read(
    data: Path,
    *,
    dev: Sequence[str] = DEV_SPEAKERS,
    speakers: int = 0,
    utterances: int = 0,
) -> list[Utterance]:
    """Utterances of the splits ``train`` and ``pool`` without any speaker of ``eval``.

    Args:
        data: Folder with ``manifest.csv``.
        dev: Speakers who are kept for development.
        speakers: Most of each split, those of ``dev`` first; 0 for all.
        utterances: Most of each speaker; 0 for all.

    Raises:
        SystemExit: This is no such folder.
    """
    rows = manifest_rows(data, COLUMNS)
    evaluated = {row["speaker"] for row in rows if row["split"] == "eval"}
    chosen: list[Row] = []
    for split in ("train", "pool"):
        part = [r for r in rows if r["split"] == split and r["speaker"] not in evaluated]
        chosen += _few(part, dev, speakers, utterances)
    _check(data, chosen, dev)
    return [
        Utterance(
            data / row["path"],
            row["utterance"],
            row["speaker"],
            row["sex"],
            row["transcript"],
            row["speaker"] in dev,
        )
        for row in chosen
    ]


def evenly(items: Sequence[T], count: int) -> list[T]:
    """So many of them, evenly spaced; all if there are not as many.

    Example:
        >>> evenly("abcdefg", 3)
        ['a', 'd', 'g']
    """
    places = (round(k * (len(items) - 1) / max(count - 1, 1)) for k in range(count))
    return [items[k] for k in places] if count < len(items) else list(items)


def heard(utterances: Sequence[Utterance], count: int) -> list[Utterance]:
    """Transcribed utterances of the dev speakers, so many of each.

    Raises:
        SystemExit: There is none.
    """
    known = [u for u in utterances if u.dev and u.transcript.split()]
    if not known:
        raise SystemExit("no utterance of a dev speaker has a transcript, so there is no WER")
    speakers = sorted({u.speaker for u in known})
    return [u for s in speakers for u in evenly([v for v in known if v.speaker == s], count)]


def _few(rows: list[Row], dev: Sequence[str], speakers: int, utterances: int) -> list[Row]:
    names = sorted({row["speaker"] for row in rows}, key=lambda name: (name not in dev, name))
    kept = set(names[:speakers] if speakers else names)
    seen: Counter[str] = Counter()
    out = []
    for row in rows:
        seen[row["speaker"]] += 1
        if row["speaker"] in kept and not 0 < utterances < seen[row["speaker"]]:
            out.append(row)
    return out


def _check(data: Path, rows: list[Row], dev: Sequence[str]) -> None:
    trained = {row["speaker"] for row in rows} - set(dev)
    if len(trained) < 2:
        raise SystemExit(
            f"{data}: training needs two speakers or more in the splits train and pool who are "
            f"neither in eval nor among dev_speakers; there are {len(trained)}"
        )
    if not any(row["speaker"] in dev and row["split"] == "train" for row in rows):
        raise SystemExit(
            f"{data}: none of the dev speakers {', '.join(dev)} is in the split train; name some "
            "of your own in the configuration: dev_speakers: [...]"
        )
    check_recordings(data, rows)
