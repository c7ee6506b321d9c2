"""Whole processes: one short file beside a script that runs B2, and how every command starts.

    python -m benchmarks.bench_startup --vpc CHECKOUT --json FILE

CPU time, user and system, of the process from start to finish, in turn. The file is 10 s of a
synthetic voice; ``default`` anonymizes it by voice conversion. The bytes are those of the wheel,
which pip builds for it.
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


COMMANDS = (
    "anonymize",
    "card",
    "compare",
    "demo",
    "doctor",
    "evaluate",
    "gate",
    "keygen",
    "methods",
    "pool",
    "probe",
    "serve",
)


def starts(repeats: int) -> dict[str, dict[str, float]]:
    """CPU seconds until every command has said how it is used, and of an import."""
    commands = {name: ["-m", "voxguard", name, "--help"] for name in COMMANDS}
    commands |= {"python": ["-c", ""], "import voxguard": ["-c", "import voxguard"]}
    rows = {}
    for name, command in commands.items():
        times = [cpu_of([sys.executable, *command]) for _ in range(repeats + 1)]
        rows[name] = spread(times[1:])  # the first fills the caches
        print(f"{name:16s} {rows[name]['median']:.2f} s CPU to start")
    return rows


def wheel_bytes() -> int:
    """Size of the package as it is shipped."""
    root = str(Path(voxguard.__file__).parents[1])
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, root]
        subprocess.run(command, check=True)
        [wheel] = Path(folder).glob("*.whl")
        return wheel.stat().st_size


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__ or "")
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.wav", Path(folder) / "out.wav"
        with AudioWriter(source, RATE, 1) as writer:
            writer.write(voxguard.synthetic_voice(seconds=10.0)[None])
        files = [str(source), str(target)]
        plain = [sys.executable, "-m", "voxguard", "anonymize", *files]
        commands = {"voxguard": [*plain, "--method", "mcadams"], "default": plain}
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
    if "B2" in times:
        shares = [b2 / ours for b2, ours in zip(times["B2"], times["voxguard"], strict=True)]
        rows["voxguard"]["times B2"] = spread(shares)  # type: ignore[assignment]
    size = wheel_bytes()
    print(f"wheel     {size / 1e6:.1f} MB")
    results = {"cpu_seconds": rows, "starts": starts(options.repeats), "wheel_bytes": size}
    finish({"data": "10 s of a synthetic voice", **results}, options.json)


if __name__ == "__main__":
    main()
