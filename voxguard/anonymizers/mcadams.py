"""Anonymization by the McAdams coefficient."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Unpack, get_args

import numpy as np

from voxguard.anonymizers.base import Anonymizer, PseudoVoice
from voxguard.arrays import Samples
from voxguard.dsp.mcadams import REFERENCE_RATE, Plan
from voxguard.dsp.mcadams_stream import FrameStream
from voxguard.errors import ConfigurationError
from voxguard.pseudonym import Randomness
from voxguard.streaming import StreamRenderer

Distribution = Literal["uniform", "log-uniform", "triangular"]

COEFFICIENTS = (0.1, 1.5)
MIN_POLES, MAX_POLES = 4, 64
MIN_LATENCY_MS, LOW_LATENCY_MS = 2.5, 5.0
MAX_RATE = 48_000


@dataclass(frozen=True, repr=False)
class McAdamsVoice(PseudoVoice):
    """The coefficient that was drawn. Whoever knows it can all but undo the anonymization."""

    coefficient: float


class McAdams(Anonymizer):
    """Moves the formants: the angle of each complex pole becomes its power by a drawn coefficient.

    This is baseline B2 of the VoicePrivacy Challenges, and for the same coefficient gives what B2
    gives, but for the level: B2 normalises each file to full scale, this keeps the loudness. It is
    fast, small and obfuscates; it is **no protection against an attacker who trains on its output**
    (equal error rate about 5 %, as without anonymization, in VoicePrivacy 2024). Pitch, timing and
    what is said stay.

    At other rates than 16 kHz more or fewer poles are used and their frequencies move as they would
    at 16 kHz, so that formants move alike; the band above 8 kHz is stretched to fill what is left.
    Above 48 kHz the audio is rendered at 48 kHz, and is empty above 24 kHz.

    Args:
        coefficient: Range of the coefficient, or one value. Under 1 the low formants rise; the
            further from 1, the stronger. VoicePrivacy draws from 0.5 to 0.9.
        distribution: How it is drawn from the range: ``"uniform"``, ``"log-uniform"`` or
            ``"triangular"`` (most often from the middle).
        lpc_order: Poles at 16 kHz, 4 to 30; one is added (or left out) for each kHz of difference.
        frame_ms: Frame length in ms, 10 to 50.
        hop_ms: Distance between frames in ms, at least 2 and at most half a frame.
        keep_level: Keep the level and hold gain bursts. Without it the level is B2's before its
            normalisation, up to 40 dB higher; for comparisons only.
        **randomness: ``key``, ``seed``, ``scope``, ``session``; see
            :class:`~voxguard.pseudonym.Pseudonyms`.

    Raises:
        ConfigurationError: A value outside of its range.

    References:
        S. McAdams, "Spectral fusion, spectral parsing and the formation of auditory images", 1984.
        J. Patino et al., "Speaker anonymisation using the McAdams coefficient", Interspeech 2021.

    Example:
        >>> import voxguard
        >>> voice = voxguard.synthetic_voice(seconds=1.0, sample_rate=16_000)
        >>> anonymous = voxguard.McAdams(coefficient=(0.6, 0.8))(voice, 16_000)
        >>> anonymous.dtype, anonymous.shape
        (dtype('float32'), (16000,))
    """

    name: ClassVar[str] = "mcadams"
    streamable = True

    def __init__(
        self,
        *,
        coefficient: float | tuple[float, float] = (0.5, 0.9),
        distribution: Distribution = "uniform",
        lpc_order: int = 20,
        frame_ms: float = 20.0,
        hop_ms: float = 10.0,
        keep_level: bool = True,
        **randomness: Unpack[Randomness],
    ) -> None:
        super().__init__(**randomness)
        self.coefficient = _range(coefficient)
        self.distribution = distribution
        self.lpc_order = lpc_order
        self.frame_ms = float(_within("frame_ms", frame_ms, 10.0, 50.0))
        self.hop_ms = float(_within("hop_ms", hop_ms, 2.0, self.frame_ms / 2))
        self.keep_level = keep_level
        if distribution not in get_args(Distribution):
            listed = ", ".join(get_args(Distribution))
            raise ConfigurationError(f"distribution takes {listed}; got {distribution!r}")
        if not isinstance(_within("lpc_order", lpc_order, 4, 30), int):
            raise ConfigurationError(f"lpc_order takes a whole number, got {lpc_order!r}")
        if not isinstance(keep_level, bool):
            raise ConfigurationError(f"keep_level takes True or False, got {keep_level!r}")

    def draw(self, rng: np.random.Generator) -> McAdamsVoice:
        """Draw a coefficient."""
        low, high = self.coefficient
        if low == high:
            return McAdamsVoice(low)
        if self.distribution == "log-uniform":
            return McAdamsVoice(math.exp(rng.uniform(math.log(low), math.log(high))))
        if self.distribution == "triangular":
            return McAdamsVoice(rng.triangular(low, (low + high) / 2, high))
        return McAdamsVoice(rng.uniform(low, high))

    def working_rate(self, sample_rate: int) -> int:
        """The rate itself, up to 48 kHz."""
        return min(sample_rate, MAX_RATE)

    def render(self, samples: Samples, sample_rate: int, voice: McAdamsVoice) -> Samples:
        """Render ``(channels, n)`` samples, each channel by itself."""
        stream = FrameStream(self._plan(sample_rate, voice), len(samples))
        return np.concatenate([stream.push(samples), stream.flush()], axis=1)

    def open_stream(
        self, sample_rate: int, channels: int, voice: McAdamsVoice, max_latency_ms: float | None
    ) -> StreamRenderer:
        """One frame of latency, equal to a recording's rendering; or at most 5 ms."""
        if max_latency_ms is None or max_latency_ms >= self.frame_ms:
            return FrameStream(self._plan(sample_rate, voice), channels)
        if not max_latency_ms >= MIN_LATENCY_MS:
            raise ConfigurationError(
                f"{self.name} needs a latency of at least {MIN_LATENCY_MS} ms, got {max_latency_ms}"
            )
        hop_ms = min(max_latency_ms, LOW_LATENCY_MS) / 2
        plan = replace(self._plan(sample_rate, voice), hop_ms=hop_ms, prompt=True)
        return FrameStream(plan, channels)

    def _plan(self, sample_rate: int, voice: McAdamsVoice) -> Plan:
        poles = self.lpc_order + round((sample_rate - REFERENCE_RATE) / 1000)
        return Plan(
            sample_rate=sample_rate,
            frame_ms=self.frame_ms,
            hop_ms=self.hop_ms,
            order=min(max(poles, MIN_POLES), MAX_POLES),
            coefficient=voice.coefficient,
            keep_level=self.keep_level,
        )


def _range(coefficient: Any) -> tuple[float, float]:
    ends = (coefficient, coefficient) if isinstance(coefficient, int | float) else coefficient
    try:
        low, high = (float(end) for end in ends)
    except (TypeError, ValueError):
        raise ConfigurationError(
            f"coefficient takes a number or a range (low, high), got {coefficient!r}"
        ) from None
    lowest, highest = COEFFICIENTS
    if not lowest <= low <= high <= highest:
        raise ConfigurationError(
            f"coefficient takes low <= high between {lowest} and {highest}, got {coefficient!r}"
        )
    return low, high


def _within(name: str, value: Any, low: float, high: float) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ConfigurationError(f"{name} takes {low:g} to {high:g}, got {value!r}")
    return value
