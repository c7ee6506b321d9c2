"""One question about one clip, and its answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from voxguard.arrays import Samples

Audio = Callable[[], tuple[Samples, int]]


@dataclass(frozen=True)
class Question:
    """What a model is asked.

    Attributes:
        key: Unique within a record: probe, clip, condition, form. Never a secret.
        prompt: The text.
        audio: Gives ``(samples (n,), sample_rate)`` when it is asked; None: no audio part.

    Example:
        >>> import voxguard
        >>> from voxguard.audiollm import Question
        >>> Question("sex/clip-1/raw", "A man or a woman?",
        ...          lambda: (voxguard.synthetic_voice(seconds=1.0), 16_000)).key
        'sex/clip-1/raw'
    """

    key: str
    prompt: str
    audio: Audio | None = None


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        text: The answer, which may be empty; None: there was none.
        error: Why there was none.
    """

    text: str | None
    error: str | None = None
