"""Runs every benchmark, each in a process of its own, and compares with the committed results.

    python -m benchmarks --data FOLDER --vpc CHECKOUT --out FOLDER   # all of them, into a folder
    python -m benchmarks --only metrics streaming --out FOLDER       # some
    python -m benchmarks --compare FOLDER                            # a run with the committed one

What is compared are ratios (ours against a peer in the same run), since times depend on the
machine. A ratio is worse if its median is more than a quarter worse than the committed one and the
two spreads do not meet; then the exit code is 1.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
SPEECH, B2, LLVC = ("--data",), ("--vpc",), ("--llvc",)
BENCHMARKS: dict[str, tuple[str, ...]] = {  # and which of the shared options each takes
    "startup": B2,
    "mcadams": SPEECH + B2,
    "streaming": SPEECH + B2,
    "world": SPEECH,
    "neural": SPEECH + LLVC,
    "cores": SPEECH + B2,
    "encoders": SPEECH,
    "metrics": (),
    "dp": (),
    "gateway": (),
    "corpus": SPEECH,
}
COSTS = ("times plain", "times_direct")  # ratios of which less is better; of the others more
WORSE = 1.25


def main() -> None:
    """Run or compare what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="folder of 16 kHz speech; else synthetic voices")
    parser.add_argument("--vpc", help="checkout of Voice-Privacy-Challenge-2024, for B2")
    parser.add_argument("--llvc", help="checkout of KoeAI/LLVC")
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, default=list(BENCHMARKS))
    parser.add_argument("--out", type=Path, help="where to write the results")
    parser.add_argument("--compare", type=Path, help="results to hold against the committed ones")
    options = parser.parse_args()
    if options.compare is None:
        if options.out is None:
            parser.error("give --out FOLDER, or --compare FOLDER")
        run(options)
    sys.exit(compare(options.compare or options.out, options.only))


def run(options: argparse.Namespace) -> None:
    """One after the other: they would disturb each other."""
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.only:
        shared = {"--data": options.data, "--vpc": options.vpc, "--llvc": options.llvc}
        given = [word for key in BENCHMARKS[name] if shared[key] for word in (key, shared[key])]
        print(f"\n== {name}", flush=True)
        target = str(options.out / f"{name}.json")
        command = [sys.executable, "-m", f"benchmarks.bench_{name}", *given, "--json", target]
        subprocess.run(command, check=True)


def compare(folder: Path, names: list[str]) -> int:
    """Print the ratios beside the committed ones; 1 if one is worse."""
    worse = 0
    for name in names:
        new, old = folder / f"{name}.json", RESULTS / f"{name}.json"
        if not (new.exists() and old.exists()):
            continue
        committed = dict(ratios(json.loads(old.read_text())))
        for place, ratio in ratios(json.loads(new.read_text())):
            if place not in committed:
                continue
            is_worse = got_worse(place, ratio, committed[place])
            worse |= is_worse
            print(
                f"{name}: {' / '.join(place)}: {ratio['median']:.2f}, "
                f"committed {committed[place]['median']:.2f}{'  WORSE' if is_worse else ''}"
            )
    return int(worse)


def ratios(value: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every ratio in a result, with its place."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key.startswith("times") and isinstance(inner, dict) and "median" in inner:
                yield (*place, key), inner
            else:
                yield from ratios(inner, (*place, key))


def got_worse(place: tuple[str, ...], new: Any, old: Any) -> bool:
    """Whether a ratio is worse by more than chance."""
    if place[-1] in COSTS:
        return bool(new["median"] > WORSE * old["median"] and new["min"] > old["max"])
    return bool(new["median"] * WORSE < old["median"] and new["max"] < old["min"])


if __name__ == "__main__":
    main()
