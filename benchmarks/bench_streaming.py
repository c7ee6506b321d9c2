"""Live McAdams: compute for each 10 ms of audio, and what low latency costs in likeness.

    python -m benchmarks.bench_streaming --data FOLDER --vpc CHECKOUT --json FILE

A live caller pushes 10 ms at a time. Wall time of each push is measured on one core; streams are
10 ms over the mean CPU time. Likeness is the mel log-spectral distance (40 bands, RMS over bands,
mean over frames, dB) of the low-latency rendering to that of the recording mode, beside the
distance of both to the original.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import soxr

from benchmarks.common import RATE, arguments, finish, peer_b2, pin, speech
from voxguard.anonymizers.mcadams import McAdams
from voxguard.dsp import kernel

BOUNDS = (None, 5.0, 2.5)


def push_all(signal: Any, rate: int, bound: float | None) -> tuple[Any, list[float], float]:
    """Output, wall seconds of each push of 10 ms, and the stated latency."""
    session = McAdams(coefficient=0.8).stream(rate, max_latency_ms=bound)
    hop, out, times = rate // 100, [], []
    for start in range(0, len(signal), hop):
        before = time.perf_counter()
        out.append(session.push(signal[start : start + hop]))
        times.append(time.perf_counter() - before)
    out.append(session.flush())
    return np.concatenate(out), times, session.latency_ms


def mel_db(signal: Any) -> Any:
    """40 mel bands in dB, 10 ms apart."""
    import librosa

    power = librosa.feature.melspectrogram(y=signal, sr=RATE, n_fft=512, hop_length=160, n_mels=40)
    return 10 * np.log10(power + 1e-7)


def distance(a: Any, b: Any) -> float:
    """Mel log-spectral distance in dB."""
    return float(np.sqrt(np.mean((mel_db(a) - mel_db(b)) ** 2, axis=0)).mean())


def timed(signal: Any, rate: int, bound: float | None) -> dict[str, float]:
    """Latency, microseconds per push, and live streams that a core carries."""
    push_all(signal, rate, bound)
    before = time.process_time()
    _, times, latency = push_all(signal, rate, bound)
    cpu = (time.process_time() - before) / len(times)
    p50, p99 = np.percentile(times, [50, 99]) * 1e6
    return {"latency_ms": latency, "p50_us": p50, "p99_us": p99, "streams_a_core": 0.01 / cpu}


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__ or "")
    pin()
    what, signals = speech(options.data, options.files)
    live = np.concatenate(signals)[: 60 * RATE]
    rows = []
    print(f"{what}; pushes of 10 ms on one core, kernel {kernel.name()}")
    for rate in (8_000, 16_000, 24_000, 48_000):
        signal = live if rate == RATE else soxr.resample(live, RATE, rate)
        for bound in BOUNDS:
            row = {"rate": rate, **timed(signal, rate, bound)}
            rows.append(row)
            print(
                f"{rate:6d} Hz  latency {row['latency_ms']:5.2f} ms   p50 {row['p50_us']:5.0f} us"
                f"   p99 {row['p99_us']:5.0f} us   {row['streams_a_core']:5.0f} streams a core"
            )
    b2_row: dict[str, float] = {}
    if b2 := peer_b2(options.vpc):
        times = []
        for start in range(0, 20 * RATE, 160):  # what B2 would need: one frame for each hop
            before = time.perf_counter()
            b2(RATE, live[start : start + 320], mcadams=0.8)
            times.append(time.perf_counter() - before)
        p50, p99 = np.percentile(times, [50, 99]) * 1e6
        b2_row = {"p50_us": p50, "p99_us": p99}
        print(f"B2 called on one frame at a time: p50 {p50:.0f} us, p99 {p99:.0f} us")
    likeness = []
    exact = [push_all(signal, RATE, None)[0] for signal in signals]
    reach = np.mean([distance(a, b) for a, b in zip(exact, signals, strict=True)])
    for bound in BOUNDS[1:]:
        quick = [push_all(signal, RATE, bound)[0] for signal in signals]
        row = {
            "max_latency_ms": bound,
            "mel_lsd_to_recording_mode_db": np.mean(
                [distance(a, b) for a, b in zip(quick, exact, strict=True)]
            ),
            "mel_lsd_to_original_db": np.mean(
                [distance(a, b) for a, b in zip(quick, signals, strict=True)]
            ),
            "recording_mode_to_original_db": reach,
        }
        likeness.append(row)
        print(
            f"{bound} ms: {row['mel_lsd_to_recording_mode_db']:.2f} dB from the recording mode, "
            f"{row['mel_lsd_to_original_db']:.2f} dB from the original (recording mode {reach:.2f})"
        )
    finish(
        {"data": what, "kernel": kernel.name(), "rows": rows, "b2": b2_row, "likeness": likeness},
        options.json,
    )


if __name__ == "__main__":
    main()
