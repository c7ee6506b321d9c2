"""Weights at work: recordings anonymized with them, and how long that takes."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from recipes.train_voice_conversion.settings import Evaluation
from voxguard.anonymizers.voice_conversion import VoiceConversion
from voxguard.arrays import Samples
from voxguard.dsp.pitch import SAMPLE_RATE

WARM_UP = np.zeros(SAMPLE_RATE, np.float32)


class Anonymize:
    """The method as it is shipped, with a draw of its own for every name, and a stopwatch.

    Args:
        weights: A file that was exported; None for what ships.
        given: Levels, intonation, tempo and seed.
        live: Whether the weights are those for live signals.
    """

    def __init__(self, weights: Path | None, given: Evaluation, *, live: bool) -> None:
        self._method = VoiceConversion(
            levels=given.levels or None,
            segments=given.segments or None,
            intonation=given.intonation,
            tempo=given.tempo,
            live=live,
            checkpoint=weights,
            seed=given.seed,
        )
        self._method(WARM_UP, SAMPLE_RATE, utterance="")  # loads the weights
        self._audio_s = self._processor_s = self._clock_s = 0.0

    def __call__(self, samples: Samples, name: str) -> Samples:
        """Anonymize ``(n,)`` at 16 kHz; the same name gives the same pseudo-voice."""
        processor, clock = time.process_time(), time.perf_counter()
        made: Samples = self._method(samples, SAMPLE_RATE, utterance=name)
        self._processor_s += time.process_time() - processor
        self._clock_s += time.perf_counter() - clock
        self._audio_s += len(samples) / SAMPLE_RATE
        return made

    def speed(self) -> dict[str, float]:
        """Seconds of processor and clock per second of audio, as far as it was made."""
        return {
            "rtf": round(self._processor_s / self._audio_s, 4),
            "wall_rtf": round(self._clock_s / self._audio_s, 4),
            "seconds_of_audio": round(self._audio_s, 1),
        }
