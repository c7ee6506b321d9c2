"""The recordings: who is trained on, and what is kept to ask about."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from recipes.common import check_recordings, manifest_rows

COLUMNS = ("path", "utterance", "speaker", "sex", "split", "transcript")
TRAINED, HELD_OUT, STRANGERS = "trained", "held-out", "eval"
EVERY = 6  # utterance of a known speaker is held out


@dataclass(frozen=True)
class Utterance:
    """One recording of the manifest.

    Attributes:
        path: Of the file.
        name: Unique.
        speaker: Who speaks.
        sex: ``"F"`` or ``"M"``.
        transcript: In capitals; "" where there is none.
        part: ``"trained"`` on, ``"held-out"`` of a speaker who is trained on, or of ``"eval"``.
        known: Whether the model learns the speaker's name.
    """

    path: Path
    name: str
    speaker: str
    sex: str
    transcript: str
    part: str
    known: bool


def read(data: Path, *, speakers: int = 0, utterances: int = 0) -> list[Utterance]:
    """Utterances of the splits ``train``, ``pool`` and ``eval``.

    A speaker of ``eval`` is in no other part. Of each speaker in ``train`` every sixth utterance is
    held out.

    Args:
        data: Folder with ``manifest.csv``.
        speakers: Most of ``train`` and ``pool`` each; 0 for all.
        utterances: Most of each speaker of ``train``; 0 for all.

    Raises:
        SystemExit: This is no such folder.
    """
    rows = manifest_rows(data, COLUMNS)
    strangers = {row["speaker"] for row in rows if row["split"] == "eval"}
    known = sorted({r["speaker"] for r in rows if r["split"] == "train"} - strangers)
    pool = sorted({r["speaker"] for r in rows if r["split"] == "pool"} - strangers)
    if speakers:
        known, pool = known[:speakers], pool[:speakers]
    _check(data, rows, known)
    seen: Counter[str] = Counter()
    found = []
    for row in rows:
        split, speaker = row["split"], row["speaker"]
        if split == "train" and speaker in known:
            seen[speaker] += 1
            if 0 < utterances < seen[speaker]:
                continue
            part = HELD_OUT if seen[speaker] % EVERY == 0 else TRAINED
        elif split == "pool" and speaker in pool:
            part = TRAINED
        elif split == "eval":
            part = STRANGERS
        else:
            continue
        said = row["transcript"].strip().upper()
        path = data / row["path"]
        name = row["utterance"]
        found.append(Utterance(path, name, speaker, row["sex"], said, part, speaker in known))
    return found


def of(utterances: list[Utterance], part: str) -> list[Utterance]:
    """Those of one part."""
    return [u for u in utterances if u.part == part]


def _check(data: Path, rows: list[dict[str, str]], known: list[str]) -> None:
    if len(known) < 2:
        raise SystemExit(
            f"{data}: training needs two speakers or more in the split train who are not in eval; "
            f"there are {len(known)}"
        )
    check_recordings(data, rows)
    if sexes := {row["sex"] for row in rows} - {"F", "M"}:
        raise SystemExit(f"{data}: sex takes F or M in manifest.csv, got {sorted(sexes)[0]!r}")
