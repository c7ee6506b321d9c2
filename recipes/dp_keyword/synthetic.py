"""Words that voxguard's own voices say, for runs where there is no speech.

A word is a text that is the same from every voice; takes differ by length and noise. It is far
easier than real speech, and shows that the recipe runs and learns.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import soundfile

from recipes.common import told
from recipes.dp_keyword.corpus import COLUMNS
from voxguard.dsp.voice import synthetic_voice

RATE = 8_000
WORDS, SPEAKERS = 4, 6
SPLITS = ("test", "dev", *["train"] * 8)


def make(folder: Path) -> Path:
    """Write the corpus, unless it is there; the folder is given back."""
    manifest = folder / "manifest.csv"
    if manifest.exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    rows = []
    for speaker in told("voices", range(SPEAKERS)):
        for word in range(WORDS):
            for take, split in enumerate(SPLITS):
                name = f"{word}-{speaker}-{take}.wav"
                samples = synthetic_voice(
                    seconds=rng.uniform(0.35, 0.5), sample_rate=RATE, speaker=speaker, seed=word
                )
                noise = 0.002 * rng.standard_normal(samples.shape)
                soundfile.write(folder / name, samples + noise, RATE)
                rows.append((name, f"word{word}", f"voice{speaker}", split))
    unfinished = folder / "manifest.part"
    with unfinished.open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    unfinished.rename(manifest)  # last, so a manifest means a whole corpus
    return folder
