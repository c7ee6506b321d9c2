"""A corpus from start to finish, each method in a process of its own on one core.

    python -m benchmarks.bench_corpus --data FOLDER --json FILE

So many recordings of the folder are anonymized as a corpus, FLAC or WAV as they are. CPU time is
user and system of the process and what it starts, with start-up; memory is the most that any of
them held. In turn, each method as often as ``--repeats`` says.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import soundfile

import voxguard
from benchmarks.common import RATE, arguments, finish, pin, spread
from voxguard.audio import AudioWriter

METHODS = ("mcadams", "voice_conversion", "world")


def gather(source: Path | None, files: int, target: Path) -> float:
    """Put the recordings into a folder; their seconds."""
    if source is None:
        for number in range(min(files, 8)):
            with AudioWriter(target / f"{number}.flac", RATE, 1) as writer:
                writer.write(voxguard.synthetic_voice(seconds=10.0, speaker=number)[None])
    else:
        found = sorted(source.rglob("*.flac")) or sorted(source.rglob("*.wav"))
        if not found:
            sys.exit(f"{source}: no .flac or .wav files in it")
        for number, path in enumerate(found[:: max(1, len(found) // files)][:files]):
            shutil.copy(path, target / f"{number}{path.suffix}")
    return sum(soundfile.info(path).duration for path in target.iterdir())


def cost(source: Path, target: Path, method: str) -> dict[str, float]:
    """CPU seconds, and the most memory of a process in MB."""
    command = [sys.executable, "-m", "voxguard", "anonymize", str(source), str(target),
               "--engine", "local", "--jobs", "1", "--method", method]  # fmt: skip
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **quiet) as process:  # type: ignore[call-overload]
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{method}: exit code {process.returncode}")
    return {"cpu": usage.ru_utime + usage.ru_stime, "memory": usage.ru_maxrss / 1024}


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__ or "")
    pin()
    found: dict[str, list[dict[str, float]]] = {method: [] for method in METHODS}
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in"
        source.mkdir()
        seconds = gather(options.data, options.files, source)
        count = len(list(source.iterdir()))
        size = sum(path.stat().st_size for path in source.iterdir())
        for repeat in range(options.repeats):
            for method in METHODS:
                found[method].append(cost(source, Path(folder) / f"{method}-{repeat}", method))
    rows: dict[str, Any] = {}
    for method, costs in found.items():
        rows[method] = {
            "cpu_seconds": spread([one["cpu"] for one in costs]),
            "memory_mb": max(one["memory"] for one in costs),
            "real_time_a_core": spread([seconds / one["cpu"] for one in costs]),
        }
        speed, memory = rows[method]["real_time_a_core"]["median"], rows[method]["memory_mb"]
        print(f"{method:17s} {speed:.0f} times real time a core, {memory:.0f} MB")
    about = {"recordings": count, "seconds": seconds, "bytes": size}
    finish({"data": about, "methods": rows}, options.json)


if __name__ == "__main__":
    main()
