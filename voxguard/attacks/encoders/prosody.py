"""Pitch and timing: a voiceprint without timbre."""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar

import numpy as np

from voxguard.attacks.encoders.base import Encoder, Vector, digest_of
from voxguard.attacks.encoders.prosody_statistics import PITCH, TIMING, statistics
from voxguard.attacks.recording import Recording
from voxguard.errors import ConfigurationError

_VERSION = 1
_LARGEST = 4.0  # standard deviations: beyond lies an error of the F0 tracker
_CONSTANT = 0.5  # measured: the vectors then compare well by their angle


class Prosody(Encoder):
    """Statistics of F0, of voiced and unvoiced stretches, of pauses and of the syllable rate.

    Anonymizers that change timbre alone leave all of this as it was. Each statistic is put on a
    scale on which the speakers of LibriSpeech have mean 0 and variance 1, and a constant goes
    along, so that vectors can be compared by their angle. Where there is next to no voiced speech,
    pitch counts as that of an average speaker.

    Phone durations, which a recogniser has to find, are not among them: they cost six times as
    much.

    Args:
        pitch: Whether F0 is among the statistics.
        timing: Whether durations and rates are.

    Raises:
        ConfigurationError: Neither is asked for.
        MissingExtraError: On first use: pyworld is not installed (``eval``).

    References:
        F0 by DIO and StoneMask: M. Morise, H. Kawahara, H. Katayose, "Fast and reliable F0
        estimation method based on the period extraction of vocal fold vibration", AES 35th
        conference, 2009.
        Timing as a voiceprint: N. Tomashenko et al., "Analysis of speech temporal dynamics in the
        context of speaker verification and voice anonymization", 2024, arXiv:2412.17164.

    Example:
        >>> import voxguard
        >>> from voxguard.attacks.encoders import create_encoder
        >>> from voxguard.attacks.recording import Recording
        >>> recording = Recording("a-1", "a", lambda: voxguard.synthetic_voice(seconds=2.0))
        >>> create_encoder("prosody").embed(recording).shape
        (28,)
        >>> create_encoder("prosody", pitch=False).embed(recording).shape
        (20,)
    """

    name: ClassVar[str] = "prosody"

    def __init__(self, *, pitch: bool = True, timing: bool = True) -> None:
        if not (pitch or timing):
            raise ConfigurationError("the prosody encoder needs pitch=True or timing=True")
        self.pitch = pitch
        self.timing = timing

    @cached_property
    def _scales(self) -> dict[str, tuple[float, float]]:
        return {**(PITCH if self.pitch else {}), **(TIMING if self.timing else {})}

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the statistics, their scales and the version of the code."""
        return digest_of(self.name, _VERSION, list(self._scales.items()))

    def embed(self, recording: Recording) -> Vector:
        """Vector of an utterance.

        Returns:
            ``(d,)``: statistics in standard deviations, limited to 4, and a constant.

        Raises:
            AudioError: The audio cannot be read, or is digital silence.
        """
        found = statistics(recording.samples(), recording.id)
        scaled = [
            np.clip((found[name] - mean) / deviation, -_LARGEST, _LARGEST) if name in found else 0.0
            for name, (mean, deviation) in self._scales.items()
        ]
        return np.array([*scaled, _CONSTANT * np.sqrt(len(scaled))], dtype=np.float64)
