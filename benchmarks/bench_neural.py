"""Neural methods on one core, beside public architectures, in turn, in one process.

    python -m benchmarks.bench_neural --data FOLDER --json FILE

Real-time factors are CPU time over audio time. The peers are those of :mod:`benchmarks.peers`; LLVC
stands beside live sessions, with ``--llvc CHECKOUT``. Ratios are a peer's CPU time over ours, taken
round by round. Batches: CPU time of the network of voice_conversion for eight recordings, one by
one, over that in one pass.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np
import torch

import voxguard
from benchmarks.common import RATE, arguments, cpu_seconds, finish, pin, speech, spread
from benchmarks.peers import hifigan, hifigan_of_wavlm, hubert, llvc, wavlm
from voxguard.models.converter import Converter

OURS: dict[str, Callable[[], Any]] = {
    "voice_conversion": voxguard.VoiceConversion,
    "voice_conversion, 3 levels": lambda: voxguard.VoiceConversion(levels=3, segments=None),
    "voice_conversion, live, at once": lambda: voxguard.VoiceConversion(live=True),
    "xvector_swap, 1 attempt": lambda: voxguard.XVectorSwap(attempts=1),
    "xvector_swap": voxguard.XVectorSwap,
}
LIVE_CHUNKS_MS = (10, 20, 100)
LLVC = "LLVC, live, 13 ms"
TOGETHER_IN = {
    "times peers": ("HuBERT base", "HiFi-GAN V1"),
    "times kNN-VC": ("WavLM-Large, 6 layers", "HiFi-GAN of kNN-VC"),
    "times LLVC": (LLVC,),
}
TOGETHER, LENGTHS_S = 8, (2, 5, 10)


def live(chunk_ms: int, signals: list[Any]) -> None:
    """Push signals chunk by chunk."""
    step = RATE * chunk_ms // 1000
    for signal in signals:
        with voxguard.VoiceConversion(live=True).stream(RATE, on_failure="raise") as session:
            for start in range(0, len(signal), step):
                session.push(signal[start : start + step])
            session.flush()


def batches(repeats: int) -> dict[str, dict[str, float]]:
    """What is gained by recordings of one length in one pass, without what keeps them apart."""
    network, rng = Converter.shipped().network, np.random.default_rng(0)
    voice = np.full(256, 1 / 16, np.float32)
    rows = {}
    for seconds in LENGTHS_S:
        frames = 100 * seconds
        mel = rng.standard_normal((TOGETHER * frames, 80)).astype(np.float32)
        tone = rng.standard_normal((TOGETHER * frames, 3)).astype(np.float32)
        parts = [slice(start, start + frames) for start in range(0, len(mel), frames)]

        def one_by_one(mel: Any = mel, tone: Any = tone, parts: Any = parts) -> None:
            for part in parts:
                network.convert(mel[part], tone[part], voice, 3)

        def at_once(mel: Any = mel, tone: Any = tone) -> None:
            network.convert(mel, tone, voice, 3)

        ratios = [cpu_seconds(one_by_one) / cpu_seconds(at_once) for _ in range(repeats + 1)]
        rows[f"{seconds} s"] = spread(ratios[1:])  # the first fills the caches
        print(f"{TOGETHER} recordings of {seconds} s in one pass: {np.median(ratios[1:]):.2f} x")
    return rows


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__ or "")
    pin()
    torch.set_num_threads(1)
    what, signals = speech(options.data, options.files)
    seconds = sum(len(signal) for signal in signals) / RATE
    runs = {name: _each(make()) for name, make in OURS.items()}
    for chunk_ms in LIVE_CHUNKS_MS:
        runs[f"voice_conversion, live, {chunk_ms} ms"] = partial(live, chunk_ms)
    peers = {
        "HuBERT base": hubert(),
        "HiFi-GAN V1": hifigan(),
        "WavLM-Large, 6 layers": wavlm(),
        "HiFi-GAN of kNN-VC": hifigan_of_wavlm(),
    }
    if options.llvc is not None:
        peers[LLVC] = llvc(options.llvc)
    times: dict[str, list[float]] = {name: [] for name in (*runs, *peers)}
    for work in runs.values():
        work(signals[:1])
    for _ in range(options.repeats):
        for name, work in runs.items():
            times[name].append(cpu_seconds(lambda work=work: work(signals)))
        with torch.inference_mode():
            for name, peer in peers.items():
                times[name].append(cpu_seconds(lambda peer=peer: [peer(s) for s in signals]))
    print(f"{what}, {seconds:.0f} s; CPU time on one core, median of {options.repeats}")
    rows: dict[str, Any] = {}
    together = {
        key: np.sum([times[part] for part in parts], axis=0)
        for key, parts in TOGETHER_IN.items()
        if all(part in times for part in parts)
    }
    for name, values in times.items():
        rows[name] = {"rtf": spread([value / seconds for value in values])}
        line = f"{name:34s} RTF {np.median(values) / seconds:.4f}"
        line += f"  {seconds / np.median(values):6.1f} x real time"
        if name in runs:
            for key, taken in together.items():
                if key != "times LLVC" or name.endswith(" ms"):
                    rows[name][key] = spread(list(taken / np.array(values)))
                    line += f"  {rows[name][key]['median']:5.1f} {key}"
        print(line)
    packages = {name: version(name) for name in ("torch", "transformers")}
    results = {"data": what, "audio_seconds": seconds, **packages, "rows": rows}
    finish({**results, "batches": batches(options.repeats)}, options.json)


def _each(anonymizer: Any) -> Callable[[list[Any]], None]:
    def work(signals: list[Any]) -> None:
        for signal in signals:
            anonymizer(signal, RATE)

    return work


if __name__ == "__main__":
    main()
