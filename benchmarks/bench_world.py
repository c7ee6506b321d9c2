"""The method `world` on one core, beside plain chains of pyworld, in turn, in one process.

    python -m benchmarks.bench_world --data FOLDER --json FILE

Real-time factors are CPU time over audio time. Ratios are the chain's CPU time over ours, taken
round by round. The chains analyse with DIO and StoneMask, or with Harvest, and with CheapTrick and
D4C, at 5 ms, shift F0 and warp the envelope by random factors, and synthesise.
"""

from __future__ import annotations

import importlib.metadata
from typing import Any

import numpy as np

from benchmarks.common import RATE, arguments, cpu_seconds, finish, pin, speech, spread
from voxguard.anonymizers.world import World
from voxguard.models.optional import optional

OURS: dict[str, dict[str, Any]] = {
    "world": {},
    "world, 10 ms": {"frame_ms": 10.0},
    "world, autocorrelation": {"f0_tracker": "autocorrelation"},
    "world, harvest": {"f0_tracker": "harvest"},
    "differential": {"synthesis": "differential"},
}
CHAINS = ("pyworld, dio", "pyworld, harvest")


def chain(world: Any, tracker: str, signal: Any) -> Any:
    """Shift F0 and warp the envelope by random factors."""
    rng = np.random.default_rng(0)
    if tracker == "dio":
        f0, times = world.dio(signal, RATE)
        f0 = world.stonemask(signal, f0, times, RATE)
    else:
        f0, times = world.harvest(signal, RATE)
    envelope = world.cheaptrick(signal, f0, times, RATE)
    noise = world.d4c(signal, f0, times, RATE)
    bins = np.arange(envelope.shape[1])
    source = np.minimum(bins / rng.uniform(0.85, 1.18), bins[-1])
    left = np.minimum(source.astype(int), bins[-1] - 1)
    share = source - left
    warped = envelope[:, left] * (1.0 - share) + envelope[:, left + 1] * share
    shifted = f0 * 2.0 ** rng.uniform(-0.5, 0.5)
    return world.synthesize(shifted, np.ascontiguousarray(warped), noise, RATE)


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__ or "")
    pin()
    pyworld = optional("pyworld", "world", "this benchmark")
    what, signals = speech(options.data, options.files)
    seconds = sum(len(signal) for signal in signals) / RATE
    doubles = [signal.astype(np.float64) for signal in signals]

    def ours(given: dict[str, Any]) -> None:
        anonymizer = World(**given)
        for signal in signals:
            anonymizer(signal, RATE)

    def theirs(tracker: str) -> None:
        for signal in doubles:
            chain(pyworld, tracker, signal)

    runs: dict[str, Any] = {
        **{name: lambda given=given: ours(given) for name, given in OURS.items()},
        **{name: lambda name=name: theirs(name.split()[-1]) for name in CHAINS},
    }
    ours({})
    theirs("dio")
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(options.repeats):
        for name, work in runs.items():
            times[name].append(cpu_seconds(work))
    rows: dict[str, Any] = {}
    print(f"{what}, {seconds:.0f} s; CPU time on one core, median of {options.repeats}")
    for name, values in times.items():
        rows[name] = {"rtf": spread([value / seconds for value in values])}
        line = f"{name:24s} RTF {np.median(values) / seconds:.5f}"
        line += f"  {seconds / np.median(values):6.1f} x real time"
        for peer in CHAINS if name in OURS else ():
            ratio = spread([a / b for a, b in zip(times[peer], values, strict=True)])
            rows[name][f"times {peer}"] = ratio
            line += f"  {ratio['median']:5.1f} x {peer}"
        print(line)
    versions = {"pyworld-prebuilt": importlib.metadata.version("pyworld-prebuilt")}
    finish({"data": what, "audio_seconds": seconds, **versions, "rows": rows}, options.json)


if __name__ == "__main__":
    main()
