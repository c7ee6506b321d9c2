"""What the benchmarks share: the machine in words, the audio, CPU time on one core."""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import voxguard
from voxguard.audio import read

RATE = 16_000
B2_MODULE = "anonymization/modules/mcadams/anonymise_dir_mcadams_rand_seed.py"


def arguments(description: str) -> argparse.Namespace:
    """Command line of a benchmark."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, help="folder of 16 kHz speech; else synthetic voices")
    parser.add_argument("--files", type=int, default=24, help="how many files of it")
    parser.add_argument("--vpc", type=Path, help="checkout of Voice-Privacy-Challenge-2024, for B2")
    parser.add_argument("--llvc", type=Path, help="checkout of KoeAI/LLVC, for bench_neural")
    parser.add_argument("--only", nargs="+", metavar="ROW", help="some rows, for bench_cores")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path, help="where to write the results")
    return parser.parse_args()


def pin() -> None:
    """Stay on one core, if the system lets us."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def machine() -> dict[str, Any]:
    """The machine and the versions that a figure belongs to."""
    cpu = platform.processor()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = lines[0].split(":", 1)[1].strip() if lines else cpu
    packages = ("voxguard", "numpy", "scipy", "librosa")
    found = {n: importlib.metadata.version(n) for n in packages if importlib.util.find_spec(n)}
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **found,
    }


def speech(folder: Path | None, files: int) -> tuple[str, list[Any]]:
    """What is measured on: every so-many-th file of a folder, or synthetic voices."""
    if folder is None:
        count = min(files, 8)
        voices = [voxguard.synthetic_voice(seconds=10, speaker=i, seed=i) for i in range(count)]
        return f"{count} synthetic voices of 10 s", voices
    paths = sorted(folder.rglob("*.flac")) or sorted(folder.rglob("*.wav"))
    if not paths:
        sys.exit(f"{folder}: no .flac or .wav files in it")
    signals = []
    for path in paths[:: max(1, len(paths) // files)][:files]:
        samples, rate = read(path)
        if rate != RATE:
            sys.exit(f"{path.name}: {rate} Hz; this benchmark takes {RATE} Hz")
        signals.append(samples[0])
    return f"{len(signals)} files of {folder.parent.name}/{folder.name}", signals


def peer_b2(checkout: Path | None) -> Callable[..., Any] | None:
    """`anonym_v2` from a checkout of the VoicePrivacy Challenge 2024, with the librosa of today."""
    if checkout is None:
        return None
    import librosa
    import librosa.core.spectrum
    import scipy.signal

    source = (checkout / B2_MODULE).read_text()
    source = source[source.index("def anonym(") : source.index("if __name__")]
    # librosa's overlap-add is private, and renamed by Python wherever it is written in a class
    source = source.replace("librosa.core.spectrum.__overlap_add", "overlap_add")
    overlap_add = getattr(librosa.core.spectrum, "__overlap_add")
    names = {"np": np, "librosa": librosa, "scipy": scipy, "overlap_add": overlap_add}
    exec(compile(source, B2_MODULE, "exec"), names)  # noqa: S102
    peer: Callable[..., Any] = names["anonym_v2"]
    return peer


def cpu_seconds(work: Callable[[], Any]) -> float:
    """CPU time, user and system, of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def spread(values: list[float]) -> dict[str, float]:
    """Median and range."""
    return {"median": float(np.median(values)), "min": min(values), "max": max(values)}


def snr_db(reference: Any, other: Any) -> float:
    """Signal-to-noise ratio in dB."""
    reference, other = np.asarray(reference, float), np.asarray(other, float)
    noise = np.mean((reference - other) ** 2)
    return float(10 * np.log10(np.mean(reference**2) / noise)) if noise else float("inf")


def finish(results: dict[str, Any], path: Path | None) -> None:
    """Write the results with the machine that made them."""
    if path is not None:
        path.write_text(json.dumps({"machine": machine(), **results}, indent=2) + "\n")
