"""Anonymizers, an attacker's encoder, metrics, and peers, on one core and on all, a process each.

    python -m benchmarks.bench_cores --data FOLDER --vpc CHECKOUT --json FILE

Speed is audio time, or millions of scores, over wall time: of one process that has the machine to
itself, and of all that work at the same time, until the last of them is done. What a core loses to
its neighbours (memory, caches, two threads of one core, the clock) is in the ratio.
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

from benchmarks.bench_metrics import normal_scores
from benchmarks.common import RATE, arguments, finish, peer_b2, speech, spread

Work = Callable[[Any], Any]
CHUNK = RATE // 50
B2, NEURAL = "VoicePrivacy 2024 B2", "HuBERT base + HiFi-GAN V1"
DVECTOR, RESEMBLYZER = "d-vector of an attacker", "resemblyzer"
METRICS = {"EER": "eer", "C_llr": "cllr", "C_llr^min": "min_cllr"}
SKLEARN = "EER, scikit-learn"
TRIALS, UNIT = 250_000, 1_000_000


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
    if name in METRICS or name == SKLEARN:
        from benchmarks.bench_metrics import OURS as METRIC
        from benchmarks.bench_metrics import sklearn_eer

        metric = sklearn_eer() if name == SKLEARN else METRIC[METRICS[name]]
        return lambda scores: metric(*scores)
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


def worker(core: int, name: str, vpc: Path | None, pieces: list[Any], pipe: Any) -> None:
    """Works whenever it is told to, and says how long it took."""
    warnings.simplefilter("ignore")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
    work = make(name, vpc)
    work(pieces[0])
    pipe.send("ready")
    while pipe.recv():
        start = time.perf_counter()
        for piece in pieces:
            work(piece)
        pipe.send(time.perf_counter() - start)


def measure(name: str, options: Any, pieces: list[Any], amount: float) -> dict[str, Any]:
    """Speeds on one core and on all, and their ratio, round by round."""
    spawn, pipes, processes = multiprocessing.get_context("spawn"), [], []
    for core in sorted(_cores()):
        here, there = spawn.Pipe()
        process = spawn.Process(
            target=worker, args=(core, name, options.vpc, pieces, there), daemon=True
        )
        process.start()
        there.close()
        pipes.append(here)
        processes.append(process)
    for pipe in pipes:
        pipe.recv()
    one, every = [], []
    for _ in range(options.repeats):
        one.append(amount / _longest(pipes[:1]))
        every.append(len(pipes) * amount / _longest(pipes))
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


def _row(name: str, unit: str, options: Any, pieces: list[Any], amount: float) -> dict[str, Any]:
    row = measure(name, options, pieces, amount)
    one, every, gained = (row[key]["median"] for key in row)
    print(f"{name:27s} {one:7.1f} {every:7.1f} {unit}, {gained:.2f} x", flush=True)
    return row


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__ or "")
    what, signals = speech(options.data, options.files)
    audio = [*OURS, NEURAL, *([B2] if options.vpc is not None else []), DVECTOR, RESEMBLYZER]
    score = [*METRICS, SKLEARN]
    if options.only and (unknown := set(options.only) - {*audio, *score}):
        raise SystemExit(f"no rows {sorted(unknown)}; there are {audio + score}")
    audio, score = ([x for x in names if x in (options.only or names)] for names in (audio, score))
    seconds = float(np.sum([len(signal) for signal in signals])) / RATE
    rows = {name: _row(name, "x real time", options, signals, seconds) for name in audio}
    scores = [normal_scores(TRIALS)] * (UNIT // TRIALS)
    unit = "million scores a second"
    scored = {name: _row(name, unit, options, scores, 1.0) for name in score}
    about = {"data": what, "audio_seconds": seconds, "processes": len(_cores())}
    finish({**about, "rows": rows, "scores": scored}, options.json)


if __name__ == "__main__":
    main()
