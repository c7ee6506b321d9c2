"""A whole process for one short file: ``voxguard anonymize`` beside a script that runs B2.

    python -m benchmarks.bench_startup --vpc CHECKOUT --json FILE

CPU time, user and system, of the process from start to finish, in turn. The file is 10 s of a
synthetic voice.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import voxguard
from benchmarks.common import RATE, arguments, finish, spread
from voxguard.audio import AudioWriter

B2 = """
import sys, soundfile
from pathlib import Path
from benchmarks.common import peer_b2
samples, rate = soundfile.read(sys.argv[2], dtype="float32")
soundfile.write(sys.argv[3], peer_b2(Path(sys.argv[1]))(rate, samples, mcadams=0.8), rate)
"""


def cpu_of(command: list[str]) -> float:
    """CPU seconds of a process."""
    before = os.times()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = os.times()
    return sum(after[2:4]) - sum(before[2:4])


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__ or "")
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.wav", Path(folder) / "out.wav"
        with AudioWriter(source, RATE, 1) as writer:
            writer.write(voxguard.synthetic_voice(seconds=10.0)[None])
        files = [str(source), str(target)]
        commands = {"voxguard": [sys.executable, "-m", "voxguard", "anonymize", *files]}
        if options.vpc is not None:
            commands["B2"] = [sys.executable, "-c", B2, str(options.vpc), *files]
        times: dict[str, list[float]] = {name: [] for name in commands}
        for repeat in range(options.repeats + 1):
            for name, command in commands.items():
                target.unlink(missing_ok=True)
                seconds = cpu_of(command)
                if repeat:  # the first fills the caches
                    times[name].append(seconds)
    rows = {name: spread(values) for name, values in times.items()}
    for name, row in rows.items():
        print(f"{name:9s} {row['median']:.2f} s CPU ({row['min']:.2f} to {row['max']:.2f})")
    finish({"data": "10 s of a synthetic voice", "cpu_seconds": rows}, options.json)


if __name__ == "__main__":
    main()
