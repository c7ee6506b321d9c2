"""Anonymization by replaced statistics of a vocoder's parameters."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Literal, Unpack, get_args

import numpy as np

from voxguard.anonymizers.base import Anonymizer, PseudoVoice
from voxguard.arrays import Samples
from voxguard.dsp import population
from voxguard.dsp.blocks import Renderer, render_in_blocks, without_rumble
from voxguard.dsp.differential import DifferentialRenderer
from voxguard.dsp.intonation import Pitch
from voxguard.dsp.loudness import HEADROOM, follow_level
from voxguard.dsp.timbre import BENDS, KNOTS, Timbre
from voxguard.dsp.world import TRACKERS, Drawn, WorldRenderer
from voxguard.errors import ConfigurationError
from voxguard.models.optional import optional
from voxguard.pseudonym import Randomness

Synthesis = Literal["world", "differential"]
Tracker = Literal["dio", "harvest", "autocorrelation"]

RATES = (16_000, 48_000)


@dataclass(frozen=True, repr=False)
class WorldVoice(PseudoVoice):
    """The statistics that were drawn. Whoever knows them can undo what they did, in part."""

    drawn: Drawn


class World(Anonymizer):
    """Replaces what is lasting about a voice: mean envelopes, vocal-tract length, pitch, breath.

    WORLD takes the recording apart into pitch, spectral envelope and aperiodicity. The envelope's
    mean over the speech, and over each of 16 kinds of sound, becomes a population's plus a random
    smooth offset. Formants are brought from where the mean F0 lets one expect them to where the
    draw wants them, and each region is bent a little further. F0 gets a drawn mean and spread, and
    its finest movements and the aperiodicity are drawn anew. Then WORLD synthesises: nothing of the
    wave is left. Replacing statistics hides more than shifting them, yet how the envelope moves is
    still the speaker's, and so are melody and timing: **against an attacker who trains on its
    output it is weak**.

    With ``synthesis="differential"`` the wave is filtered by target over source envelope. Pitch,
    breath and timing stay, and it protects less; it takes a small part of the time, and needs no
    pyworld.

    Statistics are taken over blocks of 20 s, those of earlier blocks count with half their weight,
    and blocks are joined where it is quiet; so besides the recording itself memory is bounded. The
    speakers of a conversation get one voice, and what tells them apart is lost in part only. Below
    16 kHz audio is rendered at 16 kHz, above 48 kHz at 48 kHz. Beyond 8 kHz, where the population
    was not measured, the envelope changes by what it changes by at 8 kHz. What lies below 65 Hz
    (hum, wind) is taken out.

    Args:
        synthesis: ``"world"`` or ``"differential"``; of the options below the latter heeds only
            ``formant_scale``, ``bend`` and ``offset_db``.
        f0_tracker: ``"dio"`` (with StoneMask), ``"harvest"`` (slower by far), or
            ``"autocorrelation"`` (voxguard's own, with StoneMask).
        f0_hz: Range of the mean F0 in Hz, or one value; 60 to 300.
        f0_spread: Range of the spread of ln F0 relative to the population's, or one value; 0 (a
            monotone) to 2.
        formant_scale: Range of the formants' frequencies relative to the population's, or one
            value; 0.7 to 1.4.
        bend: How far single regions of frequency move besides, at most; 0 to 0.1 of the frequency.
        offset_db: How far the mean envelope is from the population's, at most; 0 to 12 dB.
        breath_db: How far the aperiodicity is from the population's, at most; 0 to 6 dB.
        frame_ms: Distance between frames in ms, 2 to 10.
        **randomness: ``key``, ``seed``, ``scope``, ``session``; see
            :class:`~voxguard.pseudonym.Pseudonyms`.

    Raises:
        ConfigurationError: A value outside of its range.
        MissingExtraError: pyworld is not installed, and ``synthesis`` is ``"world"``.

    References:
        M. Morise, F. Yokomori, K. Ozawa, "WORLD: a vocoder-based high-quality speech synthesis
        system for real-time applications", IEICE Trans. Inf. & Syst. E99-D, 2016.

    Example:
        >>> import voxguard
        >>> voice = voxguard.synthetic_voice(seconds=1.0, sample_rate=16_000)
        >>> anonymous = voxguard.create("world", f0_hz=(120, 190))(voice, 16_000)
        >>> anonymous.dtype, anonymous.shape
        (dtype('float32'), (16000,))
    """

    name: ClassVar[str] = "world"

    def __init__(
        self,
        *,
        synthesis: Synthesis = "world",
        f0_tracker: Tracker = "dio",
        f0_hz: float | tuple[float, float] = (100.0, 220.0),
        f0_spread: float | tuple[float, float] = (0.7, 1.3),
        formant_scale: float | tuple[float, float] = (0.87, 1.15),
        bend: float = 0.08,
        offset_db: float = 6.0,
        breath_db: float = 3.0,
        frame_ms: float = 5.0,
        **randomness: Unpack[Randomness],
    ) -> None:
        super().__init__(**randomness)
        self.synthesis = _one_of("synthesis", synthesis, get_args(Synthesis))
        self.f0_tracker = _one_of("f0_tracker", f0_tracker, get_args(Tracker))
        self.f0_hz = _range("f0_hz", f0_hz, 60.0, 300.0)
        self.f0_spread = _range("f0_spread", f0_spread, 0.0, 2.0)
        self.formant_scale = _range("formant_scale", formant_scale, 0.7, 1.4)
        self.bend = _number("bend", bend, 0.0, 0.1)
        self.offset_db = _number("offset_db", offset_db, 0.0, 12.0)
        self.breath_db = _number("breath_db", breath_db, 0.0, 6.0)
        self.frame_ms = _number("frame_ms", frame_ms, 2.0, 10.0)
        if synthesis == "world":
            _pyworld()

    def draw(self, rng: np.random.Generator) -> WorldVoice:
        """Draw the statistics."""
        knots = rng.uniform(-self.offset_db, self.offset_db, KNOTS)
        bends = rng.uniform(-self.bend, self.bend, BENDS)
        scale = _drawn_evenly(rng, self.formant_scale)
        timbre = Timbre(tuple(knots.tolist()), scale, tuple(bends.tolist()))
        pitch = Pitch(_drawn_evenly(rng, self.f0_hz), rng.uniform(*self.f0_spread))
        breath_db = population.BREATH_DB + rng.uniform(-self.breath_db, self.breath_db)
        return WorldVoice(Drawn(timbre, pitch, breath_db, int(rng.integers(2**63))))

    def working_rate(self, sample_rate: int) -> int:
        """The rate itself, from 16 to 48 kHz."""
        return min(max(sample_rate, RATES[0]), RATES[1])

    def render(self, samples: Samples, sample_rate: int, voice: WorldVoice) -> Samples:
        """Render ``(channels, n)`` samples, each channel by itself."""
        return np.stack([self._channel(signal, sample_rate, voice.drawn) for signal in samples])

    def _channel(self, samples: Samples, sample_rate: int, drawn: Drawn) -> Samples:
        renderer = self._renderer(sample_rate, drawn)

        def render(block: Samples) -> Samples:
            clean = without_rumble(block, sample_rate)
            made = follow_level(clean, renderer(clean), sample_rate)
            ceiling = HEADROOM * float(np.abs(block).max())  # `clean` may rise above its original
            return np.clip(made, -ceiling, ceiling)

        return render_in_blocks(samples, sample_rate, render)

    def _renderer(self, sample_rate: int, drawn: Drawn) -> Renderer:
        if self.synthesis == "differential":
            return DifferentialRenderer(sample_rate, drawn.timbre)
        tracker = TRACKERS[self.f0_tracker]
        return WorldRenderer(_pyworld(), sample_rate, self.frame_ms, tracker, drawn)


@lru_cache(maxsize=1)  # filters of warnings belong to all threads
def _pyworld() -> Any:
    with warnings.catch_warnings():  # the original package imports pkg_resources, which warns
        warnings.simplefilter("ignore")
        return optional("pyworld", "world", "the method world")


def _drawn_evenly(rng: np.random.Generator, ends: tuple[float, float]) -> float:
    low, high = ends
    return math.exp(rng.uniform(math.log(low), math.log(high)))


def _one_of(name: str, value: Any, known: tuple[Any, ...]) -> Any:
    if value not in known:
        raise ConfigurationError(f"{name} takes {', '.join(known)}; got {value!r}")
    return value


def _range(name: str, value: Any, lowest: float, highest: float) -> tuple[float, float]:
    ends = value if isinstance(value, tuple | list) else (value, value)
    numbers = [_number(name, end, lowest, highest) for end in ends]
    if len(numbers) != 2 or numbers[0] > numbers[1]:
        raise ConfigurationError(f"{name} takes a number or a range (low, high), got {value!r}")
    return numbers[0], numbers[1]


def _number(name: str, value: Any, lowest: float, highest: float) -> float:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    if not known or not lowest <= value <= highest:
        raise ConfigurationError(f"{name} takes {lowest:g} to {highest:g}, got {value!r}")
    return float(value)
