"""What the enrolled speaker's filter takes out of conversations, and leaves in them.

python -m eval.bystanders --data FOLDER
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from eval.run import HERE
from voxguard.evaluation import read_manifest
from voxguard.probes.bystanders import measure_filter

RESULTS = HERE / "results" / "bystanders"


def main() -> None:
    """Measure on the speakers whom no model has met, and write the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with speech/manifest.csv")
    parser.add_argument("--out", type=Path, default=RESULTS / "libri-mini.json")
    given = parser.parse_args()
    manifest = read_manifest(given.data / "speech" / "manifest.csv").select({"split": "eval"})
    found = measure_filter(manifest, turns=4, progress=_tell)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    found.write(given.out, overwrite=True)
    for figure in found.figures:
        ends = f"[{figure.low:.3f}, {figure.high:.3f}]"
        print(*figure.where.values(), figure.name, f"{figure.value:.3f}", ends, f"n={figure.n}")


def _tell(done: int, total: int) -> None:
    print(f"{done}/{total}", end="\r", file=sys.stderr)


if __name__ == "__main__":
    main()
