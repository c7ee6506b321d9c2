"""What pitch and timing of an utterance come to in numbers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from voxguard.arrays import Samples
from voxguard.attacks.recording import SAMPLE_RATE
from voxguard.errors import UnsupportedAudioError
from voxguard.models.optional import optional
from voxguard.models.short import repeated

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Scales = dict[str, tuple[float, float]]

# Mean and standard deviation over 253 speakers of LibriSpeech train-clean, each counting as one
# whatever the number of utterances (1042 in all).
# fmt: off
PITCH: Scales = {
    "f0_mean": (7.255, 0.438), "f0_low": (6.901, 0.443), "f0_middle": (7.225, 0.446),
    "f0_high": (7.655, 0.493), "f0_log_spread": (-1.211, 0.291), "f0_skew": (0.604, 0.905),
    "f0_log_step": (-3.575, 0.141), "f0_slope": (-0.180, 0.109),
}
TIMING: Scales = {
    "voiced_mean": (-2.139, 0.385), "voiced_spread": (0.994, 0.177),
    "voiced_short": (-2.612, 0.516), "voiced_long": (-1.457, 0.383),
    "unvoiced_mean": (-3.220, 0.432), "unvoiced_spread": (0.922, 0.139),
    "unvoiced_short": (-3.992, 0.564), "unvoiced_long": (-2.512, 0.503),
    "pause_mean": (-3.079, 0.605), "pause_spread": (1.093, 0.384),
    "pause_short": (-3.933, 0.508), "pause_long": (-2.401, 0.907),
    "voiced_share": (0.665, 0.156), "pause_share": (0.213, 0.111), "voiced_rate": (2.925, 0.764),
    "syllable_rate": (6.971, 0.684), "modulation_2_hz": (-0.049, 0.567),
    "modulation_4_hz": (-0.455, 0.478), "modulation_8_hz": (-1.776, 0.404),
}
# fmt: on

HOP_S = 0.01
_LEAST_VOICED = 10  # frames
_PAUSE_BELOW_DB = 30.0


def statistics(samples: Samples, name: str) -> dict[str, float]:
    """Statistics of pitch (in octaves) and timing (durations as natural logarithms of seconds).

    Args:
        samples: ``(n,)`` at 16 kHz.
        name: Names the recording in errors.

    Returns:
        Those of :data:`TIMING`, and those of :data:`PITCH` if 0.1 s or more are voiced.

    Raises:
        UnsupportedAudioError: Digital silence.
        MissingExtraError: pyworld is not installed.

    Example:
        >>> import voxguard
        >>> from voxguard.attacks.encoders.prosody_statistics import statistics
        >>> low, high = (
        ...     statistics(voxguard.synthetic_voice(seconds=1.0, speaker=n), "u")["f0_mean"]
        ...     for n in (0, 1)
        ... )
        >>> low < high
        True
    """
    if not samples.any():
        raise UnsupportedAudioError(f"{name}: digital silence: there is no prosody")
    f0_hz = _f0(repeated(samples))
    voiced = f0_hz > 0.0
    level_db = _levels(repeated(samples).astype(np.float64), len(f0_hz))
    quiet = level_db < np.percentile(level_db, 95) - _PAUSE_BELOW_DB
    found = {**_durations(voiced, quiet), **_syllables(level_db, quiet)}
    if np.count_nonzero(voiced) >= _LEAST_VOICED:
        found.update(_pitch(f0_hz, voiced))
    return found


def _f0(samples: Samples) -> Floats:
    world = optional("pyworld", "eval", "the prosody encoder")
    wave = samples.astype(np.float64)
    f0_hz, times = world.dio(wave, SAMPLE_RATE, frame_period=1000.0 * HOP_S)
    return np.asarray(world.stonemask(wave, f0_hz, times, SAMPLE_RATE), dtype=np.float64)


def _pitch(f0_hz: Floats, voiced: Flags) -> dict[str, float]:
    octaves = np.log2(f0_hz[voiced])
    low, middle, high = np.percentile(octaves, (10, 50, 90))
    spread = max(float(octaves.std()), 1e-3)
    steps = np.diff(np.log2(np.where(voiced, f0_hz, 1.0)))[voiced[1:] & voiced[:-1]]
    steps = steps[np.abs(steps) < 0.1]  # greater ones are jumps of the tracker to another octave
    if not steps.size:
        steps = np.zeros(1)
    return {
        "f0_mean": float(octaves.mean()),
        "f0_low": float(low),
        "f0_middle": float(middle),
        "f0_high": float(high),
        "f0_log_spread": float(np.log(spread)),
        "f0_skew": float(np.mean(((octaves - octaves.mean()) / spread) ** 3)),
        "f0_log_step": float(np.log(np.abs(steps).mean() + 1e-4)),
        "f0_slope": float(steps.mean() / (steps.std() + 1e-4)),
    }


def _durations(voiced: Flags, quiet: Flags) -> dict[str, float]:
    kinds = {"voiced": voiced & ~quiet, "unvoiced": ~voiced & ~quiet, "pause": quiet}
    found = {}
    for kind, flags in kinds.items():
        lengths = runs(flags) * HOP_S
        logs = np.log(lengths) if lengths.size else np.log([HOP_S])
        short, long = np.percentile(logs, (25, 75))
        found[f"{kind}_mean"] = float(logs.mean())
        found[f"{kind}_spread"] = float(logs.std())
        found[f"{kind}_short"] = float(short)
        found[f"{kind}_long"] = float(long)
    speech = max(1, int(np.count_nonzero(~quiet)))
    found["voiced_share"] = int(np.count_nonzero(kinds["voiced"])) / speech
    found["pause_share"] = float(quiet.mean())
    found["voiced_rate"] = runs(kinds["voiced"]).size / (len(voiced) * HOP_S)
    return found


def _syllables(level_db: Floats, quiet: Flags) -> dict[str, float]:
    """Peaks of the loudness a second of speech, and how fast the loudness is modulated."""
    window = np.hanning(9) / np.hanning(9).sum()
    smooth = np.convolve(level_db, window, "same")
    peaks = (smooth[1:-1] > smooth[:-2]) & (smooth[1:-1] >= smooth[2:]) & ~quiet[1:-1]
    spoken_s = max(1.0, float(np.count_nonzero(~quiet)) * HOP_S)
    spectrum = np.abs(np.fft.rfft((smooth - smooth.mean()) * np.hanning(smooth.size))) ** 2
    hz = np.fft.rfftfreq(smooth.size, HOP_S)
    power = [spectrum[(hz >= low) & (hz < 2.0 * low)].sum() + 1e-9 for low in (1.0, 2.0, 4.0, 8.0)]
    return {
        "syllable_rate": float(np.count_nonzero(peaks)) / spoken_s,
        **{f"modulation_{2**n}_hz": float(np.log(power[n] / power[n - 1])) for n in (1, 2, 3)},
    }


def _levels(wave: Floats, frames: int) -> Floats:
    """Level in dB of 20 ms around each frame."""
    hop = round(HOP_S * SAMPLE_RATE)
    power = np.concatenate([[0.0], np.cumsum(wave**2)])
    centres = np.arange(frames) * hop
    low, high = np.clip(centres - hop, 0, wave.size), np.clip(centres + hop, 0, wave.size)
    mean = (power[high] - power[low]) / np.maximum(1, high - low)
    return np.asarray(10.0 * np.log10(np.maximum(mean, 0.0) + 1e-10))


def runs(flags: Flags) -> npt.NDArray[np.intp]:
    """Lengths of the stretches of True.

    Example:
        >>> import numpy as np
        >>> from voxguard.attacks.encoders.prosody_statistics import runs
        >>> runs(np.array([True, True, False, True]))
        array([2, 1])
    """
    edges = np.flatnonzero(np.diff(np.pad(flags.astype(np.int8), 1)))
    return edges[1::2] - edges[::2]
