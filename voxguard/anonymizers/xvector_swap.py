"""Anonymization by the swap of the speaker vector."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Unpack

import numpy as np
import numpy.typing as npt

from voxguard.anonymizers.base import Anonymizer, PseudoVoice
from voxguard.arrays import Samples
from voxguard.dsp.blocks import render_in_blocks
from voxguard.dsp.loudness import follow_level
from voxguard.errors import ConfigurationError, MissingExtraError
from voxguard.models.converter import HEADROOM, Converter, check_levels
from voxguard.models.hub import load_once, pick_device
from voxguard.models.pool import DVECTOR, SpeakerPool, Target, nearest_other
from voxguard.models.pseudo_speaker import PseudoSpeaker, SexChoice, Strategy
from voxguard.models.speaker_space import SpeakerSpace, is_silent, short_name
from voxguard.pseudonym import Randomness

Vector = npt.NDArray[np.float64]

RATE = 16_000
EXCERPT_S = 20  # what is judged of a recording
WHOLE_S = 120.0  # what is longer is spoken in blocks
MOST_ATTEMPTS = 20

_NEEDED = ("torch", "safetensors", "resemblyzer")
_SAME_SPEAKER = 0.9  # cosine of two channels of one recording


@dataclass(frozen=True, repr=False)
class SwapVoice(PseudoVoice):
    """Entropy for the pseudo-speakers of one voice: a first one, and those to fall back on."""

    seeds: tuple[bytes, ...]


class _Models(NamedTuple):
    converter: Converter
    pool: SpeakerPool
    space: SpeakerSpace
    bound: float  # cosine with the source over which a voice has drifted


class _Choice(NamedTuple):
    """A pseudo-speaker, and what an excerpt sounds like in it; empty if that was not tried."""

    source: Vector
    target: Target
    seed: bytes
    made: Samples


class XVectorSwap(Anonymizer):
    """Speaks with the vector of a pseudo-speaker that is made from a pool of synthetic voices.

    A network takes the recording apart into content, pitch and timing; the recording is spoken anew
    with the vector, mean pitch and pitch range of the pseudo-speaker. The speaker vector of the
    result is measured: where it has drifted to the source, which a synthesis does that hears more
    of the source than it should (M. Panariello et al., "Vocoder drift in x-vector-based speaker
    anonymization", Interspeech 2023), the next pseudo-speaker of the draw is tried. What is given
    out is the first that has not drifted, else the one farthest from the source.

    This is baseline B1 of the VoicePrivacy Challenges with a synthesis of its own. **The swap alone
    is weak against an attacker who trains on its output** (B1: equal error rate about 6 % in
    VoicePrivacy 2024), since content, timing and the pitch contour carry the speaker too. With
    ``levels`` the content goes through an information bottleneck, as in ``voice_conversion``.

    Each channel is anonymized by itself; channels in which one person is heard get one voice.

    Under a key, a speaker's pseudo-speakers are alike but not the same: which voices are farthest
    depends on the recording, and so does which pseudo-speaker of the draw has not drifted. A
    speaker keeps one voice with ``attempts=1``, ``"random"``, ``"sparse"`` or ``"gmm"``, and
    ``sex="random"`` or ``"neutral"``.

    Args:
        strategy: Where the pseudo-speaker comes from: ``"farthest"`` (the mean of some of those
            farthest from the source), ``"random"``, ``"sparse"`` or ``"gmm"``; see
            :class:`~voxguard.models.pseudo_speaker.PseudoSpeaker`.
        sex: ``"random"``, ``"same"``, ``"opposite"`` or ``"neutral"``. The source's is estimated
            from its vector: right for nearly all who read to LibriSpeech, a guess for children,
            whispers and noise. With ``"same"`` the pseudo-speaker tells the sex, and an evaluation
            can look better than it is, since the attacker learns the target.
        candidates: How many voices of the pool may be averaged.
        averaged: How many of them are.
        rescale: Bring averages back to the spread of single voices; without it, they are alike.
        attempts: Pseudo-speakers to try, 1 to 20; with 1 the result is not looked at.
        max_similarity: Cosine of source and result, -1 to 1, over which the result has drifted;
            None: that of a pool's voice with its nearest, the median. A result that is nearer to
            the source than to the pseudo-speaker has drifted too (for the d-vector).
        levels: Levels of the bottleneck, 1 to 4; None for none.
        pool: Path of a pool from ``voxguard pool build``; None: the one that comes with voxguard.
        encoder: In whose space the source is compared: ``"dvector"``, ``"ecapa"``, ``"xvector"``,
            or a SpeechBrain encoder's name or folder. The pool must have been built with it. The
            synthesis goes by the d-vector in any case.
        checkpoint: Path or hub repository of weights of the converter; None: those that come with
            voxguard.
        revision: Of the hub repository.
        device: ``"auto"`` (CUDA where there is any) or a name in torch's words.
        **randomness: ``key``, ``seed``, ``scope``, ``session``; see
            :class:`~voxguard.pseudonym.Pseudonyms`.

    Raises:
        ConfigurationError: A value that is not accepted.
        MissingExtraError: The extra ``neural`` is not installed.

    References:
        F. Fang et al., "Speaker anonymization using x-vector and neural waveform models", SSW 2019.

    Example:
        >>> import voxguard
        >>> voice = voxguard.synthetic_voice(seconds=1.0, sample_rate=16_000)
        >>> swap = voxguard.create("xvector_swap", strategy="gmm", attempts=1)
        >>> swap(voice, 16_000).shape
        (16000,)
    """

    name: ClassVar[str] = "xvector_swap"
    native_sample_rate: ClassVar[int | None] = RATE

    def __init__(
        self,
        *,
        strategy: Strategy = "farthest",
        sex: SexChoice = "random",
        candidates: int = 50,
        averaged: int = 10,
        rescale: bool = True,
        attempts: int = 4,
        max_similarity: float | None = None,
        levels: int | None = None,
        pool: str | Path | None = None,
        encoder: str = "dvector",
        checkpoint: str | Path | None = None,
        revision: str | None = None,
        device: str = "auto",
        **randomness: Unpack[Randomness],
    ) -> None:
        super().__init__(**randomness)
        for package in _NEEDED:
            if find_spec(package) is None:
                raise MissingExtraError(package, "neural", self.name)
        self.strategy = strategy
        self.sex = sex
        self.candidates = candidates
        self.averaged = averaged
        self.rescale = rescale
        self.attempts = _number("attempts", attempts, int, 1, MOST_ATTEMPTS)
        self.max_similarity = max_similarity
        if max_similarity is not None:
            _number("max_similarity", max_similarity, int | float, -1, 1)
        self.levels = check_levels(levels)
        self.pool = pool
        self.encoder = encoder
        self.checkpoint = checkpoint
        self.revision = revision
        self.device = device
        self._recipe = PseudoSpeaker(strategy, sex, candidates, averaged, rescale)
        short_name(encoder)
        if revision is not None and checkpoint is None:
            raise ConfigurationError("revision= goes with checkpoint=, the hub repository")

    @property
    def weights(self) -> dict[str, str]:
        """SHA-256 of the converter."""
        return {"converter": self._models().converter.network.sha256}

    def draw(self, rng: np.random.Generator) -> SwapVoice:
        """Draw the entropy of as many pseudo-speakers as may be tried."""
        return SwapVoice(tuple(rng.bytes(16) for _ in range(self.attempts)))

    def render(self, samples: Samples, sample_rate: int, voice: SwapVoice) -> Samples:
        """Anonymize each channel by itself; channels of one speaker, in one pseudo-speaker."""
        models = self._models()
        spoken = np.zeros_like(samples)
        chosen: list[_Choice] = []
        for heard, made in zip(samples, spoken, strict=True):
            if is_silent(heard):
                continue
            excerpt = heard[_loudest(heard, EXCERPT_S)]
            source = models.space.embed(excerpt)
            alike = (choice for choice in chosen if choice.source @ source > _SAME_SPEAKER)
            choice = next(alike, None)
            if choice is None:
                choice = self._choose(models, excerpt, source, voice)
                chosen.append(choice)
            is_done = choice.source is source and choice.made.shape == heard.shape
            made[:] = choice.made if is_done else self._speak(models, heard, choice)
        return spoken

    def _choose(
        self, models: _Models, excerpt: Samples, source: Vector, voice: SwapVoice
    ) -> _Choice:
        """The first pseudo-speaker in whom an excerpt does not drift to the source."""
        best: _Choice | None = None
        least = np.inf
        for seed in voice.seeds:
            target = self._recipe(models.pool, _generator(seed, 0), source)
            choice = _Choice(source, target, seed, excerpt[:0])
            if len(voice.seeds) == 1:
                return choice
            choice = choice._replace(made=self._speak(models, excerpt, choice))
            likeness, has_drifted = self._drift(models, choice)
            if not has_drifted:
                return choice
            if likeness < least:
                best, least = choice, likeness
        assert best is not None  # noqa: S101
        return best

    def _speak(self, models: _Models, samples: Samples, choice: _Choice) -> Samples:
        noise = _generator(choice.seed, 1)

        def convert(block: Samples) -> Samples:
            return models.converter.convert(block, choice.target, rng=noise, levels=self.levels)

        is_long = samples.size > WHOLE_S * RATE
        made = render_in_blocks(samples, RATE, convert) if is_long else convert(samples)
        return follow_level(samples, made, RATE, headroom=HEADROOM)

    def _drift(self, models: _Models, choice: _Choice) -> tuple[float, bool]:
        """How like the source a rendering is, and whether it has drifted there."""
        if is_silent(choice.made):
            return -1.0, False
        vector = models.space.embed(choice.made)
        likeness = float(vector @ choice.source)
        bound = models.bound if self.max_similarity is None else self.max_similarity
        # of the pseudo-speaker there is a vector in the d-vector's space only
        wanted = float(vector @ choice.target.vector) if self.encoder == DVECTOR else 1.0
        return likeness, likeness > bound or likeness > wanted

    def _models(self) -> _Models:
        return _loaded(self.pool, self.encoder, self.checkpoint, self.revision, self.device)


@load_once
def _loaded(
    path: str | Path | None,
    encoder: str,
    checkpoint: str | Path | None,
    revision: str | None,
    device: str,
) -> _Models:
    pool = SpeakerPool.shipped() if path is None else SpeakerPool.load(path)
    if pool.encoder != short_name(encoder):
        raise ConfigurationError(
            f"the speaker pool compares voices by {pool.encoder!r}, not by {encoder!r}: make one "
            f"with  voxguard pool build DATA --encoder {encoder} --out POOL.safetensors, or set "
            f"encoder={pool.encoder}"
        )
    if checkpoint is None:
        converter = Converter.shipped()
    else:
        converter = Converter.from_pretrained(checkpoint, revision=revision)
    space = SpeakerSpace(encoder, device=pick_device(device))
    return _Models(converter, pool, space, float(np.median(nearest_other(pool.space))))


def _generator(seed: bytes, purpose: int) -> np.random.Generator:
    words = np.frombuffer(seed, np.uint32).tolist()
    return np.random.default_rng(np.random.SeedSequence([*words, purpose]))


def _loudest(samples: Samples, length_s: int) -> slice:
    """Where a stretch of so many seconds has the most energy, to the second."""
    if samples.size <= length_s * RATE:
        return slice(0, samples.size)
    seconds = samples[: samples.size // RATE * RATE].reshape(-1, RATE)
    energy = [np.square(second, dtype=np.float64).sum() for second in seconds]
    start = int(np.argmax(np.convolve(energy, np.ones(length_s), "valid")))
    return slice(start * RATE, (start + length_s) * RATE)


def _number(name: str, value: Any, kind: Any, low: float, high: float) -> Any:
    if isinstance(value, bool) or not isinstance(value, kind) or not low <= value <= high:
        raise ConfigurationError(f"{name} takes {low} to {high}, got {value!r}")
    return value
