"""What every anonymizer is: a draw and a rendering, in a template that owns all around them."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Unpack, final

import numpy as np

from voxguard.arrays import Form, Samples, check_finite, fit
from voxguard.audio import check_sample_rate, resample
from voxguard.copyguard import CopyGuard
from voxguard.errors import ConfigurationError, VoxguardError, one_tree
from voxguard.pseudonym import Pseudonyms, Randomness
from voxguard.registry import Registry
from voxguard.streaming import OnFailure, RateConverted, Session, StreamRenderer


@dataclass(frozen=True, repr=False)
class PseudoVoice:
    """What a draw decided. It can undo the anonymization, so it does not show itself."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: secret>"


class Anonymizer(ABC):
    """Base of all anonymizers.

    A subclass sets ``name``, writes :meth:`draw` (all that is random) and :meth:`render` (pure)
    and, if it can work on a live signal, sets ``streamable`` and writes :meth:`open_stream`. Its
    options are keyword-only, are checked on construction, and are kept in attributes of the same
    name.

    Args:
        key: Secret key: the same speaker gets the same pseudo-voice in every run with it.
        seed: For research only, weakens privacy: makes the draws repeatable by anyone.
        scope: How long a speaker keeps one pseudo-voice: ``"utterance"``, ``"session"`` or
            ``"corpus"``; see :class:`~voxguard.pseudonym.Pseudonyms`.
        session: Names the session, for the scope of that name.

    Example:
        A plug-in that a package announces in the entry-point group ``voxguard.anonymizers``:

        >>> from dataclasses import dataclass
        >>> import numpy as np
        >>> from voxguard import Anonymizer, PseudoVoice
        >>> @dataclass(frozen=True, repr=False)
        ... class Flip(PseudoVoice):
        ...     sign: int
        >>> class PolarityFlip(Anonymizer):
        ...     name = "flip"
        ...     def draw(self, rng):
        ...         return Flip(sign=-1)
        ...     def render(self, samples, sample_rate, voice):
        ...         return voice.sign * samples
        >>> PolarityFlip()(np.ones(3, np.float32), 16_000)
        array([-1., -1., -1.], dtype=float32)
    """

    name: ClassVar[str]
    streamable: bool = False
    native_sample_rate: ClassVar[int | None] = None

    def __init__(self, **randomness: Unpack[Randomness]) -> None:
        self.pseudonyms = Pseudonyms(**randomness)

    @abstractmethod
    def draw(self, rng: np.random.Generator) -> PseudoVoice:
        """Decide everything that is random, from ``rng`` alone."""

    @abstractmethod
    def render(self, samples: Samples, sample_rate: int, voice: Any) -> Samples:
        """Anonymize in a given voice; pure.

        Args:
            samples: ``(channels, n)`` float32, finite, at a :meth:`working_rate`; stays as it is.
            sample_rate: Hz.
            voice: What :meth:`draw` gave.

        Returns:
            ``(channels, n)`` samples.
        """

    def working_rate(self, sample_rate: int) -> int:
        """The rate in Hz at which audio is rendered; audio of another rate is resampled to it."""
        return self.native_sample_rate or sample_rate

    def open_stream(
        self, sample_rate: int, channels: int, voice: Any, max_latency_ms: float | None
    ) -> StreamRenderer:
        """A renderer with memory, for live signals and long files."""
        raise NotImplementedError(f"{type(self).__name__} is streamable but opens no stream")

    @final
    def __call__(
        self,
        samples: Any,
        sample_rate: int,
        *,
        speaker: str | None = None,
        utterance: str | None = None,
    ) -> Any:
        """Anonymize a recording.

        Args:
            samples: ``(n,)`` or ``(channels, n)``, numpy or torch; float (full scale 1.0), int16 or
                int32. Not changed.
            sample_rate: Hz, 4000 to 384000.
            speaker: Who speaks: the same speaker then keeps one pseudo-voice (see ``scope``).
            utterance: Names the utterance, for a repeatable draw under a key.

        Returns:
            Samples of the same shape, type, rate and device.

        Raises:
            UnsupportedAudioError: Type, layout or rate is not accepted.
            NonFiniteAudioError: NaN or infinity in the samples.
            VoxguardError: The rendering failed. Nothing of the input is ever given back.
        """
        rate = check_sample_rate(sample_rate)
        taken, form = Form.take(samples)
        voice = self.draw_voice(speaker=speaker, utterance=utterance)
        working = self.working_rate(rate)
        at_rate = taken if working == rate else resample(taken, rate, working)
        with one_tree(self.name):
            rendered = np.asarray(self.render(at_rate, working, voice))
        if rendered.shape != at_rate.shape or rendered.dtype.kind != "f":
            raise VoxguardError(
                f"{self.name} gave {rendered.dtype.name} samples of shape {rendered.shape} for "
                f"float32 of {at_rate.shape}"
            )
        rendered = rendered.astype(np.float32, copy=False)
        check_finite(rendered)
        CopyGuard(len(taken)).check(at_rate, rendered)  # here a copy is one still, to the sample
        if working != rate:
            rendered = fit(resample(rendered, working, rate), taken.shape[1])
        return form.give(rendered)

    @final
    def draw_voice(
        self, *, speaker: str | None = None, utterance: str | None = None
    ) -> PseudoVoice:
        """Draw a pseudo-voice as a call would; for reuse with :meth:`render`."""
        rng = self.pseudonyms.generator(self.name, speaker=speaker, utterance=utterance)
        with one_tree(self.name):
            voice = self.draw(rng)
        if type(voice).__repr__ is not PseudoVoice.__repr__:
            raise ConfigurationError(
                f"{type(voice).__name__} would show its draw: a pseudo-voice derives from "
                "PseudoVoice and is a @dataclass(frozen=True, repr=False)"
            )
        return voice

    @final
    def stream(
        self,
        sample_rate: int,
        *,
        channels: int = 1,
        max_latency_ms: float | None = None,
        speaker: str | None = None,
        utterance: str | None = None,
        on_failure: OnFailure = "silence",
    ) -> Session:
        """Open a live session in one pseudo-voice.

        A method with a rate of its own hears a signal of another rate through
        :class:`~voxguard.audio.live_rates.LiveResampler`, there and back: 3 ms where the lower
        rate is 16 kHz, counted in ``latency_ms``.

        Args:
            sample_rate: Hz.
            channels: Channels of every chunk.
            max_latency_ms: Upper bound on the algorithmic latency. By default the session gives
                what a call on the whole recording gives; a tight bound may cost some of that.
            speaker: As in a call.
            utterance: As in a call.
            on_failure: ``"silence"`` (the session goes silent and says so) or ``"raise"``.

        Raises:
            ConfigurationError: The method cannot stream, or not at that latency or rate.
        """
        rate = check_sample_rate(sample_rate)
        if not self.streamable:
            what = "make it with live=True" if "live" in self.options else "use it on recordings"
            raise ConfigurationError(f"{self.name} cannot work on a live signal; {what}")
        voice = self.draw_voice(speaker=speaker, utterance=utterance)
        working = self.working_rate(rate)
        if working == rate:
            renderer = self.open_stream(rate, channels, voice, max_latency_ms)
        else:
            renderer = self._open_converted(rate, working, channels, voice, max_latency_ms)
        return Session(renderer, rate, channels, on_failure=on_failure)

    def _open_converted(
        self, rate: int, working: int, channels: int, voice: Any, max_latency_ms: float | None
    ) -> StreamRenderer:
        taken = RateConverted.added_latency_ms(working, rate)
        bound = None if max_latency_ms is None else round(max_latency_ms - taken, 1)
        try:
            renderer = self.open_stream(working, channels, voice, bound)
        except ConfigurationError as error:
            raise ConfigurationError(
                f"{error} ({taken:.1f} ms are taken by converting {rate} Hz to {working} and back)"
            ) from None
        return RateConverted(renderer, working, rate, channels)

    @property
    def weights(self) -> dict[str, str]:
        """SHA-256 of the networks that it works with, by name; they are loaded for it."""
        return {}

    @property
    def options(self) -> dict[str, Any]:
        """The options in force, without anything about the randomness."""
        return {name: getattr(self, name) for name in option_defaults(type(self))}

    def __repr__(self) -> str:
        shown = [f"{name}={value!r}" for name, value in self.options.items()]
        return f"{type(self).__name__}({', '.join([*shown, repr(self.pseudonyms)])})"


