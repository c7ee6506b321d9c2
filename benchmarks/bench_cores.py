"""Anonymizers, the attackers' encoder, and peers, on one core and on all, a process a core.

    python -m benchmarks.bench_cores --data FOLDER --vpc CHECKOUT --json FILE

Speed is audio time over wall time: of one process that has the machine to itself, and of all that
work at the same time, until the last of them is done. What a core loses to its neighbours (memory,
caches, two threads of one core, the clock) is in the ratio.
"""

from __future__ import annotations

import multiprocessing
import os
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import RATE, arguments, finish, peer_b2, speech, spread

Work = Callable[[Any], Any]
CHUNK = RATE // 50
B2, NEURAL = "VoicePrivacy 2024 B2", "HuBERT base + HiFi-GAN V1"
DVECTOR, RESEMBLYZER = "d-vector of an attacker", "resemblyzer"


def make(name: str, vpc: Path | None) -> Work:
    """What is timed, by its name in the results."""
    import torch

    import voxguard

    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    if name == B2:
        peer = peer_b2(vpc)
        if peer is None:
            raise ValueError("B2 takes --vpc")
        return lambda signal: peer(RATE, signal, mcadams=0.8)
    if name == NEURAL:
        from benchmarks.peers import hifigan, hubert

        parts = hubert(), hifigan()
        return lambda signal: [part(signal) for part in parts]
    if name in (DVECTOR, RESEMBLYZER):
        from benchmarks.bench_encoders import ours, resemblyzer

        return ours("dvector") if name == DVECTOR else resemblyzer()
    method, _, how = name.partition(", ")
    options: dict[str, Any] = {
        "differential": {"synthesis": "differential"},
        "live": {"live": True} if method == "voice_conversion" else {},
    }.get(how, {})
    anonymizer = voxguard.create(method, **options)
    return partial(_live, anonymizer) if how == "live" else partial(anonymizer, sample_rate=RATE)


def _live(anonymizer: Any, signal: Any) -> None:
    with anonymizer.stream(RATE, on_failure="raise") as session:
        for start in range(0, len(signal), CHUNK):
            session.push(signal[start : start + CHUNK])
        session.flush()


OURS = ("mcadams", "mcadams, live", "world", "world, differential", "xvector_swap",
        "voice_conversion", "voice_conversion, live")  # fmt: skip


def worker(core: int, name: str, vpc: Path | None, signals: list[Any], pipe: Any) -> None:
    """Works whenever it is told to, and says how long it took."""
    warnings.simplefilter("ignore")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
    work = make(name, vpc)
    work(signals[0])
    pipe.send("ready")
    while pipe.recv():
        start = time.perf_counter()
        for signal in signals:
            work(signal)
        pipe.send(time.perf_counter() - start)


def measure(name: str, options: Any, signals: list[Any]) -> dict[str, Any]:
    """Speeds on one core and on all, and their ratio, round by round."""
    seconds = sum(len(signal) for signal in signals) / RATE
    spawn, pipes, processes = multiprocessing.get_context("spawn"), [], []
    for core in sorted(_cores()):
        here, there = spawn.Pipe()
        process = spawn.Process(
            target=worker, args=(core, name, options.vpc, signals, there), daemon=True
        )
        process.start()
        there.close()
        pipes.append(here)
        processes.append(process)
    for pipe in pipes:
        pipe.recv()
    one, every = [], []
    for _ in range(options.repeats):
        one.append(seconds / _longest(pipes[:1]))
        every.append(len(pipes) * seconds / _longest(pipes))
    for pipe in pipes:
        pipe.send(False)
    for process in processes:
        process.join()
    gained = [both / alone for alone, both in zip(one, every, strict=True)]
    return {
        "one core": spread(one),
        "all cores": spread(every),
        "times one core": spread(gained),
    }


def _longest(pipes: list[Any]) -> float:
    for pipe in pipes:
        pipe.send(True)
    return max(float(pipe.recv()) for pipe in pipes)


def _cores() -> set[int]:
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__ or "")
    what, signals = speech(options.data, options.files)
    names = [*OURS, NEURAL, *([B2] if options.vpc is not None else []), DVECTOR, RESEMBLYZER]
    rows = {}
    for name in names:
        rows[name] = measure(name, options, signals)
        speeds = [rows[name][key]["median"] for key in ("one core", "all cores")]
        gained = rows[name]["times one core"]["median"]
        print(f"{name:27s} {speeds[0]:7.1f} {speeds[1]:7.1f} x real time, {gained:.2f} x")
    seconds = float(np.sum([len(signal) for signal in signals])) / RATE
    about = {"data": what, "audio_seconds": seconds, "processes": len(_cores())}
    finish({**about, "rows": rows}, options.json)


if __name__ == "__main__":
    main()
