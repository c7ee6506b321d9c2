"""Voices that voxguard makes itself, for smoke runs where there is no speech."""

from __future__ import annotations

import csv
from pathlib import Path

import soundfile

from recipes.common import told
from recipes.federated_attributes.corpus import COLUMNS
from voxguard.dsp.pitch import SAMPLE_RATE
from voxguard.dsp.voice import fundamental_hz, synthetic_voice

SPEAKERS, TESTED, EACH, SECONDS = 20, 6, 2, 3.0
BETWEEN_SEXES_HZ = 165.0


def make(folder: Path) -> Path:
    """Write the corpus, unless it is there; the folder is given back."""
    manifest = folder / "manifest.csv"
    if manifest.exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number in told("voices", range(SPEAKERS)):
        speaker = f"voice{number:02d}"
        for text in range(EACH):
            name = f"{speaker}-{text}"
            samples = synthetic_voice(
                seconds=SECONDS, sample_rate=SAMPLE_RATE, speaker=number, seed=100 * number + text
            )
            soundfile.write(folder / f"{name}.wav", samples, SAMPLE_RATE)
            sex = "F" if fundamental_hz(number) > BETWEEN_SEXES_HZ else "M"
            split = "eval" if number < TESTED else "train"
            rows.append((f"{name}.wav", name, speaker, sex, split))
    unfinished = folder / "manifest.part"
    with unfinished.open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    unfinished.rename(manifest)  # last, so a manifest means a whole corpus
    return folder