def option_defaults(cls: type[Anonymizer]) -> dict[str, Any]:
    """The options that a method takes, with their defaults; those of the randomness left out."""
    parameters = inspect.signature(cls).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is not p.VAR_KEYWORD}


DEFAULT = "voice_conversion"

registry: Registry[Anonymizer] = Registry(
    "method",
    "voxguard.anonymizers",
    {
        "knn_vc": "voxguard.anonymizers.knn_vc:KnnVC",
        "mcadams": "voxguard.anonymizers.mcadams:McAdams",
        "speecht5": "voxguard.anonymizers.speecht5:SpeechT5",
        "voice_conversion": "voxguard.anonymizers.voice_conversion:VoiceConversion",
        "world": "voxguard.anonymizers.world:World",
        "xvector_swap": "voxguard.anonymizers.xvector_swap:XVectorSwap",
    },
)


def create(method: str = DEFAULT, **options: Any) -> Anonymizer:
    """Make an anonymizer by the name of its method.

    Args:
        method: A name from :func:`methods`; by default ``"voice_conversion"``.
        **options: The method's own, and ``key``, ``seed``, ``scope``, ``session``.

    Raises:
        UnknownNameError: No such method.
        ConfigurationError: No such option, or a value that it does not take.

    Example:
        >>> import voxguard
        >>> voxguard.create("mcadams", lpc_order=18).lpc_order
        18
    """
    cls = registry.get(method)
    defaults = option_defaults(cls)
    accepted = [*defaults, *Randomness.__annotations__]
    if unknown := [name for name in options if name not in accepted]:
        raise ConfigurationError(
            f"{method} has no option {unknown[0]!r}; it takes {', '.join(accepted)}"
        )
    needed = [name for name, default in defaults.items() if default is inspect.Parameter.empty]
    if missing := [name for name in needed if name not in options]:
        raise ConfigurationError(f"{method} cannot do without its option {missing[0]!r}")
    return cls(**options)


def methods() -> list[str]:
    """The names of all methods, built in and plugged in."""
    return registry.names()
