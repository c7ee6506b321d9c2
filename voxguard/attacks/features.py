"""What can be measured of an utterance without a trained model: spectrum, energy, pitch, pauses."""

from __future__ import annotations

import warnings
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt

from voxguard.arrays import Samples
from voxguard.attacks import spectral
from voxguard.attacks.encoders.base import Encoder, digest_of
from voxguard.attacks.recording import SAMPLE_RATE, Recording
from voxguard.models.optional import optional

Floats = npt.NDArray[np.float64]

HOP_MS = 10.0
F0_HZ = (71.0, 800.0)
ACTIVE_DB = 30.0  # a frame is speech if it is within so much of the loud ones
SHORTEST_PAUSE_MS = 100.0

_VERSION = 2
_HOP = int(HOP_MS * 0.001 * SAMPLE_RATE)
_WINDOW, _FFT = 400, 512
_MELS, _MFCCS, _BANDS = 40, 20, 5
_HERTZ: Floats = np.fft.rfftfreq(_FFT, 1.0 / SAMPLE_RATE).astype(np.float64)
_NO_PITCH = np.log2(150.0)  # between the sexes: says nothing

_SHAPES = ("centroid", "bandwidth", "rolloff", "log_flatness")
FEATURE_NAMES: tuple[str, ...] = (
    *(f"mfcc{k}_{what}" for what in ("mean", "std", "delta_std") for k in range(_MFCCS)),
    *(f"{shape}_{what}" for what in ("mean", "std") for shape in _SHAPES),
    *(f"contrast{k}_{what}" for what in ("mean", "std") for k in range(_BANDS + 1)),
    *("level_std_db", "level_range_db", "level_skew_db", "level_delta_db", "level_peaks_per_s"),
    *("f0_mean_octaves", "f0_std_octaves", "f0_low_octaves", "f0_median_octaves"),
    *("f0_high_octaves", "f0_delta_octaves", "f0_slope_octaves_per_s", "voiced_share"),
    *(
        "voiced_runs_per_s",
        "voiced_run_s",
        "speech_share",
        "pauses_per_s",
        "pause_s",
        "speech_run_s",
    ),
)


class Acoustic(Encoder):
    """Statistics of an utterance, as an encoder; see :func:`acoustic_features`.

    Example:
        >>> from voxguard.attacks.features import Acoustic
        >>> Acoustic().name
        'acoustic'
    """

    name = "acoustic"

    @property
    def fingerprint(self) -> str:
        """Hash of the code's version and of that of the package that it runs on."""
        return digest_of(self.name, _VERSION, version(_pyworld_distribution()))

    def embed(self, recording: Recording) -> Floats:
        """The statistics of one utterance, ``(len(FEATURE_NAMES),)``."""
        return acoustic_features(recording.samples())


def acoustic_features(samples: Samples) -> Floats:
    """Measure spectrum, energy, pitch and timing of an utterance.

    Of what is spectral, only the frames with speech count. The level of the recording does not.
    What an utterance does not have (pitch in a whisper, pauses in a word) gets a neutral value, so
    every number is finite for every input, silence too.

    Args:
        samples: ``(n,)`` float at 16 kHz, n at least 1.

    Returns:
        ``(len(FEATURE_NAMES),)`` float64: spectral shapes in Hz, levels in dB, pitch in octaves
        (log2 of Hz), times in s.

    Raises:
        MissingExtraError: pyworld is not installed.

    Example:
        >>> import voxguard
        >>> from voxguard.attacks.features import FEATURE_NAMES, acoustic_features
        >>> features = acoustic_features(voxguard.synthetic_voice(speaker=3))
        >>> hertz = 2 ** features[FEATURE_NAMES.index("f0_median_octaves")]
        >>> round(float(hertz))
        176
    """
    signal = np.asarray(samples, np.float64)
    loudness = np.sqrt(np.mean(signal**2))
    signal = np.pad(signal / loudness if loudness > 0 else signal, (0, max(_FFT - len(signal), 0)))
    magnitude = spectral.magnitudes(signal, n_fft=_FFT, window=_WINDOW, hop=_HOP)
    level_db = 10.0 * np.log10(np.mean(magnitude**2, axis=0) + 1e-10)
    active = level_db > np.percentile(level_db, 95.0) - ACTIVE_DB
    measured = [
        _cepstrum(magnitude, active),
        _spectrum(magnitude[:, active]),
        _energy(level_db[active]),
        _pitch(f0_track(signal)),
        _timing(active),
    ]
    return np.concatenate(measured)


