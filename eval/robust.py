"""What becomes of speech that is not read aloud in a quiet room, and of what is no speech.

python -m eval.robust --data FOLDER [--system voice-conversion ...]
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

import voxguard
from eval.run import HERE, SYSTEMS
from voxguard.audio import read, resample
from voxguard.errors import UnsupportedAudioError
from voxguard.models.dvector import DVectorModel
from voxguard.utility.quality import dnsmos

RESULTS = HERE / "results" / "robust"
RATE = 16_000


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with robust/manifest.csv")
    parser.add_argument("--system", nargs="+", choices=SYSTEMS, default=["voice-conversion"])
    given = parser.parse_args()
    RESULTS.mkdir(parents=True, exist_ok=True)
    for name in given.system:
        found = measure(SYSTEMS[name](), given.data / "robust")
        about = {"voxguard": voxguard.__version__, "system": name, "draw": "secret"}
        (RESULTS / f"{name}.json").write_text(json.dumps({**about, **found}, indent=1) + "\n")


def measure(anonymize: Any, folder: Path) -> dict[str, Any]:
    """Figures of every recording, and their means over recordings of a kind."""
    encoder = DVectorModel()
    by_kind: dict[str, list[dict[str, float]]] = defaultdict(list)
    recordings = {}
    with (folder / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        samples, rate = read(folder / row["path"])
        source = resample(np.atleast_2d(samples), rate, RATE)[0]
        figures = compare(source, anonymize(source, RATE), encoder)
        recordings[row["path"]] = figures
        by_kind[row["kind"]].append(figures)
    kinds = {}
    for kind, measured in by_kind.items():
        names = {name for figures in measured for name in figures}
        means = {
            name: round(float(np.mean([m[name] for m in measured if name in m])), 3)
            for name in sorted(names)
        }
        kinds[kind] = {"recordings": len(measured), **means}
    return {"kinds": kinds, "recordings": recordings}


def compare(source: Any, made: Any, encoder: DVectorModel) -> dict[str, float]:
    """A recording beside its rendering."""
    if not (np.isfinite(made).all() and made.shape == source.shape):
        raise SystemExit("a rendering is not finite, or not as long as its recording")
    power, given = (float(np.mean(np.square(x, dtype=np.float64))) for x in (source, made))
    if power == 0.0:
        return {"silent_stays_silent": float(given == 0.0)}
    figures = {
        "level_change_db": 10 * np.log10(max(given, 1e-20) / power),
        "quality_before": dnsmos(source).overall,
        "quality_after": dnsmos(made).overall,
    }
    try:
        alike = float(encoder.embed(source) @ encoder.embed(made))
    except UnsupportedAudioError:  # it went silent: there is no voice in it
        return figures
    return {**figures, "voice_cosine": alike}


if __name__ == "__main__":
    main()
