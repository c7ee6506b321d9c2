"""Measures on public speech what the features are normalised by.

    python -m recipes.dp_keyword.normalization DATA

DATA is a folder with manifest.csv of the columns path and split; the first seconds of the
recordings of the split "pool" are taken, at 8 kHz. ``statistics.json`` is of LibriSpeech.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np

from recipes.common import told, write
from recipes.dp_keyword.envelopes import Floats, envelope
from recipes.dp_keyword.features import STATISTICS, USED_BANDS, cepstrum
from voxguard.audio import read, resample
from voxguard.models.normalization import floored, frame_level

RATE, SECONDS, RECORDINGS = 8_000, 4, 100
_SPEECH_NEPERS = 6.0


def main() -> None:
    """Write the file anew."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, metavar="DATA")
    data = parser.parse_args().data
    with (data / "manifest.csv").open(newline="", encoding="utf-8") as file:
        paths = [data / row["path"] for row in csv.DictReader(file) if row["split"] == "pool"]
    frames = np.concatenate([_frames(path) for path in told("recordings", paths[:RECORDINGS])])
    figures = {"bands": frames[:, :USED_BANDS], "cepstra": cepstrum(frames)}
    write(
        {
            "corpus": f"LibriSpeech (CC BY 4.0): {RECORDINGS} speakers, {SECONDS} s each, 8 kHz",
            "frames": len(frames),
            **{name: _described(values) for name, values in figures.items()},
        },
        STATISTICS,
    )


def _frames(path: Path) -> Floats:
    """Envelopes of the frames with speech."""
    samples, rate = read(path)
    start = np.atleast_2d(samples)[:, : SECONDS * rate]
    mel = floored(envelope(resample(start, rate, RATE), RATE))
    level = frame_level(mel)
    return mel[level > level.max() - _SPEECH_NEPERS]


def _described(values: Floats) -> dict[str, list[float]]:
    return {
        "mean": [round(float(x), 3) for x in values.mean(axis=0)],
        "spread": [round(float(x), 3) for x in values.std(axis=0)],
    }


if __name__ == "__main__":
    main()
