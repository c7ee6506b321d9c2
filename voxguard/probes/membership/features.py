"""What can be known of a clip without any model: metadata, words, sound."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from voxguard.arrays import Samples
from voxguard.attacks.features import acoustic_features
from voxguard.attacks.recording import SAMPLE_RATE
from voxguard.audio import resample
from voxguard.errors import ConfigurationError, CorruptAudioError, NonFiniteAudioError
from voxguard.evaluation.manifest import Utterance
from voxguard.probes.data import mono

Array = npt.NDArray[np.float64]

RECORDING_NAMES = ("level_db", "peak_db", "floor_db", "offset")

_FRAME = SAMPLE_RATE // 100
_SILENT = 1e-7  # -140 dB: below the last bit of 16
_NOT_LABELS = ("session", "role")


def measured(utterance: Utterance) -> tuple[Array, Array]:
    """What the recording of a clip tells.

    Args:
        utterance: The clip.

    Returns:
        Seconds and sample rate ``(2,)``; and
        :data:`~voxguard.attacks.features.FEATURE_NAMES`, then :data:`RECORDING_NAMES`.

    Raises:
        AudioError: It cannot be read, is empty, or not finite.
        MissingExtraError: pyworld is not installed (``eval``).
    """
    samples, rate = mono(utterance)
    if not len(samples):
        raise CorruptAudioError(f"{utterance.id}: no sample")
    if not np.isfinite(samples).all():
        raise NonFiniteAudioError(f"{utterance.id}: NaN or infinity among the samples")
    own = resample(samples[None], rate, SAMPLE_RATE)[0]
    if not len(own):
        raise CorruptAudioError(f"{utterance.id}: too short")
    sound = np.concatenate([acoustic_features(own), recording_features(own)])
    return np.array([len(samples) / rate, float(rate)]), sound


def recording_features(samples: Samples) -> Array:
    """What tells the recording rather than the speech: levels, noise floor, offset.

    Args:
        samples: ``(n,)`` at 16 kHz, n at least 1.

    Returns:
        ``(4,)``: mean level, peak, 5th percentile of the level over 10 ms, all in dB of full
        scale; mean of the samples.

    Example:
        >>> import numpy as np
        >>> from voxguard.probes.membership.features import recording_features
        >>> recording_features(np.full(16_000, 0.1)).round(3)
        array([-20. , -20. , -20. ,   0.1])
    """
    signal = np.asarray(samples, np.float64)
    whole = signal[: max(len(signal) // _FRAME, 1) * _FRAME]
    frames = whole.reshape(-1, min(_FRAME, len(whole)))
    floor = np.percentile(np.sqrt(np.mean(frames**2, axis=1)), 5.0)
    levels = np.array([np.sqrt(np.mean(signal**2)), np.abs(signal).max(), floor])
    return np.append(20.0 * np.log10(np.maximum(levels, _SILENT)), signal.mean())


def metadata_features(utterances: Sequence[Utterance], columns: Sequence[str]) -> Array:
    """Columns of the manifest, and the kind of file, as numbers.

    Numbers stay what they are; of anything else each value that occurs twice is a feature.

    Args:
        utterances: The clips, of both sides.
        columns: ``"session"``, ``"role"``, or labels.

    Returns:
        ``(n, d)``.

    Raises:
        ConfigurationError: A column that no clip has.

    Example:
        >>> from pathlib import Path
        >>> from voxguard.evaluation import Utterance
        >>> from voxguard.probes.membership.features import metadata_features
        >>> clips = [Utterance(f"{i}", Path("a.wav"), "s", labels={"age": f"{30 + i}"})
        ...          for i in range(3)]
        >>> metadata_features(clips, ["age"])
        array([[30.,  1.],
               [31.,  1.],
               [32.,  1.]])
    """
    made = [_encoded([_value(u, column) for u in utterances], column) for column in columns]
    made.append(_encoded([u.path.suffix.lower() or "none" for u in utterances], "file"))
    return np.concatenate(made, axis=1)


def _value(utterance: Utterance, column: str) -> str:
    if column in _NOT_LABELS:
        return str(getattr(utterance, column))
    return utterance.labels.get(column, "")


def _encoded(values: Sequence[str], column: str) -> Array:
    if not any(values):
        raise ConfigurationError(
            f"metadata= names {column!r}, which no clip has; it takes labels of the manifest"
        )
    numbers = [_number(value) for value in values]
    known = [number for number in numbers if number is not None]
    if len(known) == sum(map(bool, values)):
        filled = [np.mean(known) if number is None else number for number in numbers]
        missing = [float(number is None) for number in numbers]
        return np.array([filled, missing] if any(missing) else [filled], np.float64).T
    names = [name for name, count in sorted(Counter(values).items()) if count > 1]
    return np.array([[float(value == name) for name in names] for value in values])


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if np.isfinite(number) else None
