"""Anonymization by neural voice conversion to voices that nobody has."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Unpack, get_args

import numpy as np

from voxguard.anonymizers.base import Anonymizer, PseudoVoice
from voxguard.arrays import Samples
from voxguard.dsp.blocks import render_in_blocks
from voxguard.dsp.loudness import at_level
from voxguard.errors import ConfigurationError
from voxguard.models.converter import Converter, check_levels
from voxguard.models.hub import load_once
from voxguard.models.live import FILE as LIVE_FILE
from voxguard.models.live import USUAL_DB, LiveChannels, LiveConverter, latency_samples
from voxguard.models.network_live import LiveNetwork
from voxguard.models.pool import SpeakerPool, Target
from voxguard.models.prosody import Intonation, Tempo, recording_seeds
from voxguard.models.shipped import pretrained, shipped
from voxguard.pseudonym import Randomness

if TYPE_CHECKING:
    from voxguard.streaming import StreamRenderer

PseudoSex = Literal["random", "F", "M"]
Loudness = Literal["kept", "drawn"]

MOST_TEMPO = 0.3
SEGMENTS = (5.0, 50.0)
_POPULATION_DB = (USUAL_DB, 3.4)  # mean and standard deviation
_AT_ONCE = 64  # steps of live weights, where so many are there
LONG_S = 300.0  # longer recordings are converted in blocks, in memory that does not grow with them


@dataclass(frozen=True, repr=False)
class ConvertedVoice(PseudoVoice):
    """The voice that was drawn, and how it speaks."""

    target: Target
    rate: float
    seed: int
    level_db: float


class VoiceConversion(Anonymizer):
    """Says the same in a voice that nobody has.

    A content encoder hears the speech without its pitch, level and channel, and passes on what fits
    through a narrow quantiser; a decoder says that with the pitch and timbre of a pseudo-speaker,
    drawn from a distribution fitted to 235 speakers. The weights are in the package. The words stay
    and can be recognised by; see ``docs/voice-conversion.md`` for what attackers of several kinds
    and strengths still find.

    Args:
        levels: Levels of the residual quantiser that pass, 1 (least content) to 4 (most); None for
            no quantiser, which keeps much of the speaker.
        segments: Stretches a second, 5 to 50, over which content is averaged before it is
            quantised, so that less of the speaker passes; speech has 10 to 15 phones a second.
            None: over none. Without a quantiser and live it counts for nothing.
        sex: Of the pseudo-speakers: ``"random"``, ``"F"`` or ``"M"``. Not the speaker's own on
            purpose: that would tell it.
        intonation: Correlation of the new pitch contour with the speaker's, 0 to 1; the rest is
            drawn. Mean and spread of the pitch are the pseudo-speaker's in any case.
        tempo: How far durations are changed: the standard deviation of the logarithm of the local
            rate, 0 to 0.3. The recording as a whole keeps its length.
        loudness: ``"drawn"`` with the voice, since how loud a recording is tells a microphone, a
            distance and a room, and so who is there; or ``"kept"``. Live it is drawn for each
            channel by itself, and there once some syllables were heard.
        live: Work on live signals: other weights, that hear next to nothing ahead, normalised by
            what was heard so far; ``tempo`` and ``segments`` count for nothing. A recording then
            gives what a stream gives. Without it there are no streams, and recordings come out
            better.
        pool: Path of a pool of pseudo-speakers (``voxguard pool build``); by default that of the
            package.
        checkpoint: Path or hub repository of other weights of this network.
        revision: Of the hub repository.
        **randomness: ``key``, ``seed``, ``scope``, ``session``; see
            :class:`~voxguard.pseudonym.Pseudonyms`.

    Raises:
        ConfigurationError: A value outside of its range.

    References:
        A. van den Oord et al., "Neural discrete representation learning", NeurIPS 2017.
        J. H. Ward, "Hierarchical grouping to optimize an objective function", JASA 58, 1963 (of
        neighbours: the segments).
        P. Champion, "Anonymizing speech: evaluating and designing speaker anonymization
        techniques", 2023 (vector quantisation as the bottleneck).
        H.-S. Choi et al., "Neural analysis and synthesis", NeurIPS 2021.

    Example:
        >>> import voxguard
        >>> voice = voxguard.synthetic_voice(seconds=1.0, sample_rate=16_000)
        >>> voxguard.VoiceConversion(levels=1)(voice, 16_000).shape
        (16000,)
    """

    name: ClassVar[str] = "voice_conversion"
    native_sample_rate: ClassVar[int] = 16_000

    def __init__(
        self,
        *,
        levels: int | None = 1,
        segments: float | None = 20.0,
        sex: PseudoSex = "random",
        intonation: float = 0.8,
        tempo: float = 0.0,
        loudness: Loudness = "drawn",
        live: bool = False,
        pool: str | Path | None = None,
        checkpoint: str | Path | None = None,
        revision: str | None = None,
        **randomness: Unpack[Randomness],
    ) -> None:
        super().__init__(**randomness)
        self.levels = check_levels(levels)
        self.segments = None if segments is None else _within("segments", segments, *SEGMENTS)
        self.sex = sex
        self.intonation = _within("intonation", intonation, 0.0, 1.0)
        self.tempo = _within("tempo", tempo, 0.0, MOST_TEMPO)
        self.loudness = loudness
        self.live = live
        self.pool = _text("pool", pool, str | Path | None)
        self.checkpoint = _text("checkpoint", checkpoint, str | Path | None)
        self.revision = _text("revision", revision, str | None)
        if sex not in get_args(PseudoSex):
            raise ConfigurationError(f"sex takes {', '.join(get_args(PseudoSex))}; got {sex!r}")
        if loudness not in get_args(Loudness):
            raise ConfigurationError(
                f"loudness takes {' or '.join(get_args(Loudness))}; got {loudness!r}"
            )
        if not isinstance(live, bool):
            raise ConfigurationError(f"live takes True or False, got {live!r}")
        if revision is not None and checkpoint is None:
            raise ConfigurationError("revision= goes with checkpoint=, the hub repository")
        self.streamable = live

    @property
    def weights(self) -> dict[str, str]:
        """SHA-256 of the converter."""
        where = self.checkpoint, self.revision
        network = _live(*where) if self.live else _converter(*where).network
        return {"converter": network.sha256}

    def draw(self, rng: np.random.Generator) -> ConvertedVoice:
        """Draw a pseudo-speaker, a contour and a tempo."""
        voices = _pool(self.pool)
        able = np.arange(len(voices)) if self.sex == "random" else voices.of_sex(self.sex)
        target = voices.target(int(rng.choice(able)))
        rate = float(np.exp(rng.uniform(-self.tempo, self.tempo)))
        seed = int(rng.integers(0, 2**63))
        return ConvertedVoice(target, rate, seed, float(rng.normal(*_POPULATION_DB)))

    def render(self, samples: Samples, sample_rate: int, voice: ConvertedVoice) -> Samples:
        """Convert each channel by itself, to one voice; as it is drawn, with one gain for all."""
        if self.live:
            stream = self.open_stream(sample_rate, len(samples), voice, None)
            return np.concatenate([stream.push(samples), stream.flush()], axis=1)
        converter = _converter(self.checkpoint, self.revision)

        def convert(part: Samples) -> Samples:
            seeds = recording_seeds(voice.seed, part)
            return converter.convert(
                part,
                voice.target,
                rng=np.random.default_rng(seeds[0]),
                levels=self.levels,
                segments=self.segments,
                intonation=Intonation(self.intonation, seeds[1]),
                tempo=Tempo(voice.rate, self.tempo, seeds[2]) if self.tempo else None,
            )

        is_long = samples.shape[1] > LONG_S * sample_rate
        made = np.stack(
            [
                render_in_blocks(channel, sample_rate, convert) if is_long else convert(channel)
                for channel in samples
            ]
        )
        return at_level(made, sample_rate, voice.level_db) if self.loudness == "drawn" else made

    def open_stream(
        self, sample_rate: int, channels: int, voice: ConvertedVoice, max_latency_ms: float | None
    ) -> StreamRenderer:
        """What the live weights take; nothing less can be had."""
        network = _live(self.checkpoint, self.revision)
        least = 1000.0 * latency_samples(network) / sample_rate
        if max_latency_ms is not None and not max_latency_ms >= least:
            raise ConfigurationError(
                f"{self.name} needs a latency of {least:.1f} ms, got max_latency_ms="
                f"{max_latency_ms!r}; allow it that, or choose another method (voxguard methods)"
            )
        drawn = self.loudness == "drawn"
        louder_db = voice.level_db - _POPULATION_DB[0] if drawn else None
        return LiveChannels(
            [
                LiveConverter(
                    network,
                    voice.target,
                    seed=voice.seed,
                    levels=self.levels,
                    intonation=self.intonation,
                    louder_db=louder_db,
                    at_once=_AT_ONCE,
                )
                for _ in range(channels)
            ]
        )


@load_once
def _converter(checkpoint: str | Path | None, revision: str | None) -> Converter:
    if checkpoint is None:
        return Converter.shipped()
    return Converter.from_pretrained(checkpoint, revision=revision)


@load_once
def _live(checkpoint: str | Path | None, revision: str | None) -> LiveNetwork:
    if checkpoint is None:
        return LiveNetwork(shipped(LIVE_FILE))
    return LiveNetwork(pretrained(checkpoint, LIVE_FILE, revision))


@load_once
def _pool(path: str | Path | None) -> SpeakerPool:
    return SpeakerPool.shipped() if path is None else SpeakerPool.load(path)


def _within(name: str, value: Any, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise ConfigurationError(f"{name} takes {least:g} to {most:g}, got {value!r}")
    return float(value)


def _text(name: str, value: Any, kind: Any) -> Any:
    if not isinstance(value, kind):
        takes = "text" if name == "revision" else "a path as text or Path"
        raise ConfigurationError(f"{name} takes {takes}, got {value!r}")
    return value
