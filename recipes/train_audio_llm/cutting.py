"""Step: recordings cut into clips that the model hears whole, as files with a manifest."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import soundfile

from recipes.common import told
from recipes.train_audio_llm.clips import Clip, Recorded
from recipes.train_audio_llm.wordings import WHAT_FIRST
from recipes.train_voice_conversion.features import load
from voxguard.dsp.pitch import SAMPLE_RATE

MANIFEST = "manifest.csv"
_HOP = SAMPLE_RATE // 100


@dataclass(frozen=True)
class Cut:
    """A clip and its file.

    Attributes:
        clip: Which part of which recording.
        name: Unique.
        path: Of the file.
        asked: Whether the manifest has a question about its first word, and the answer.
    """

    clip: Clip
    name: str
    path: Path
    asked: bool = False

    @property
    def row(self) -> dict[str, str]:
        """As it stands in a manifest beside its folder's files."""
        source = self.clip.source.utterance
        row = {
            "path": self.path.name,
            "utterance": self.name,
            "recording": source.name,
            "speaker": source.speaker,
            "sex": source.sex,
            "part": source.part,
            "transcript": " ".join(self.clip.words),
            "seconds": f"{(self.clip.end - self.clip.start) / 100:.2f}",
        }
        first = {"question": WHAT_FIRST, "answer": self.clip.words[0].lower()} if self.asked else {}
        return {**row, **first}


def cut(
    recorded: Sequence[Recorded],
    parts: Callable[[Recorded], list[Clip]],
    folder: Path,
    *,
    asked: bool = False,
) -> list[Cut]:
    """Write clips of recordings and ``manifest.csv``; what is there is not written again.

    Args:
        recorded: The recordings.
        parts: Which clips of a recording.
        folder: Where the files go.
        asked: Whether the manifest asks for the first word of each.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for source in told("clips", recorded):
        found = parts(source)
        named = [f"{source.utterance.name}-{k}" for k in range(len(found))]
        cuts = [Cut(part, name, folder / f"{name}.flac", asked)
                for part, name in zip(found, named, strict=True)]  # fmt: skip
        made += cuts
        if all(one.path.exists() for one in cuts):
            continue
        samples = load(source.utterance.path)
        for one in cuts:
            unfinished = folder / f"{one.name}.part"
            part = samples[one.clip.start * _HOP : one.clip.end * _HOP]
            soundfile.write(unfinished, part, SAMPLE_RATE, format="FLAC")
            unfinished.rename(one.path)
    write_manifest([one.row for one in made], folder / MANIFEST)
    return made


def write_manifest(rows: Sequence[dict[str, str]], target: Path) -> None:
    """As CSV, whole or not at all."""
    unfinished = target.with_suffix(".part")
    with unfinished.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    unfinished.rename(target)
