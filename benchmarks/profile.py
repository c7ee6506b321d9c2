"""Where the time of the three slowest ways goes, stage by stage, beside the least it could take.

    python -m benchmarks.profile --data FOLDER --json FILE

The functions of each stage are wrapped, and read the process' CPU time before and after; a stage
within a stage counts for itself alone. What that costs is told: the ratio of a run with the
wrappers to one without, in turn. The least is the arithmetic that a stage must do as it is defined
(matrix products, Fourier transforms, exponentials) at the speed of this core's matrix product, or
the bytes that it must read at the speed of reading as many, whichever takes longer. Both speeds are
measured in the same run, and so is how fast a Fourier transform is: never as fast as a product.

Voice conversion of recordings is timed again in long pieces, whose intermediate results do not stay
in the processor's cache, and that of live signals without the compiled step, each as a ratio.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

import numpy as np

import voxguard
from benchmarks.common import RATE, arguments, cpu_seconds, finish, pin, speech, spread
from voxguard.anonymizers.voice_conversion import VoiceConversion
from voxguard.models.block import is_compiled
from voxguard.models.optional import optional

CHUNK = 320  # samples of a live push
_FUNCTION = 10  # floating-point operations of an exponential, logarithm, sine or tangent
_FFT = 2.5 * 1024 * 10  # of a real transform of 1,024 points
_FRAMES, _CODES, _BLOCKS = 100, 50, 200  # a second: of analysis, of the network, of synthesis
_BINS, _BANDS, _PULSES = 513, 80, 150
_ENVELOPE = 3 * _FFT + _BINS * (_FUNCTION + 10)  # a frame of CheapTrick
_STAGES: dict[str, dict[str, tuple[str, ...]]] = {
    "voice_conversion": {
        "pitch": ("voxguard.models.converter.track_f0",),
        "envelope": ("voxguard.models.converter.log_mel_envelope",),
        "normalisation": tuple(
            f"voxguard.models.converter.{name}"
            for name in ("measure", "floored", "sharpened", "faded", "without_floor")
        ),
        "melody and tempo": (
            "voxguard.models.prosody.Tempo.warp",
            "voxguard.models.converter.revoiced",
            "voxguard.models.converter.pitch_features",
        ),
        "network": tuple(
            f"voxguard.models.network_numpy.NumpyNetwork.{name}"
            for name in ("content", "quantised", "said")
        ),
        "segments": ("voxguard.models.converter.segmented",),
        "synthesis": ("voxguard.models.converter.synthesize",),
        "level": ("voxguard.models.converter.levelled",),
    },
    "voice_conversion, live": {
        "pitch": ("voxguard.models.live.candidates", "voxguard.dsp.pitch.PathSearch.now"),
        "envelope": ("voxguard.models.live.envelope_at", "voxguard.models.live.log_mel"),
        "normalisation": (
            "voxguard.models.running.RunningEnvelope.normalise",
            *(f"voxguard.models.live.{name}" for name in ("sharpened", "faded", "without_floor")),
        ),
        "melody and tempo": (
            "voxguard.models.live.spoken",
            "voxguard.models.live.pitch_features",
        ),
        "network": ("voxguard.models.network_live.NetworkStream.push",),
        "synthesis": ("voxguard.dsp.vocoder.Vocoder.push",),
        "level": ("voxguard.dsp.level.LevelLoop.correct",),
    },
    "world": {
        "rumble": ("voxguard.anonymizers.world.without_rumble",),
        "pitch (pyworld)": ("pyworld.dio", "pyworld.stonemask"),
        "envelope (pyworld)": ("pyworld.cheaptrick",),
        "replacement": (
            "voxguard.dsp.world.WorldRenderer._moved",
            "voxguard.dsp.intonation.Intonation.__call__",
        ),
        "synthesis (pyworld)": ("pyworld.synthesize",),
        "level": ("voxguard.anonymizers.world.follow_level",),
    },
}


_LONG = {"dsp.vocoder._PIECE": 500, "dsp.envelope._BLOCK": 1024, "dsp.pitch._BLOCK": 4096}
_OTHERWISE: dict[str, tuple[str, dict[str, int]]] = {  # and how it is named in the result
    "voice_conversion": ("times long pieces", _LONG),
    "voice_conversion, live": ("times numpy", {"models.block._AT_ONCE": 0}),
}


class Stages:
    """CPU time by stage while the stages' functions are wrapped.

    Args:
        places: Dotted names of the functions of each stage.
    """

    def __init__(self, places: dict[str, tuple[str, ...]]) -> None:
        self._places = places
        self._within: list[float] = []
        self.seconds: dict[str, float] = defaultdict(float)

    def of(self, work: Callable[[], Any]) -> float:
        """CPU seconds of some work, in all."""
        with ExitStack() as stack:
            for stage, places in self._places.items():
                for place in places:
                    owner, _, name = place.rpartition(".")
                    found = getattr(_resolved(owner), name)
                    stack.enter_context(patch(place, self._timed(stage, found)))
            taken = cpu_seconds(work)
        if missed := self._places.keys() - self.seconds.keys():
            gone = ", ".join(sorted(missed))
            raise SystemExit(f"nothing went through {gone}: it is done elsewhere by now")
        return taken

    def _timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*given: Any, **named: Any) -> Any:
            self._within.append(0.0)
            start = time.process_time()
            try:
                return function(*given, **named)
            finally:
                taken = time.process_time() - start
                self.seconds[stage] += taken - self._within.pop()
                if self._within:
                    self._within[-1] += taken

        return timed


def _resolved(place: str) -> Any:
    """The module, or the class in a module, of a dotted name."""
    head, _, last = place.rpartition(".")
    if last[0].isupper():
        return getattr(_resolved(head), last)
    return __import__(place, fromlist=["_"])


def limits() -> dict[str, dict[str, tuple[str, float, float]]]:
    """The kind of number, operations and bytes of each stage for a second of audio, at least."""
    network = VoiceConversion()
    network.weights  # noqa: B018 (loads them)
    from voxguard.anonymizers.voice_conversion import _converter

    layers = _weights(_converter(None, None).network)
    path = _FRAMES * 36 * 4  # six candidates to six
    pitch = _FRAMES * 2 * _FFT + path
    bands = _FRAMES * _BANDS * 8 * _FUNCTION + 2 * _FRAMES * _BANDS**2
    products = 2 * _CODES * layers
    synthesis = _BLOCKS * (7 * _FFT + 2 * _BINS * 3 * _FUNCTION)
    samples = 3 * 4 * RATE  # read twice, written once
    converter = {
        "pitch": ("f32", pitch, samples),
        "envelope": ("f32", _FRAMES * (_ENVELOPE + 4 * _BINS), samples),
        "normalisation": ("f32", bands, 0.0),
        "network": ("f32", products, 4 * layers / 30),  # once in 30 s
        "synthesis": ("f32", synthesis, samples),
        "level": ("f32", 4 * RATE, samples),
    }
    size = 2 if is_compiled() else 4  # bytes of a weight
    live = converter | {"network": ("f32", products, size * layers * _CODES)}  # for every code
    frames = 200
    world = {
        "rumble": ("f64", 2 * 2.5 * RATE * 19, samples),
        "pitch (pyworld)": ("f64", 8 * 2.5 * RATE * 19 + frames * 2 * _FFT, 2 * samples),
        "envelope (pyworld)": ("f64", frames * _ENVELOPE, 8 * _BINS * frames),
        "replacement": ("f32", frames * (4 * 65 * _BINS + 2 * _BINS * _FUNCTION), 0.0),
        "synthesis (pyworld)": ("f64", _PULSES * 6 * _FFT, 2 * 8 * _BINS * frames),
        "level": ("f32", 4 * RATE, samples),
    }
    return {"voice_conversion": converter, "voice_conversion, live": live, "world": world}


def _weights(network: Any) -> int:
    matrices = [m for x in (*network.encoder, *network.decoder) for m, _ in (x.taps, x.mix)]
    return sum(m.size for m in [*matrices, *(m for m, _ in (*network.enter, *network.leave))])


def peaks(bytes_read: int, repeats: int = 15) -> dict[str, float]:
    """What this core does at best: operations a second in products and transforms, bytes read."""
    found = {}
    for name, kind in (("f32", np.float32), ("f64", np.float64)):
        square = np.ones((1024, 1024), kind)
        found[name] = 2 * 1024**3 / min(cpu_seconds(lambda x=square: x @ x) for _ in range(repeats))
    frames, transforms = np.ones((64, 1024), np.float32), 20 * 64
    best = min(
        cpu_seconds(lambda: [np.fft.irfft(np.fft.rfft(frames)) for _ in range(20)])
        for _ in range(repeats)
    )
    found["transforms"] = 2 * transforms * _FFT / best
    half = np.ones(bytes_read // 8, np.float32), np.ones(bytes_read // 8, np.float32)
    best = min(cpu_seconds(lambda: [half[0] @ half[1] for _ in range(20)]) for _ in range(repeats))
    return found | {"bytes": 20 * 2 * half[0].nbytes / best}


def live(anonymizer: Any, signals: list[Any]) -> None:
    """Each signal through a session of its own, 20 ms at a time."""
    for signal in signals:
        with anonymizer.stream(RATE) as session:
            for k in range(0, len(signal), CHUNK):
                session.push(signal[k : k + CHUNK])
            session.flush()


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__ or "")
    pin()
    optional("pyworld", "world", "this benchmark")
    what, signals = speech(options.data, options.files)
    seconds = sum(len(signal) for signal in signals) / RATE
    runs: dict[str, Callable[[], Any]] = {
        "voice_conversion": _recordings("voice_conversion", signals),
        "voice_conversion, live": lambda: live(VoiceConversion(live=True), signals),
        "world": _recordings("world", signals),
    }
    for work in runs.values():
        work()
    least = limits()
    weights = least["voice_conversion, live"]["network"][2] / _CODES
    peak = peaks(int(weights))
    took: dict[str, list[dict[str, float]]] = {name: [] for name in runs}
    otherwise: dict[str, list[float]] = {name: [] for name in _OTHERWISE}
    for _ in range(options.repeats):
        for name, work in runs.items():
            stages = Stages(_STAGES[name])
            plain, total = cpu_seconds(work), stages.of(work)
            rest = total - sum(stages.seconds.values())
            took[name].append(stages.seconds | {"rest": rest, "all": total, "plain": plain})
            if name in otherwise:
                with ExitStack() as stack:
                    for place, size in _OTHERWISE[name][1].items():
                        stack.enter_context(patch(f"voxguard.{place}", size))
                    otherwise[name].append(cpu_seconds(work) / plain)
    print(f"{what}, {seconds:.0f} s; CPU time on one core, median of {options.repeats}")
    print(", ".join(f"{name} {value / 1e9:.0f} G/s" for name, value in peak.items()))
    methods = {name: _shares(rounds, least[name], peak, seconds) for name, rounds in took.items()}
    for name, ratios in otherwise.items():
        ratio = methods[name][_OTHERWISE[name][0]] = spread(ratios)
        print(f"{name}, {_OTHERWISE[name][0]}: {ratio['median']:.2f}")
    finish({"data": what, "audio_seconds": seconds, "peak": peak, "methods": methods}, options.json)


def _recordings(method: str, signals: list[Any]) -> Callable[[], Any]:
    anonymizer = voxguard.create(method)
    return lambda: [anonymizer(signal, RATE) for signal in signals]


def _shares(
    rounds: list[dict[str, float]],
    least: dict[str, tuple[str, float, float]],
    peak: dict[str, float],
    seconds: float,
) -> dict[str, Any]:
    stages: dict[str, Any] = {}
    for stage in [name for name in rounds[0] if name not in ("all", "plain")]:
        own = spread([1000 * one[stage] / seconds for one in rounds])
        row: dict[str, Any] = {
            "share": spread([one[stage] / one["all"] for one in rounds]),
            "ms": own,
        }
        if stage in least:
            kind, operations, read = least[stage]
            times = {"arithmetic": operations / peak[kind], "reading": read / peak["bytes"]}
            bound = max(times, key=lambda name: times[name])
            row |= {"least_ms": 1000 * times[bound], "bound": bound}
        stages[stage] = row
        print(f"  {stage:22s} {own['median']:7.3f} ms a second, {row['share']['median']:6.1%}")
    whole = spread([one["plain"] / seconds for one in rounds])
    wrapped = spread([one["all"] / one["plain"] for one in rounds])
    print(f"in all RTF {whole['median']:.5f}; with wrappers {wrapped['median']:.2f} times that\n")
    return {"rtf": whole, "wrapped": wrapped, "stages": stages}


if __name__ == "__main__":
    main()
