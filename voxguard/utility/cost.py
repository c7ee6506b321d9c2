"""What a method costs to run: computing time and memory."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voxguard.arrays import Samples
from voxguard.errors import ConfigurationError, VoxguardError

Method = Callable[[Samples, int], Any]

_CHILD = "from voxguard.utility.cost import _child; _child()"
_NOT_SENDABLE = 3  # exit status
_MEBIBYTE = 1024.0**2


@dataclass(frozen=True)
class Cost:
    """Time and memory.

    Attributes:
        rtf: Seconds of processor time, over all threads, per second of audio.
        wall_rtf: Seconds on the clock per second of audio; the one that counts for a method on an
            accelerator, and the one that other work on the machine disturbs.
        peak_memory_mib: The most main memory that the process held; see ``how``.
        seconds_of_audio: That were rendered.
        clip_rtfs: ``(n,)`` the ``rtf`` of each clip.
        how: How the memory was measured.
    """

    rtf: float
    wall_rtf: float
    peak_memory_mib: float
    seconds_of_audio: float
    clip_rtfs: npt.NDArray[np.float64]
    how: str


def measure_cost(method: Method, clips: Sequence[tuple[Samples, int]]) -> Cost:
    """Run a method over clips, after once on the first one to warm up.

    It runs in a process of its own, which is sent the method by pickle, so that the peak of memory
    is what a program needs that does nothing else: the interpreter, numpy, the method with its
    model, and the longest clip. A method that cannot be sent (a lambda, a function of the main
    program) runs in this process instead, and the peak is by how much this process grew.

    Args:
        method: ``(samples, sample_rate) -> samples``.
        clips: Samples ``(n,)`` or ``(channels, n)`` and their rates in Hz; one at least.

    Raises:
        ConfigurationError: No clip, or an empty one.
        VoxguardError: The method failed, with its own words.

    Example:
        >>> import voxguard
        >>> from voxguard.utility.cost import measure_cost
        >>> clip = voxguard.synthetic_voice(seconds=1.0), 16_000
        >>> cost = measure_cost(voxguard.McAdams(), [clip])
        >>> cost.seconds_of_audio, 0.0 < cost.rtf < 10.0, cost.peak_memory_mib > 10.0
        (1.0, True, True)
    """
    if not clips or any(not np.size(samples) for samples, _ in clips):
        raise ConfigurationError(f"got {len(clips)} clips; give one at least, none of them empty")
    try:
        parcel = pickle.dumps((method, list(clips)))
    except Exception:  # whatever a foreign __reduce__ raises: it cannot be sent
        return _here(method, clips)
    ended = subprocess.run(  # noqa: S603
        [sys.executable, "-c", _CHILD],
        input=pickle.dumps((sys.path, parcel)),
        capture_output=True,
        check=False,
    )
    if ended.returncode == _NOT_SENDABLE:
        return _here(method, clips)
    if ended.returncode:
        last = ended.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise VoxguardError(f"the method failed while its cost was measured ({last})")
    cost: Cost = pickle.loads(ended.stdout)  # noqa: S301
    return cost


def _child() -> None:
    """In the process of its own."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a method prints is no result
    paths, parcel = pickle.load(sys.stdin.buffer)  # noqa: S301
    sys.path[:] = paths
    try:
        method, clips = pickle.loads(parcel)  # noqa: S301
    except Exception:
        sys.exit(_NOT_SENDABLE)
    timed = _timed(method, clips)
    with out:
        pickle.dump(_cost(timed, clips, _peak_mib(), "peak of a process of its own"), out)


def _here(method: Method, clips: Sequence[tuple[Samples, int]]) -> Cost:
    before = _forget_peak()
    timed = _timed(method, clips)
    if before is None:
        return _cost(timed, clips, _peak_mib(), "peak of the process since its start")
    return _cost(timed, clips, _peak_mib() - before, "growth of a process that does more")


def _timed(method: Method, clips: Sequence[tuple[Samples, int]]) -> npt.NDArray[np.float64]:
    """``(n, 2)`` seconds, of the processor and on the clock."""
    method(*clips[0])
    times = []
    for samples, rate in clips:
        processor, clock = time.process_time(), time.perf_counter()
        method(samples, rate)
        times.append((time.process_time() - processor, time.perf_counter() - clock))
    return np.array(times)


def _cost(
    timed: npt.NDArray[np.float64], clips: Sequence[tuple[Samples, int]], peak: float, how: str
) -> Cost:
    seconds = np.array([np.shape(samples)[-1] / rate for samples, rate in clips])
    processor, clock = timed.sum(axis=0) / seconds.sum()
    total = float(seconds.sum())
    return Cost(float(processor), float(clock), peak, total, timed[:, 0] / seconds, how)


def _peak_mib() -> float:
    # ru_maxrss would count the parent too: Linux hands it on when a process is started
    if (peak := _status("VmHWM")) is not None:
        return peak
    try:
        import resource
    except ImportError:
        return float("nan")
    unit = 1.0 if sys.platform == "darwin" else 1024.0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / _MEBIBYTE


def _forget_peak() -> float | None:
    """Let the peak begin anew where the system can do that; what the process holds now."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return None
    return _status("VmRSS")


def _status(name: str) -> float | None:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    kibibytes = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return float(kibibytes[0]) / 1024.0 if kibibytes else None
