"""What a run will cost, before it starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from voxguard.arrays import Samples
from voxguard.audiollm.model import AudioModel

_CHARACTERS_A_TOKEN = 4.0  # of English, roughly


@dataclass
class Cost:
    """What a model would be sent.

    Attributes:
        requests: How many.
        audio_s: Seconds of audio in all of them.
        prompt_tokens: Roughly, at four characters a token.
    """

    requests: int = 0
    audio_s: float = 0.0
    prompt_tokens: float = 0.0

    def price(self, per_audio_minute: float = 0.0, per_million_tokens: float = 0.0) -> float:
        """In the currency of the prices, which the provider's page has; answers come on top.

        Example:
            >>> from voxguard.audiollm.cost import Cost
            >>> round(Cost(requests=100, audio_s=600.0).price(per_audio_minute=0.06), 2)
            0.6
        """
        audio = self.audio_s / 60 * per_audio_minute
        return audio + self.prompt_tokens / 1e6 * per_million_tokens

    def __str__(self) -> str:
        return (
            f"{self.requests} requests, {self.audio_s / 60:.1f} minutes of audio, about "
            f"{self.prompt_tokens:.0f} tokens of prompts"
        )


def estimate(run: Callable[[AudioModel], Any]) -> Cost:
    """Count what a run would send, without sending anything.

    Args:
        run: Runs a probe on the model that it is given, without a record.

    Example:
        >>> from voxguard.audiollm import Question, ask
        >>> from voxguard.audiollm.cost import estimate
        >>> estimate(lambda model: ask(model, [Question("a", "Who?"), Question("b", "Who?")]))
        Cost(requests=2, audio_s=0.0, prompt_tokens=2.0)
    """
    cost = Cost()

    def count(samples: Samples | None, sample_rate: int, prompt: str) -> str:
        cost.requests += 1
        cost.audio_s += 0.0 if samples is None else len(samples) / sample_rate
        cost.prompt_tokens += len(prompt) / _CHARACTERS_A_TOKEN
        return ""

    run(count)
    return cost
