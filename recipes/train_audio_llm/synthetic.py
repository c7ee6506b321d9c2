"""A corpus that voxguard makes itself, for smoke runs where there is no speech.

A text that is the same from every voice is called a word, high voices are called women and low ones
men: far easier than speech, and it shows that the recipe runs and that a model learns.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import soundfile

from recipes.common import told
from recipes.train_audio_llm.corpus import COLUMNS
from voxguard.dsp.pitch import SAMPLE_RATE
from voxguard.dsp.voice import fundamental_hz, synthetic_voice

WORDS = ("ALPHA", "BRAVO", "CHARLIE", "DELTA")
HIGHEST_MAN_HZ, LOWEST_WOMAN_HZ = 140.0, 180.0  # nobody is in between
# Speakers and takes of each word.
SPLITS = {"train": (6, 3), "pool": (20, 1), "eval": (8, 1)}


def make(folder: Path) -> Path:
    """Write the corpus, unless it is there; the folder is given back."""
    manifest = folder / "manifest.csv"
    if manifest.exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    voices = iter(k for k in range(1000) if not _between(fundamental_hz(k)))
    planned = [(split, takes, next(voices)) for split, (speakers, takes) in SPLITS.items()
               for _ in range(speakers)]  # fmt: skip
    rows = []
    for split, takes, number in told("voices", planned):
        for word in range(len(WORDS)):
            for take in range(takes):
                name = f"{number}-{word}-{take}"
                samples = synthetic_voice(
                    seconds=rng.uniform(1.2, 1.5),
                    sample_rate=SAMPLE_RATE,
                    speaker=number,
                    seed=word,
                )
                noise = 0.002 * rng.standard_normal(samples.shape)
                soundfile.write(folder / f"{name}.wav", samples + noise, SAMPLE_RATE)
                sex = "F" if fundamental_hz(number) >= LOWEST_WOMAN_HZ else "M"
                rows.append((f"{name}.wav", name, f"voice{number}", sex, split, WORDS[word]))
    unfinished = folder / "manifest.part"
    with unfinished.open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    unfinished.rename(manifest)  # last, so a manifest means a whole corpus
    return folder


def _between(f0_hz: float) -> bool:
    return HIGHEST_MAN_HZ < f0_hz < LOWEST_WOMAN_HZ
