"""Voices that voxguard makes itself, for smoke runs: nothing can be learnt from their figures."""

from __future__ import annotations

import csv
from pathlib import Path

import soundfile

from recipes.common import told
from voxguard.dsp.voice import synthetic_voice

SAMPLE_RATE, SECONDS = 16_000, 1.2
# The split, how many speakers, recordings of each, of which are for enrolment.
PLAN = (("train", 3, 2, 0), ("pool", 40, 1, 0), ("eval", 4, 3, 1))


def make(folder: Path) -> Path:
    """Write the corpus, unless it is there; the folder is given back."""
    manifest = folder / "manifest.csv"
    if manifest.exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    planned = [(split, n, each, enrolled) for split, n, each, enrolled in PLAN for n in range(n)]
    rows = []
    for number, (split, n, each, enrolled) in enumerate(told("voices", planned)):
        for said in range(each):
            name = f"{split}{n}-{said}"
            samples = synthetic_voice(
                seconds=SECONDS, sample_rate=SAMPLE_RATE, speaker=number, seed=100 * number + said
            )
            soundfile.write(folder / f"{name}.wav", samples, SAMPLE_RATE)
            role = "" if split != "eval" else "enrolment" if said < enrolled else "trial"
            rows.append((f"{name}.wav", name, f"{split}{n}", split, role))
    unfinished = folder / "manifest.part"
    with unfinished.open("w", newline="") as file:
        csv.writer(file).writerows([("path", "utterance", "speaker", "split", "role"), *rows])
    unfinished.rename(manifest)  # last, so a manifest means a whole corpus
    return folder
