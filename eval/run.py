"""Evaluates systems by a protocol and keeps the results beside it.

python -m eval.run libri-mini --data FOLDER [--system mcadams ...]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import voxguard
from voxguard.evaluation.report import print_report

HERE = Path(__file__).parent


def _low_latency() -> Callable[[Any, int], Any]:
    """McAdams as it is live with 5 ms of delay."""
    anonymizer = voxguard.McAdams()

    def mcadams_5ms(samples: Any, sample_rate: int) -> Any:
        with anonymizer.stream(sample_rate, max_latency_ms=5.0, on_failure="raise") as session:
            out = np.concatenate([session.push(samples), session.flush()], axis=-1)
        return out[-len(samples) :]

    return mcadams_5ms


SYSTEMS: dict[str, Callable[[], Any]] = {
    "none": lambda: None,
    "mcadams": voxguard.McAdams,
    "mcadams-5ms": _low_latency,
    "world": voxguard.World,
    "world-differential": lambda: voxguard.World(synthesis="differential"),
    "xvector-swap": voxguard.XVectorSwap,
    "voice-conversion": voxguard.VoiceConversion,
    "voice-conversion-3": lambda: voxguard.VoiceConversion(levels=3, segments=None),
    "voice-conversion-prosody": lambda: voxguard.VoiceConversion(intonation=1.0, loudness="kept"),
    "voice-conversion-level": lambda: voxguard.VoiceConversion(loudness="kept"),
    "voice-conversion-live": lambda: voxguard.VoiceConversion(live=True),
}


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("protocol", help="name of a YAML file in eval/")
    parser.add_argument("--data", required=True, help="folder that the protocol's manifest is in")
    parser.add_argument("--system", nargs="+", choices=SYSTEMS, default=list(SYSTEMS))
    parser.add_argument("--work", help="folder that keeps what is costly, between runs")
    given = parser.parse_args()
    for name in given.system:
        target = HERE / "results" / given.protocol / f"{name}.json"
        results = voxguard.evaluate(
            SYSTEMS[name](),
            HERE / f"{given.protocol}.yaml",
            data=given.data,
            name=name,
            work=given.work,
            progress=_Lines(),
            command=f"python -m eval.run {given.protocol} --data FOLDER --system {name}",
        )
        results.write(target, overwrite=True)
        print_report(results)


class _Lines:
    """Says on stderr which stage begins."""

    def __init__(self) -> None:
        self._stage = ""

    def __call__(self, stage: str, done: float, total: float | None) -> None:
        if stage != self._stage:
            self._stage = stage
            print(stage, "...", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