def f0_track(samples: Any, sample_rate: int = SAMPLE_RATE) -> Floats:
    """Fundamental frequency every 10 ms.

    DIO and StoneMask of M. Morise et al., "WORLD: a vocoder-based high-quality speech synthesis
    system for real-time applications", IEICE Trans. E99-D, 2016.

    Args:
        samples: ``(n,)`` float.
        sample_rate: Hz.

    Returns:
        ``(m,)`` Hz, 71 to 800; 0 where unvoiced; frame k is centred on k times 10 ms.

    Raises:
        MissingExtraError: pyworld is not installed.

    Example:
        >>> import numpy as np
        >>> from voxguard.attacks.features import f0_track
        >>> pulses = np.zeros(16_000)
        >>> pulses[::100] = 1.0
        >>> float(np.median(f0_track(pulses)).round())
        160.0
    """
    pyworld = _pyworld()
    signal = np.ascontiguousarray(samples, np.float64)
    f0, times = pyworld.dio(
        signal, sample_rate, f0_floor=F0_HZ[0], f0_ceil=F0_HZ[1], frame_period=HOP_MS
    )
    refined: Floats = pyworld.stonemask(signal, f0, times, sample_rate)
    inside = (refined >= F0_HZ[0]) & (refined <= F0_HZ[1])
    return np.where(inside & np.isfinite(refined), refined, 0.0)


def _pyworld() -> Any:
    with warnings.catch_warnings():  # the original package imports pkg_resources, which warns
        warnings.simplefilter("ignore")
        return optional("pyworld", "eval", "pitch")


@lru_cache(maxsize=1)  # it looks through all that is installed
def _pyworld_distribution() -> str:
    from importlib.metadata import packages_distributions

    _pyworld()
    return packages_distributions()["pyworld"][0]


def _cepstrum(magnitude: Floats, active: npt.NDArray[np.bool_]) -> Floats:
    mfcc = spectral.mfcc(magnitude, _MFCCS, bands=_MELS, sample_rate=SAMPLE_RATE)
    delta = np.diff(mfcc, axis=1, prepend=mfcc[:, :1])[:, active]
    spoken = mfcc[:, active]
    return np.concatenate([spoken.mean(axis=1), spoken.std(axis=1), delta.std(axis=1)])


def _spectrum(magnitude: Floats) -> Floats:
    hertz = _HERTZ[:, None]
    weight = magnitude / np.maximum(magnitude.sum(axis=0), 1e-10)
    centroid = (hertz * weight).sum(axis=0)
    tracks = np.vstack(
        [
            centroid,
            np.sqrt(((hertz - centroid) ** 2 * weight).sum(axis=0)),
            spectral.rolloff(magnitude, _HERTZ),
            np.log(spectral.flatness(magnitude)),
        ]
    )
    contrast = spectral.contrast(magnitude, _HERTZ, _BANDS)
    both = [part for rows in (tracks, contrast) for part in (rows.mean(axis=1), rows.std(axis=1))]
    return np.concatenate(both)


def _energy(level_db: Floats) -> Floats:
    low, middle, high = np.percentile(level_db, [5.0, 50.0, 95.0])
    inner = level_db[1:-1]
    peaks = (inner > level_db[:-2]) & (inner >= level_db[2:]) & (inner > level_db.mean())
    delta = np.abs(np.diff(level_db)).mean() if len(level_db) > 1 else 0.0
    rate = peaks.sum() / _seconds(len(level_db))
    return np.array([level_db.std(), high - low, high + low - 2.0 * middle, delta, rate])


def _pitch(f0: Floats) -> Floats:
    voiced = f0 > 0.0
    octaves = np.log2(f0[voiced]) if voiced.any() else np.array([_NO_PITCH])
    low, middle, high = np.percentile(octaves, [5.0, 50.0, 95.0])
    steps = np.diff(np.log2(np.where(voiced, f0, 1.0)))[voiced[1:] & voiced[:-1]]
    roughness = np.abs(steps).mean() if len(steps) else 0.0
    slope = steps.sum() / _seconds(len(steps)) if len(steps) else 0.0
    runs = _runs(voiced)
    length = _seconds(runs.mean()) if len(runs) else 0.0
    statistics = [octaves.mean(), octaves.std(), low, middle, high, roughness, slope]
    return np.array([*statistics, voiced.mean(), len(runs) / _seconds(len(f0)), length])


def _timing(active: npt.NDArray[np.bool_]) -> Floats:
    spoken = np.flatnonzero(active)
    inside = active[spoken[0] : spoken[-1] + 1]  # silence at the edges is the cutter's
    pauses = _runs(~inside)
    pauses = pauses[pauses * HOP_MS >= SHORTEST_PAUSE_MS]
    speech = _seconds(inside.sum())
    pause = _seconds(pauses.mean()) if len(pauses) else 0.0
    share, rate = inside.mean(), len(pauses) / _seconds(len(inside))
    return np.array([share, rate, pause, speech / (len(pauses) + 1)])


def _runs(flags: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Lengths of the runs of true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]])))
    return edges[1::2] - edges[::2]


def _seconds(frames: Any) -> float:
    return float(frames) * HOP_MS * 0.001
