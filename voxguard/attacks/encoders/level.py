"""How loud a recording is: what tells a microphone, a room and a distance, and so who is there."""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar

import numpy as np

from voxguard.arrays import Samples
from voxguard.attacks.encoders.base import Encoder, Vector, digest_of
from voxguard.attacks.recording import SAMPLE_RATE, Recording
from voxguard.dsp.loudness import speech_level
from voxguard.errors import UnsupportedAudioError

_VERSION = 1
_FRAME = SAMPLE_RATE // 50
_LEAST = 1e-12  # power; -120 dB of full scale
_LARGEST = 4.0  # standard deviations
_CONSTANT = 2.0  # vectors are compared by their angle; chosen on speakers of train-clean
# Mean and standard deviation over 239 speakers of LibriSpeech train-clean, each counting as one.
_SCALES = {"speech_db": (-21.1, 3.4), "floor_db": (-63.6, 12.6), "peak_db": (-6.1, 3.2)}


class Level(Encoder):
    """Level of the speech, of the quietest twentieth, and of the highest peak, in dB.

    A person records with one device, at one distance, in one room, for a session or for years. An
    anonymizer that keeps the level of each recording keeps that, whatever it does to the voice.
    Each level is put on a scale on which speakers of LibriSpeech have mean 0 and variance 1.

    Args:
        pauses_and_peaks: Whether the quietest twentieth and the highest peak are among the levels.
            An anonymizer that blurs these and keeps the level of the speech is better attacked
            by that alone.

    References:
        Energy beside pitch and duration as a trait of speakers: E. Shriberg et al., "Modeling
        prosodic feature sequences for speaker recognition", Speech Communication, 2005.

    Example:
        >>> import voxguard
        >>> from voxguard.attacks.encoders import create_encoder
        >>> from voxguard.attacks.recording import Recording
        >>> recording = Recording("a-1", "a", lambda: voxguard.synthetic_voice(seconds=2.0))
        >>> create_encoder("level").embed(recording).shape
        (4,)
        >>> create_encoder("level", pauses_and_peaks=False).embed(recording).shape
        (2,)
    """

    name: ClassVar[str] = "level"

    def __init__(self, *, pauses_and_peaks: bool = True) -> None:
        self.pauses_and_peaks = pauses_and_peaks

    @cached_property
    def _scales(self) -> dict[str, tuple[float, float]]:
        named = _SCALES if self.pauses_and_peaks else ("speech_db",)
        return {name: _SCALES[name] for name in named}

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the scales and the version of the code."""
        return digest_of(self.name, _VERSION, _CONSTANT, list(self._scales.items()))

    def embed(self, recording: Recording) -> Vector:
        """Vector of an utterance.

        Returns:
            ``(4,)`` or ``(2,)``: levels in standard deviations, limited to 4, and a constant.

        Raises:
            AudioError: The audio cannot be read, or is digital silence.
        """
        found = levels(recording.samples(), recording.id)
        scaled = [
            np.clip((found[name] - mean) / deviation, -_LARGEST, _LARGEST)
            for name, (mean, deviation) in self._scales.items()
        ]
        return np.array([*scaled, _CONSTANT * np.sqrt(len(scaled))], dtype=np.float64)


def levels(samples: Samples, name: str) -> dict[str, float]:
    """Levels in dB of full scale: ``speech_db``, ``floor_db``, ``peak_db``.

    Args:
        samples: ``(n,)`` at 16 kHz.
        name: Names the recording in errors.

    Raises:
        UnsupportedAudioError: Digital silence.

    Example:
        >>> import numpy as np
        >>> from voxguard.attacks.encoders.level import levels
        >>> tone = 0.1 * np.sqrt(2) * np.sin(np.arange(16_000, dtype=np.float32))
        >>> round(levels(tone, "u")["speech_db"], 1)
        -20.0
    """
    if not samples.any():
        raise UnsupportedAudioError(f"{name}: digital silence has no level")
    frames = np.pad(samples, (0, -len(samples) % _FRAME)).reshape(-1, _FRAME)
    power = np.square(frames, dtype=np.float64).mean(axis=1)
    return {
        "speech_db": float(20.0 * np.log10(speech_level(samples, SAMPLE_RATE))),
        "floor_db": float(10.0 * np.log10(np.percentile(power, 5.0) + _LEAST)),
        "peak_db": float(20.0 * np.log10(np.abs(samples).max())),
    }
