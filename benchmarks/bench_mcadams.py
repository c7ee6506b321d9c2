"""McAdams on one core: each kernel of voxguard beside VoicePrivacy's B2, in turn, in one process.

    python -m benchmarks.bench_mcadams --data FOLDER --vpc CHECKOUT --json FILE

Real-time factors are CPU time over audio time. Ratios are B2's CPU time over ours, taken round by
round. SNR is that of our output before level keeping against B2's, for the same coefficient, over
the frames that both render.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.common import (
    RATE,
    arguments,
    cpu_seconds,
    finish,
    peer_b2,
    pin,
    snr_db,
    speech,
    spread,
)
from voxguard.anonymizers.mcadams import McAdams, McAdamsVoice
from voxguard.dsp import kernel

COEFFICIENTS = (0.5, 0.7, 0.9)


def render_with(name: str, signals: list[Any], coefficient: float, keep_level: bool) -> list[Any]:
    """The whole rendering of each signal, as a call does it, on a given kernel."""
    original, kernel.name = kernel.name, lambda: name
    try:
        anonymizer = McAdams(keep_level=keep_level)
        voice = McAdamsVoice(coefficient)
        return [anonymizer.render(signal[None], RATE, voice)[0] for signal in signals]
    finally:
        kernel.name = original


def fidelity(name: str, signals: list[Any], b2: Any) -> float:
    """The lowest SNR against B2 over signals and coefficients."""
    lowest = np.inf
    for coefficient in COEFFICIENTS:
        ours = render_with(name, signals, coefficient, keep_level=False)
        for signal, mine in zip(signals, ours, strict=True):
            theirs = b2(RATE, signal, mcadams=coefficient)
            # B2 fades in over its first hop and drops the samples behind its last whole frame
            end = (1 + (len(signal) - 320) // 160) * 160
            lowest = min(lowest, snr_db(theirs[160:end], mine[160:end]))
    return float(lowest)


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__ or "")
    pin()
    what, signals = speech(options.data, options.files)
    seconds = sum(len(signal) for signal in signals) / RATE
    b2 = peer_b2(options.vpc)
    runs: dict[str, Any] = {
        name: lambda name=name: render_with(name, signals, 0.8, keep_level=True)
        for name in kernel.available()
    }
    if b2 is not None:
        runs["B2"] = lambda: [b2(RATE, signal, mcadams=0.8) for signal in signals]
    times: dict[str, list[float]] = {name: [] for name in runs}
    for work in runs.values():
        work()
    for _ in range(options.repeats):
        for name, work in runs.items():
            times[name].append(cpu_seconds(work))
    rows: dict[str, Any] = {}
    print(f"{what}, {seconds:.0f} s; CPU time on one core, median of {options.repeats}")
    for name, values in times.items():
        rows[name] = {"rtf": spread([value / seconds for value in values])}
        line = f"{name:8s} RTF {np.median(values) / seconds:.5f}"
        if b2 is not None and name != "B2":
            ratio = spread([b / ours for b, ours in zip(times["B2"], values, strict=True)])
            rows[name] |= {"times_b2": ratio, "snr_db_against_b2": fidelity(name, signals, b2)}
            line += f"   {ratio['median']:6.1f} x B2 ({ratio['min']:.1f} to {ratio['max']:.1f})"
            line += f"   SNR {rows[name]['snr_db_against_b2']:.1f} dB"
        print(line)
    finish({"data": what, "audio_seconds": seconds, "rows": rows}, options.json)


if __name__ == "__main__":
    main()
