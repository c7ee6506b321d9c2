"""The recordings: which word, who says it, and what is kept for testing."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

COLUMNS = ("path", "word", "speaker", "split")
Split = Literal["train", "dev", "test"]

# FSDD's own division: takes 0 to 4 are for testing. Takes 5 to 14 are trained on in the end, and
# kept aside while settings are chosen.
_FSDD = re.compile(r"(?P<word>\d)_(?P<speaker>[a-z]+)_(?P<take>\d+)\.wav")
_TESTED, _DEV = 5, 15


@dataclass(frozen=True)
class Clip:
    """One recording of one word."""

    path: Path
    word: str
    speaker: str
    split: Split


def read(data: Path, most: int = 0) -> list[Clip]:
    """All clips, in the order of their paths.

    Args:
        data: Folder with ``manifest.csv``, or the ``recordings`` folder of the Free Spoken Digit
            Dataset.
        most: Of each word, speaker and split; 0 for all.

    Raises:
        SystemExit: This is no such folder.
    """
    clips = _manifest(data) if (data / "manifest.csv").exists() else _fsdd(data)
    if most:
        clips = _few(clips, most)
    for use in ("train", "test"):
        said = {clip.word for clip in clips if (clip.split == "test") == (use == "test")}
        if len(said) < 2:
            raise SystemExit(f"{data}: two words or more are needed to {use}, got {len(said)}")
    return clips


def words(clips: Sequence[Clip]) -> list[str]:
    """All words, sorted."""
    return sorted({clip.word for clip in clips})


def _fsdd(data: Path) -> list[Clip]:
    clips = []
    for path in sorted(data.glob("*.wav")) if data.is_dir() else ():
        if named := _FSDD.fullmatch(path.name):
            take = int(named["take"])
            split: Split = "test" if take < _TESTED else "dev" if take < _DEV else "train"
            clips.append(Clip(path, named["word"], named["speaker"], split))
    if not clips:
        raise SystemExit(
            f"{data} has neither manifest.csv with the columns {', '.join(COLUMNS)} nor recordings "
            "of FSDD (0_george_0.wav ...); or pass 'synthetic'"
        )
    return clips


def _manifest(data: Path) -> list[Clip]:
    manifest = data / "manifest.csv"
    try:
        with manifest.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SystemExit(f"{manifest} cannot be read ({error})") from None
    clips = []
    for number, row in enumerate(rows, 2):
        if any(row.get(name) is None for name in COLUMNS) or row["split"] not in get_args(Split):
            raise SystemExit(
                f"{manifest}, row {number}: the columns {', '.join(COLUMNS)} are needed, and a "
                f"split is one of {', '.join(get_args(Split))}"
            )
        if not (data / row["path"]).is_file():
            raise SystemExit(f"{manifest}, row {number}: {row['path']} is not there")
        split = cast("Split", row["split"])
        clips.append(Clip(data / row["path"], row["word"], row["speaker"], split))
    return sorted(clips, key=lambda clip: clip.path)


def _few(clips: Sequence[Clip], most: int) -> list[Clip]:
    seen: dict[tuple[str, str, str], int] = {}
    kept = []
    for clip in clips:
        kind = (clip.word, clip.speaker, clip.split)
        seen[kind] = seen.get(kind, 0) + 1
        if seen[kind] <= most:
            kept.append(clip)
    return kept
