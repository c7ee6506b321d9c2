"""What is measured of real speakers before a pool is fitted to them; none of it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from voxguard.arrays import Samples
from voxguard.dsp.pitch import track_f0
from voxguard.errors import ConfigurationError, UnsupportedAudioError
from voxguard.models.dvector import unit
from voxguard.models.pool import DVECTOR, SEXES, SpeakerPool
from voxguard.models.prosody import measure_pitch
from voxguard.models.speaker_space import SpeakerSpace

Floats = npt.NDArray[np.float64]

LEAST_VOICED_S = 0.5

_FRAMES_A_SECOND = 100


@dataclass(frozen=True, repr=False)
class RealVoices:
    """Voices of real speakers. They are biometric data.

    Attributes:
        vectors: ``(n, 256)`` d-vectors of unit length, a row a speaker.
        log_f0_mean: ``(n,)``, natural logarithm of Hz.
        log_f0_std: ``(n,)``, of the natural logarithm of F0 over voiced frames.
        sex: ``(n,)`` of ``"F"`` and ``"M"``.
        encoder: Which encoder's space voices are compared in.
        encoder_vectors: ``(n, d)`` of unit length in that space; None: the d-vectors.
    """

    vectors: Floats
    log_f0_mean: Floats
    log_f0_std: Floats
    sex: npt.NDArray[np.str_]
    encoder: str = DVECTOR
    encoder_vectors: Floats | None = None

    @property
    def spaces(self) -> list[Floats]:
        """The vectors in every space there is."""
        own = self.encoder_vectors
        return [self.vectors] if own is None else [self.vectors, own]


class Survey:
    """Measures the utterances of speakers, one after the other.

    Args:
        encoder: As :class:`~voxguard.models.speaker_space.SpeakerSpace` takes it. D-vectors are
            measured in any case, since voices are synthesized from them.
        device: Where encoders run, in torch's words.

    Attributes:
        guessed: Speakers whose sex was not said and has been told from the d-vector.
        unvoiced: Speakers left out because too little of what they say is voiced.

    Example:
        >>> import voxguard
        >>> from voxguard.models.real_voices import Survey
        >>> survey = Survey()
        >>> for speaker, sex in (("anna", "F"), ("bert", "M")):
        ...     voice = voxguard.synthetic_voice(seconds=2.0, speaker=ord(speaker[0]))
        ...     survey.add(speaker, voice, sex)
        >>> survey.voices().vectors.shape
        (2, 256)
    """

    def __init__(self, encoder: str = DVECTOR, *, device: str = "cpu") -> None:
        self.guessed: list[str] = []
        self.unvoiced: list[str] = []
        self._spaces = [SpeakerSpace(device=device)]
        if encoder != DVECTOR:
            self._spaces.append(SpeakerSpace(encoder, device=device))
        self._vectors: dict[str, list[list[Floats]]] = {}
        self._f0_hz: dict[str, list[npt.NDArray[np.float32]]] = {}
        self._sex: dict[str, str] = {}

    def add(self, speaker: str, samples: Samples, sex: str = "") -> None:
        """Measure an utterance.

        Args:
            speaker: Who speaks.
            samples: ``(n,)`` at 16 kHz.
            sex: ``"F"`` or ``"M"``; anything else: unknown.

        Raises:
            UnsupportedAudioError: It is silent.
            ConfigurationError: The speaker was said to be of the other sex before.
        """
        vectors = [space.embed(samples) for space in self._spaces]
        self._vectors.setdefault(speaker, []).append(vectors)
        self._f0_hz.setdefault(speaker, []).append(track_f0(samples))
        if sex in SEXES and self._sex.setdefault(speaker, sex) != sex:
            raise ConfigurationError(
                f"one speaker is said to be both {self._sex[speaker]} and {sex}"
            )

    def voices(self) -> RealVoices:
        """The speakers' mean vectors and F0 statistics.

        Raises:
            UnsupportedAudioError: Nothing voiced was added.
        """
        rows, pitch, sexes = [], [], []
        self.guessed, self.unvoiced = [], []
        for speaker, utterances in self._vectors.items():
            f0_hz = np.concatenate(self._f0_hz[speaker])
            if np.count_nonzero(f0_hz) < LEAST_VOICED_S * _FRAMES_A_SECOND:
                self.unvoiced.append(speaker)
                continue
            means = [unit(np.mean(vectors, axis=0)) for vectors in zip(*utterances, strict=True)]
            if speaker not in self._sex:
                self.guessed.append(speaker)
            sexes.append(self._sex.get(speaker) or _shipped().sex_of(means[0]))
            rows.append(means)
            pitch.append(measure_pitch(f0_hz))
        if not rows:
            raise UnsupportedAudioError("no speaker has half a second of voiced speech")
        spaces = [np.stack(vectors) for vectors in zip(*rows, strict=True)]
        return RealVoices(
            spaces[0],
            np.array([statistics.mean for statistics in pitch]),
            np.array([statistics.spread for statistics in pitch]),
            np.array(sexes),
            self._spaces[-1].name,
            spaces[1] if len(spaces) > 1 else None,
        )


@cache
def _shipped() -> SpeakerPool:
    return SpeakerPool.shipped()
