"""What a model is asked, what it answers, and what some models can do besides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from voxguard.arrays import Samples
from voxguard.errors import ConfigurationError

Array = npt.NDArray[np.float32]


class AudioModel(Protocol):
    """An audio LLM: any callable of this form, a function as well as an object.

    An attribute ``name`` is what reports call it.

    Example:
        >>> def deaf(samples, sample_rate, prompt):
        ...     return "I cannot tell."
        >>> deaf(None, 16_000, "Who speaks?")
        'I cannot tell.'
    """

    def __call__(self, samples: Samples | None, sample_rate: int, prompt: str) -> str:
        """Answer a question about a clip.

        Args:
            samples: ``(n,)`` float32, mono; None: the request has no audio part at all.
            sample_rate: Hz.
            prompt: The question.

        Raises:
            ModelError: It could not be asked.
        """


@dataclass(frozen=True)
class TextScores:
    """How likely a model finds a text, token by token.

    Attributes:
        tokens: The ``n`` tokens as text.
        log_probability: ``(n,)``, natural logarithm, of each token given all before it.
        distribution: ``(n, V)``, natural logarithms of the probabilities of all V tokens there.

    Example:
        >>> import numpy as np
        >>> from voxguard.audiollm import TextScores
        >>> halves = np.log(np.full((1, 2), 0.5, dtype=np.float32))
        >>> len(TextScores(("yes",), halves[:, 0], halves))
        1
    """

    tokens: tuple[str, ...]
    log_probability: Array
    distribution: Array

    def __len__(self) -> int:
        return len(self.tokens)


@runtime_checkable
class ScoresText(Protocol):
    """A model that tells how likely it finds an answer."""

    def score(
        self, samples: Samples | None, sample_rate: int, prompt: str, text: str
    ) -> TextScores:
        """Scores of a text as the answer to a prompt about a clip."""


@runtime_checkable
class EncodesAudio(Protocol):
    """A model whose audio encoder can be looked into."""

    def states(self, samples: Samples, sample_rate: int) -> Array:
        """``(frames, width)``: what the audio encoder makes of a clip."""


def name_of(model: Any) -> str:
    """What reports call a model: its ``name``, else that of the function or class.

    Example:
        >>> from voxguard.audiollm import name_of
        >>> def deaf(samples, sample_rate, prompt):
        ...     return ""
        >>> name_of(deaf)
        'deaf'
    """
    for name in (getattr(model, "name", None), getattr(model, "__name__", None)):
        if isinstance(name, str) and name:
            return name
    return type(model).__name__


def needs(model: Any, ability: type[Any], purpose: str) -> Any:
    """The model, if it has an ability.

    Args:
        model: Any model.
        ability: :class:`ScoresText` or :class:`EncodesAudio`.
        purpose: What needs it, as the subject of a sentence.

    Raises:
        ConfigurationError: It has not.

    Example:
        >>> from voxguard.audiollm import ScoresText, needs
        >>> needs(len, ScoresText, "membership inference")
        Traceback (most recent call last):
            ...
        voxguard.errors.ConfigurationError: membership inference needs a model with score(), ...
    """
    if isinstance(model, ability):
        return model
    method = "score" if ability is ScoresText else "states"
    raise ConfigurationError(
        f"{purpose} needs a model with {method}(), which {name_of(model)} lacks; "
        "TransformersModel has it, an endpoint does not show it"
    )
