"""How alike a speaker encoder finds the voices before and after."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import Any

import numpy as np

from voxguard.arrays import Samples
from voxguard.demo.analysis import SAMPLE_RATE
from voxguard.errors import AudioError, ConfigurationError, UnsupportedAudioError
from voxguard.models.dvector import DVectorModel
from voxguard.utility.signal import gated_level_db

STRANGERS = 0.62
"""Median cosine of two speakers of a sex; voxguard/models/weights/pool.md."""

_LEAST_S = 1.0  # the encoder fills up what is shorter with silence, and then hears that
_HALVES_S = 4.0  # shorter ones have no two halves that are worth comparing


def likeness(before: Samples, after: Samples) -> dict[str, Any]:
    """Cosines of d-vectors.

    Args:
        before: ``(n,)`` at 16 kHz.
        after: ``(n,)``, its anonymized version.

    Returns:
        ``before``: of the original's two halves, None under 4 s or if one is silent; ``after``: of
        the original and the anonymized version, 0 to 1; ``strangers``: what two people of one sex
        have in the median. Where it cannot be told, both are None and ``error`` says why.

    Example:
        >>> import voxguard
        >>> from voxguard.demo.likeness import likeness
        >>> voice = voxguard.synthetic_voice(seconds=4.0)
        >>> likeness(voice, 0.5 * voice)["after"] > 0.9
        True
    """
    about: dict[str, Any] = {"before": None, "after": None, "strangers": STRANGERS, "error": None}
    try:
        about["after"] = _cosine(before, after)
        if len(before) >= _HALVES_S * SAMPLE_RATE:
            with suppress(AudioError):  # one half may be a pause
                about["before"] = _cosine(*np.array_split(before, 2))
    except (ConfigurationError, AudioError) as error:
        about["error"] = str(error)
    return about


def _cosine(one: Samples, other: Samples) -> float:
    if min(len(one), len(other)) < _LEAST_S * SAMPLE_RATE:
        raise UnsupportedAudioError(f"{_LEAST_S:g} s of speech is needed at least")
    if not all(np.isfinite(gated_level_db(part, SAMPLE_RATE)) for part in (one, other)):
        raise UnsupportedAudioError("there is only silence, and no voice to recognise")
    embed = _encoder().embed
    return round(float(embed(one) @ embed(other)), 3)


@cache
def _encoder() -> DVectorModel:
    return DVectorModel()
