"""Normalisation of a live signal, by what was heard of it so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from voxguard.dsp.envelope import BANDS
from voxguard.models.normalization import ACTIVE_NEPERS, LEAST_SPREAD, floored, frame_level
from voxguard.models.prosody import POPULATION, PitchStatistics

Floats = npt.NDArray[np.float32]

_MEMORY = 1500  # frames with speech that the averages remember
_BEFORE = 100  # frames with speech that what is expected counts for
_LEVEL_BEFORE = 5
_SYLLABLE = 10  # frames
_PEAK_FALL = _NOISE_RISE = 0.003  # nepers a frame
_ABOVE_NOISE = 2.0  # nepers: what is nearer to what is always there is no speech
_KNOCK = 20.0  # times the mean power: no frame of speech counts for more
_NOTHING = -25.0  # -109 dB: a microphone that is switched off; nothing is learnt from it
_VOICED_BEFORE, _VOICED_MEMORY = 20, 1000
_LEAST_PITCH_SPREAD = 0.05


class RunningEnvelope:
    """Level, channel and dynamics of a live signal, at first those of the population.

    Of speech, that is: they stay as they are while nobody speaks, however long.

    Args:
        population: ``mean`` and ``spread`` of 80 bands and ``level``, from the weights' file.
    """

    def __init__(self, population: Mapping[str, Sequence[float]]) -> None:
        self.level = self._usual = float(population["level"][0])
        self._mean = np.array(population["mean"], np.float32)
        self._square = np.array(population["spread"], np.float32) ** 2
        self._power = 0.0
        self._peak, self._noise = -np.inf, np.inf
        self._frames = 0

    @property
    def loudness(self) -> tuple[float, float]:
        """Log mean power of the speech, and how sure that is: 1 once a syllable was heard."""
        if not self._power:
            return self._usual, 0.0
        return float(np.log(self._power)), min(self._frames / _SYLLABLE, 1.0)

    def normalise(self, mel: Floats) -> Floats:
        """Hear one frame of log mel envelope, ``(80,)``, and give it as the network takes it."""
        loudness = float(frame_level(mel[None])[0])
        active = self._is_speech(loudness)
        if active:
            self._frames = min(self._frames + 1, _MEMORY)
            power = float(np.exp(loudness))
            if self._frames > 1:
                power = min(power, _KNOCK * self._power)
            self._power += (power - self._power) / self._frames
            told = self._frames * float(np.log(self._power))
            self.level = (_LEVEL_BEFORE * self._usual + told) / (_LEVEL_BEFORE + self._frames)
        clean = floored(mel - np.float32(self.level))
        if active:
            share = 1.0 / min(self._frames + _BEFORE, _MEMORY)
            off = clean - self._mean
            self._mean += np.float32(share) * off
            self._square += np.float32(share) * (off * (clean - self._mean) - self._square)
        spread = np.maximum(np.sqrt(np.maximum(self._square, 0.0)), LEAST_SPREAD)
        normal: Floats = ((clean - self._mean) / spread).astype(np.float32)
        assert normal.shape == (BANDS,)  # noqa: S101
        return normal

    def _is_speech(self, loudness: float) -> bool:
        """Whether a frame is near to the loud ones, and above what is always there."""
        if loudness < _NOTHING:
            return False
        self._noise = min(self._noise + _NOISE_RISE, loudness)
        if loudness < self._noise + _ABOVE_NOISE:
            return False
        self._peak = max(self._peak - _PEAK_FALL, loudness)
        return loudness > self._peak - ACTIVE_NEPERS


class RunningPitch:
    """Mean and spread of a live signal's log F0, at first those of the population."""

    def __init__(self) -> None:
        self._mean, spread = POPULATION
        self._square = spread**2
        self._frames = 0

    def hear(self, f0_hz: float) -> PitchStatistics:
        """Take the pitch of one frame, 0 where unvoiced."""
        if f0_hz > 0:
            self._frames += 1
            share = 1.0 / min(self._frames + _VOICED_BEFORE, _VOICED_MEMORY)
            off = float(np.log(f0_hz)) - self._mean
            self._mean += share * off
            self._square += share * (off**2 - self._square)
        return PitchStatistics(self._mean, max(float(np.sqrt(self._square)), _LEAST_PITCH_SPREAD))
