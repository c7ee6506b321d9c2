"""The attack on one clip: let the model write down what is said, and see how sure it is of that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from voxguard.arrays import Samples
from voxguard.audiollm import ScoresText, needs
from voxguard.errors import ModelError
from voxguard.probes.membership.scores import score_vector

Array = npt.NDArray[np.float64]

SELF, TRANSCRIPT = "self-transcription", "transcript"
NOTHING = "the model wrote nothing down"
PROMPT = "Write down what is said in the recording, word by word."


@dataclass(frozen=True, eq=False)
class Sureness:
    """How sure a model is of the words of one clip.

    Attributes:
        vectors: :func:`~voxguard.probes.membership.scores.score_vector` of what the model wrote
            (``"self-transcription"``), and of what is said (``"transcript"``).
        failed: Why there is none.
    """

    vectors: Mapping[str, Array] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)

    @property
    def final(self) -> bool:
        """Whether asking again would give the same."""
        return all(reason == NOTHING for reason in self.failed.values())


def two_stage(
    model: Any,
    samples: Samples | None,
    sample_rate: int,
    *,
    transcript: str = "",
    prompt: str = PROMPT,
) -> Sureness:
    """Have a clip transcribed, then scored.

    An attacker without the transcript scores what the model hears; one who has it, who is stronger,
    scores what is said. Either text is scored as the answer to the same prompt about the same clip.

    Args:
        model: A model with ``score``; it answers greedily.
        samples: ``(n,)``; None: no audio part.
        sample_rate: Hz.
        transcript: What is said; empty: unknown.
        prompt: Best the one that the model was trained with.

    Raises:
        ConfigurationError: The model gives no scores.
        ModelError: It does not answer at all.

    Example:
        >>> import numpy as np
        >>> from voxguard.audiollm import TextScores
        >>> from voxguard.probes.membership import two_stage
        >>> class Model:
        ...     def __call__(self, samples, sample_rate, prompt):
        ...         return "yes"
        ...     def score(self, samples, sample_rate, prompt, text):
        ...         halves = np.log(np.full((1, 2), 0.5, dtype=np.float32))
        ...         return TextScores((text,), halves[:, 0], halves)
        >>> found = two_stage(Model(), np.zeros(16_000, np.float32), 16_000, transcript="no")
        >>> sorted(found.vectors)
        ['self-transcription', 'transcript']
    """
    scoring: ScoresText = needs(model, ScoresText, "membership inference")
    answered: object = model(samples, sample_rate, prompt)
    if not isinstance(answered, str):
        raise ModelError(f"the model gave {type(answered).__name__}, not text")
    vectors, failed = {}, {}
    for name, text in ((SELF, answered.strip()), (TRANSCRIPT, transcript)):
        if not text:
            if name == SELF:
                failed[name] = NOTHING
            continue
        try:
            vectors[name] = score_vector(scoring.score(samples, sample_rate, prompt, text), text)
        except ModelError as error:
            failed[name] = str(error)
    return Sureness(vectors, failed)
