"""Step: recordings cut into clips that the model hears whole, as files with a manifest."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import soundfile

from recipes.common import told
from recipes.train_audio_llm.clips import Clip, Recorded, divide
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
    """

    clip: Clip
    name: str
    path: Path

    @property
    def row(self) -> dict[str, str]:
        """As it stands in a manifest beside its folder's files."""
        source = self.clip.source.utterance
        return {
            "path": self.path.name,
            "utterance": self.name,
            "recording": source.name,
            "speaker": source.speaker,
            "sex": source.sex,
            "part": source.part,
            "transcript": " ".join(self.clip.words),
            "seconds": f"{(self.clip.end - self.clip.start) / 100:.2f}",
        }


def cut(recorded: Sequence[Recorded], frames: int, folder: Path) -> list[Cut]:
    """Write all clips of recordings and ``manifest.csv``; what is there is not written again.

    Args:
        recorded: The recordings.
        frames: Of the longest clip.
        folder: Where the files go.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for source in told("clips", recorded):
        parts = divide(source, frames)
        named = [f"{source.utterance.name}-{k}" for k in range(len(parts))]
        cuts = [Cut(part, name, folder / f"{name}.flac")
                for part, name in zip(parts, named, strict=True)]  # fmt: skip
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
