"""What two recordings look like beside each other, as plain lists that travel as JSON."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import numpy.typing as npt

from voxguard.arrays import Samples, fit
from voxguard.audio import resample
from voxguard.dsp.pitch import track_f0
from voxguard.errors import UnsupportedAudioError
from voxguard.metrics import pitch_correlation
from voxguard.utility.signal import level_change_db

SAMPLE_RATE = 16_000
HOP_S = 0.01
FLOOR_DB = -80.0  # of levels, in dBFS

_HOP, _WINDOW, _FFT = 160, 400, 512
_MOST_COLUMNS = 700
_RANGE_DB = 70.0
_LEVEL_WINDOW = 2000  # 125 ms, "fast" in a sound level meter (IEC 61672)
_ACTIVE_DB = 40.0  # levels are compared where the original is within so much of its loudest
_FEWEST = 20

Floats = npt.NDArray[np.float64]


def analyze(before: Samples, after: Samples, sample_rate: int) -> dict[str, Any]:
    """Spectrograms, pitch and level of a recording and its anonymized version.

    Of several channels the one is looked at that is loudest in the original: their mean could be
    silence.

    Args:
        before: ``(channels, n)`` float32.
        after: ``(channels, n)``, at the same rate and aligned.
        sample_rate: Hz.

    Returns:
        ``hop_s``, ``seconds``, ``spectrogram``, ``pitch`` and ``level``. What is not defined (the
        pitch of a whisper, a correlation with silence) is None.

    Raises:
        UnsupportedAudioError: Not two recordings of one shape, or empty ones.

    Example:
        >>> import voxguard
        >>> from voxguard.demo.analysis import analyze
        >>> voice = voxguard.synthetic_voice(seconds=2.0)[None]
        >>> about = analyze(voice, -0.5 * voice, 16_000)
        >>> about["pitch"]["correlation"], about["level"]["change_db"]
        (1.0, -6.0)
    """
    pair = loudest_channel(before, after, sample_rate)
    return {
        "hop_s": HOP_S,
        "seconds": before.shape[1] / sample_rate,
        "spectrogram": _spectrograms(*pair),
        "pitch": _pitch(*pair),
        "level": _level(*pair),
    }


def loudest_channel(before: Samples, after: Samples, sample_rate: int) -> tuple[Samples, Samples]:
    """The channel that is loudest before, of both, at 16 kHz.

    Args:
        before: ``(channels, n)`` float32.
        after: ``(channels, n)``.
        sample_rate: Hz.

    Returns:
        Two of ``(m,)``, m at least 1.

    Raises:
        UnsupportedAudioError: Not two recordings of one shape, or empty ones.
    """
    if before.ndim != 2 or before.shape != after.shape or not before.size:
        raise UnsupportedAudioError(
            f"got shapes {before.shape} and {after.shape}; accepted: twice (channels, n), n > 0"
        )
    loudest = int(np.argmax(np.square(before, dtype=np.float64).sum(axis=1)))
    one, other = (_at_rate(part[loudest][None], sample_rate) for part in (before, after))
    return one, other


def _at_rate(channel: Samples, sample_rate: int) -> Samples:
    converted = resample(channel, sample_rate, SAMPLE_RATE)
    single: Samples = fit(converted, max(converted.shape[1], 1))[0]
    return single


def _spectrograms(before: Samples, after: Samples) -> dict[str, Any]:
    """Both as bytes, 0 to 255 over 70 dB below the louder one's peak; rows from 0 to 8 kHz."""
    powers = [_power(part) for part in (before, after)]
    peak = max(float(power.max()) for power in powers)
    top_db = 10.0 * np.log10(max(peak, 1e-12))
    images = []
    for power in powers:
        shade = (10.0 * np.log10(np.maximum(power, 1e-14)) - top_db) / _RANGE_DB + 1.0
        images.append(np.rint(255.0 * np.clip(shade, 0.0, 1.0)).astype(np.uint8))
    return {
        "rows": int(images[0].shape[0]),
        "columns": int(images[0].shape[1]),
        "top_hz": SAMPLE_RATE // 2,
        "range_db": _RANGE_DB,
        "before": base64.b64encode(images[0].tobytes()).decode(),
        "after": base64.b64encode(images[1].tobytes()).decode(),
    }


def _power(samples: Samples) -> Floats:
    """``(257, columns)``; of a long recording, each column is the mean of some frames."""
    padded = np.pad(samples, (_WINDOW // 2, _WINDOW - _WINDOW // 2))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    a_column = -(-len(frames) // _MOST_COLUMNS)
    window = np.hanning(_WINDOW)
    columns = [
        np.mean(np.abs(np.fft.rfft(frames[start : start + a_column] * window, _FFT)) ** 2, axis=0)
        for start in range(0, len(frames), a_column)
    ]
    return np.asarray(np.stack(columns, axis=1) / np.sum(window) ** 2)


def _pitch(before: Samples, after: Samples) -> dict[str, Any]:
    tracks = [track_f0(part) for part in (before, after)]
    correlation = pitch_correlation(*tracks)
    medians = [float(np.median(f0[f0 > 0])) if (f0 > 0).any() else None for f0 in tracks]
    return {
        "before_hz": _plain(tracks[0], tracks[0] > 0),
        "after_hz": _plain(tracks[1], tracks[1] > 0),
        "before_median_hz": _rounded(medians[0]),
        "after_median_hz": _rounded(medians[1]),
        "correlation": None if correlation is None else round(correlation, 3),
    }


def _level(before: Samples, after: Samples) -> dict[str, Any]:
    contours = [_contour_db(part) for part in (before, after)]
    change = level_change_db(before, after, SAMPLE_RATE)
    active = contours[0] > max(contours[0].max() - _ACTIVE_DB, FLOOR_DB)
    return {
        "before_db": _plain(contours[0]),
        "after_db": _plain(contours[1]),
        "change_db": _rounded(change) if np.isfinite(change) else None,
        "correlation": _correlation(*(contour[active] for contour in contours)),
    }


def _contour_db(samples: Samples) -> Floats:
    """Root mean square of 125 ms every 10 ms, in dBFS."""
    padded = np.pad(samples.astype(np.float64), _LEVEL_WINDOW // 2)
    energy = np.concatenate([[0.0], np.cumsum(padded**2)])
    starts = np.arange(0, len(samples) + 1, _HOP)
    power = np.maximum(energy[starts + _LEVEL_WINDOW] - energy[starts], 0.0) / _LEVEL_WINDOW
    return np.asarray(10.0 * np.log10(np.maximum(power, 10.0 ** (FLOOR_DB / 10.0))))


def _correlation(before: Floats, after: Floats) -> float | None:
    if len(before) < _FEWEST or min(before.std(), after.std()) < 1e-6:
        return None
    return round(float(np.corrcoef(before, after)[0, 1]), 3)


def _plain(track: npt.NDArray[Any], defined: npt.NDArray[np.bool_] | None = None) -> list[Any]:
    rounded = np.round(track.astype(np.float64), 1).tolist()
    if defined is None:
        return list(rounded)
    return [value if here else None for value, here in zip(rounded, defined, strict=True)]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
