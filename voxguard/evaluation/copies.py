"""Finds recordings that are said to be anonymized and are the original."""

from __future__ import annotations

import numpy as np

from voxguard.arrays import Samples
from voxguard.attacks.recording import SAMPLE_RATE
from voxguard.evaluation.context import Context
from voxguard.evaluation.system import NoAnonymization

_ALIKE = 0.95  # correlation at the best lag; a rendering that changes the voice stays far below
_SECONDS = 4.0
_LAG_S = 0.25


def count_copies(context: Context) -> tuple[int, int]:
    """How many of the evaluated utterances, and of how many, were not anonymized at all."""
    evaluated = context.sets.evaluated
    if isinstance(context.system, NoAnonymization):
        return 0, len(evaluated)
    tell = context.stage("look for copies of the original")
    originals = context.speech.original(evaluated)
    copies = 0
    for number, anonymized in enumerate(context.speech.anonymized(evaluated)):
        tell(number, len(originals))
        copies += is_copy(originals[number].samples(), anonymized.samples())
    return copies, len(evaluated)


def is_copy(original: Samples, other: Samples) -> bool:
    """Whether two signals are one, but for level, polarity and a shift of up to 0.25 s.

    Example:
        >>> import numpy as np
        >>> from voxguard import synthetic_voice
        >>> from voxguard.evaluation.copies import is_copy
        >>> voice = synthetic_voice(seconds=2.0)
        >>> is_copy(voice, -0.5 * np.roll(voice, 100)), is_copy(voice, voice[::-1])
        (True, False)
    """
    size = min(len(original), len(other), round(_SECONDS * SAMPLE_RATE))
    one, two = (signal[:size].astype(np.float64) for signal in (original, other))
    scale = float(np.linalg.norm(one) * np.linalg.norm(two))
    if scale == 0.0:
        return False
    spectrum = np.fft.rfft(one, 2 * size) * np.conj(np.fft.rfft(two, 2 * size))
    correlation = np.abs(np.fft.irfft(spectrum))
    lag = min(round(_LAG_S * SAMPLE_RATE), size)
    best = max(correlation[: lag + 1].max(), correlation[-lag:].max())
    return bool(best / scale > _ALIKE)
