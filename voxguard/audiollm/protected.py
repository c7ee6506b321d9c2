"""The same model with an anonymizer in front."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from voxguard.arrays import Samples
from voxguard.audiollm.model import (
    Array,
    AudioModel,
    EncodesAudio,
    ScoresText,
    TextScores,
    name_of,
    needs,
)


class Protected:
    """A model that hears anonymized audio only.

    Args:
        model: Any model.
        anonymizer: Any callable ``(samples, sample_rate) -> samples`` of the same length.

    Example:
        >>> import voxguard
        >>> from voxguard.audiollm import Protected
        >>> def loudness(samples, sample_rate, prompt):
        ...     return "silent" if samples is None or not samples.any() else "audible"
        >>> model = Protected(loudness, voxguard.McAdams())
        >>> model(voxguard.synthetic_voice(seconds=1.0), 16_000, "What is heard?")
        'audible'
    """

    def __init__(self, model: AudioModel, anonymizer: Callable[..., Any]) -> None:
        self.model = model
        self.anonymizer = anonymizer
        self.name = f"{name_of(model)} behind {name_of(anonymizer)}"

    def __call__(self, samples: Samples | None, sample_rate: int, prompt: str) -> str:
        """The model's answer about the anonymized clip."""
        return self.model(self._heard(samples, sample_rate), sample_rate, prompt)

    def score(
        self, samples: Samples | None, sample_rate: int, prompt: str, text: str
    ) -> TextScores:
        """The model's scores given the anonymized clip.

        Raises:
            ConfigurationError: The model has none.
        """
        model: ScoresText = needs(self.model, ScoresText, "scoring a text")
        return model.score(self._heard(samples, sample_rate), sample_rate, prompt, text)

    def states(self, samples: Samples, sample_rate: int) -> Array:
        """What the model's audio encoder makes of the anonymized clip.

        Raises:
            ConfigurationError: The model does not show it.
        """
        model: EncodesAudio = needs(self.model, EncodesAudio, "looking into the audio encoder")
        return model.states(self._rendered(samples, sample_rate), sample_rate)

    def _heard(self, samples: Samples | None, sample_rate: int) -> Samples | None:
        return None if samples is None else self._rendered(samples, sample_rate)

    def _rendered(self, samples: Samples, sample_rate: int) -> Samples:
        return np.asarray(self.anonymizer(samples, sample_rate), dtype=np.float32)
