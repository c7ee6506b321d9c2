"""Analysis by WORLD, statistics replaced, synthesis by WORLD."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from voxguard.arrays import Samples, fit
from voxguard.audio import resample
from voxguard.dsp.bands import FLOOR, Bands
from voxguard.dsp.intonation import Intonation, Pitch
from voxguard.dsp.pitch import HOP, SAMPLE_RATE, track_f0
from voxguard.dsp.timbre import Replacement, Timbre

F0_HZ = (71.0, 500.0)
PERIODIC_DB = -60.0
BREATH_HZ, NOISE_HZ = 3_000.0, 8_000.0

_SHORTEST_S = 0.1

Signal = npt.NDArray[np.float64]
Tracker = Callable[[Any, Signal, int, float], tuple[Signal, Signal]]


def dio(world: Any, signal: Signal, sample_rate: int, frame_ms: float) -> tuple[Signal, Signal]:
    """F0 by DIO, refined by StoneMask, and the frames' times in s."""
    f0, times = world.dio(signal, sample_rate, *F0_HZ, frame_period=frame_ms)
    return world.stonemask(signal, f0, times, sample_rate), times


def harvest(world: Any, signal: Signal, sample_rate: int, frame_ms: float) -> tuple[Signal, Signal]:
    """F0 by Harvest, and the frames' times in s."""
    found: tuple[Signal, Signal] = world.harvest(signal, sample_rate, *F0_HZ, frame_period=frame_ms)
    return found


def autocorrelation(
    world: Any, signal: Signal, sample_rate: int, frame_ms: float
) -> tuple[Signal, Signal]:
    """F0 by :func:`~voxguard.dsp.pitch.track_f0`, refined by StoneMask, and the frames' times."""
    at_16k = resample(signal[None].astype(np.float32), sample_rate, SAMPLE_RATE)[0]
    coarse: Signal = track_f0(at_16k).astype(np.float64)
    frames = int(1000.0 * len(signal) / sample_rate / frame_ms) + 1
    times = np.arange(frames, dtype=np.float64) * (frame_ms / 1000.0)
    nearest = np.minimum(np.rint(times * SAMPLE_RATE / HOP).astype(np.intp), len(coarse) - 1)
    return world.stonemask(signal, coarse[nearest], times, sample_rate), times


TRACKERS: dict[str, Tracker] = {
    "dio": dio,
    "harvest": harvest,
    "autocorrelation": autocorrelation,
}


@dataclass(frozen=True, repr=False)
class Drawn:
    """Everything that is random about a rendering.

    Attributes:
        timbre: The envelope's.
        pitch: The contour's.
        breath_db: Aperiodicity at 3 kHz.
        flutter: Seed of the contour's finest movements.
    """

    timbre: Timbre
    pitch: Pitch
    breath_db: float
    flutter: int


class WorldRenderer:
    """Renders one channel, block after block.

    M. Morise, F. Yokomori, K. Ozawa, "WORLD: a vocoder-based high-quality speech synthesis system
    for real-time applications", IEICE Trans. Inf. & Syst. E99-D, 2016.

    Args:
        world: The module pyworld.
        sample_rate: Hz, 16000 or more.
        frame_ms: Distance between frames.
        tracker: Of F0.
        drawn: What is random.
    """

    def __init__(
        self, world: Any, sample_rate: int, frame_ms: float, tracker: Tracker, drawn: Drawn
    ) -> None:
        self._world, self._tracker = world, tracker
        self._rate, self._frame_ms = sample_rate, frame_ms
        bins = world.get_cheaptrick_fft_size(sample_rate, F0_HZ[0]) // 2 + 1
        self._bands = Bands(sample_rate, bins)
        self._up = self._bands.at(self._bands.bin_hz)
        self._replace = Replacement(self._bands, drawn.timbre, frame_ms)
        rng = np.random.default_rng(drawn.flutter)
        self._intonation = Intonation(drawn.pitch, frame_ms, rng)
        self._breath = self._aperiodicity(drawn.breath_db)

    def __call__(self, samples: Samples) -> Samples:
        """Render a block, ``(n,)`` to ``(n,)``."""
        length = max(len(samples), int(_SHORTEST_S * self._rate))
        signal = fit(samples[None], length)[0].astype(np.float64)
        f0, times = self._tracker(self._world, signal, self._rate, self._frame_ms)
        envelope = self._world.cheaptrick(signal, f0, times, self._rate, f0_floor=F0_HZ[0])
        moved = self._intonation(f0)
        envelope = self._moved(envelope, self._intonation.formant_scale)
        noise = np.where((moved > 0)[:, None], self._breath, 1.0)
        made = self._world.synthesize(moved, envelope, noise, self._rate, self._frame_ms)
        rendered: Samples = fit(made[None].astype(np.float32), len(samples))[0]
        return rendered

    def _moved(self, envelope: Signal, formant_scale: float) -> Signal:
        """The envelope with its statistics replaced; each frame keeps its power."""
        power = self._bands.power(envelope)
        levels = np.log((envelope / power + FLOOR).astype(np.float32)) @ self._bands.down
        bands = self._replace(levels, np.log(power[:, 0]), formant_scale)
        made: Signal = np.exp(bands @ self._up).astype(np.float64)
        made *= power / self._bands.power(made)
        return made

    def _aperiodicity(self, breath_db: float) -> Signal:
        """``(bins,)`` straight in dB between 0 Hz, 3 kHz and 8 kHz, as WORLD codes it at 16 kHz."""
        corners = [0.0, BREATH_HZ, NOISE_HZ]
        curve_db = np.interp(self._bands.bin_hz, corners, [PERIODIC_DB, breath_db, 0.0])
        share: Signal = np.minimum(10.0 ** (curve_db / 20.0), 1.0 - 1e-12)
        return share
