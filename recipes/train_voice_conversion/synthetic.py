"""A corpus that voxguard makes itself, for smoke runs where there is no speech.

Nothing can be learnt from it but whether the recipe runs.
"""

from __future__ import annotations

import csv
from pathlib import Path

import soundfile

from recipes.common import told
from recipes.train_voice_conversion.corpus import COLUMNS
from recipes.train_voice_conversion.settings import DEV_SPEAKERS
from voxguard.dsp.pitch import SAMPLE_RATE
from voxguard.dsp.voice import fundamental_hz, synthetic_voice

SECONDS = 3.2
TRAINED, POOL, PER_SPEAKER = 4, 4, 4
BETWEEN_SEXES_HZ = 165.0
# Nobody says it, or anything; in some of the voices the aligner finds it all the same.
TRANSCRIPT = "MAMA"


def make(folder: Path) -> Path:
    """Write the corpus, unless it is there; the folder is given back."""
    manifest = folder / "manifest.csv"
    if manifest.exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    trained = [*DEV_SPEAKERS[:2], *(f"train{k}" for k in range(TRAINED))]
    planned = [("train", name, PER_SPEAKER) for name in trained]
    planned += [("pool", f"pool{k}", 1) for k in range(POOL)] + [("eval", "eval0", 1)]
    rows = []
    for number, (split, speaker, count) in enumerate(told("voices", planned)):
        for text in range(count):
            name = f"{speaker}-{text}"
            samples = synthetic_voice(
                seconds=SECONDS, sample_rate=SAMPLE_RATE, speaker=number, seed=100 * number + text
            )
            soundfile.write(folder / f"{name}.wav", samples, SAMPLE_RATE)
            sex = "F" if fundamental_hz(number) > BETWEEN_SEXES_HZ else "M"
            said = TRANSCRIPT if split == "train" else ""
            rows.append((f"{name}.wav", name, speaker, sex, split, said))
    unfinished = folder / "manifest.part"
    with unfinished.open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    unfinished.rename(manifest)  # last, so a manifest means a whole corpus
    return folder
