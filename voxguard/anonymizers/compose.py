"""Several anonymizers, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Unpack

import numpy as np

from voxguard.anonymizers.base import Anonymizer, PseudoVoice
from voxguard.arrays import Samples, fit
from voxguard.audio import resample
from voxguard.errors import ConfigurationError
from voxguard.pseudonym import Randomness
from voxguard.streaming import StreamRenderer


@dataclass(frozen=True, repr=False)
class ComposedVoice(PseudoVoice):
    """One pseudo-voice a part."""

    parts: tuple[PseudoVoice, ...]


class Compose(Anonymizer):
    """Applies anonymizers in order, each with a draw of its own.

    The randomness belongs to the whole: give ``key``, ``seed``, ``scope`` and ``session`` here, not
    to the parts. It streams if every part does; the latencies add up.

    Args:
        parts: At least one anonymizer.
        **randomness: See :class:`~voxguard.Anonymizer`.

    Raises:
        ConfigurationError: No parts, a part that is no anonymizer, or one with a key, seed, scope
            or session of its own.

    Example:
        >>> from voxguard import Compose, McAdams, synthetic_voice
        >>> twice = Compose([McAdams(coefficient=(0.8, 0.9)), McAdams(coefficient=(0.7, 0.9))])
        >>> twice(synthetic_voice(seconds=0.5, sample_rate=16_000), 16_000).shape
        (8000,)
    """

    name: ClassVar[str] = "compose"

    def __init__(self, parts: Sequence[Anonymizer], **randomness: Unpack[Randomness]) -> None:
        super().__init__(**randomness)
        self.parts = tuple(parts)
        if not self.parts:
            raise ConfigurationError("Compose takes at least one anonymizer, got none")
        for part in self.parts:
            if not isinstance(part, Anonymizer):
                raise ConfigurationError(f"Compose takes anonymizers, got {type(part).__name__}")
            own = part.pseudonyms
            if own.origin != "secret" or own.scope or own.session:
                raise ConfigurationError(
                    f"the draws belong to the whole chain: give key, seed, scope and session to "
                    f"Compose, not to its part {part.name}"
                )
        self.streamable = all(part.streamable for part in self.parts)

    def working_rate(self, sample_rate: int) -> int:
        """The lowest of the parts' rates, if all can work at it; else each works at its own."""
        lowest = min(part.working_rate(sample_rate) for part in self.parts)
        agreed = all(part.working_rate(lowest) == lowest for part in self.parts)
        return lowest if agreed else sample_rate

    @property
    def weights(self) -> dict[str, str]:
        """Those of all parts, by number and name."""
        return {
            f"{number}/{name}": digest
            for number, part in enumerate(self.parts)
            for name, digest in part.weights.items()
        }

    def draw(self, rng: np.random.Generator) -> ComposedVoice:
        """One draw a part, in order."""
        return ComposedVoice(tuple(part.draw(rng) for part in self.parts))

    def render(self, samples: Samples, sample_rate: int, voice: ComposedVoice) -> Samples:
        """Each part on the result of the one before, at the rate that it works at."""
        for part, own in zip(self.parts, voice.parts, strict=True):
            working = part.working_rate(sample_rate)
            if working == sample_rate:
                samples = part.render(samples, sample_rate, own)
            else:
                there = part.render(resample(samples, sample_rate, working), working, own)
                samples = fit(resample(there, working, sample_rate), samples.shape[1])
        return samples

    def open_stream(
        self, sample_rate: int, channels: int, voice: ComposedVoice, max_latency_ms: float | None
    ) -> StreamRenderer:
        """The parts' renderers in a row; a latency bound is shared out evenly."""
        if any(part.working_rate(sample_rate) != sample_rate for part in self.parts):
            raise ConfigurationError(f"a part of this chain does not stream at {sample_rate} Hz")
        share = None if max_latency_ms is None else max_latency_ms / len(self.parts)
        return _Chain(
            [
                part.open_stream(sample_rate, channels, own, share)
                for part, own in zip(self.parts, voice.parts, strict=True)
            ]
        )


class _Chain:
    def __init__(self, renderers: list[StreamRenderer]) -> None:
        self._renderers = renderers

    @property
    def latency_samples(self) -> int:
        return sum(renderer.latency_samples for renderer in self._renderers)

    def push(self, samples: Samples) -> Samples:
        for renderer in self._renderers:
            samples = renderer.push(samples)
        return samples

    def flush(self) -> Samples:
        rest = self._renderers[0].flush()
        for renderer in self._renderers[1:]:
            rest = np.concatenate([renderer.push(rest), renderer.flush()], axis=1)
        return rest
