"""The stress axes by name: ``noise:10``, ``room:0.5``, ``telephone``, ``mp3:32``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from voxguard.arrays import Samples
from voxguard.errors import ConfigurationError, UnknownNameError
from voxguard.utility.checks import one_channel
from voxguard.utility.stress.mp3 import mp3
from voxguard.utility.stress.noise import add_noise, babble, looped, pink, white
from voxguard.utility.stress.room import reverberate, room_response
from voxguard.utility.stress.signals import from_file
from voxguard.utility.stress.telephone import telephone

Stress = Callable[[Samples, int, np.random.Generator], Samples]


@dataclass(frozen=True)
class StressAxis:
    """One stress at one level.

    Attributes:
        spec: What it was asked for by.
        axis: ``noise``, ``room``, ``telephone`` or ``mp3``.
        level: The level in words, for a table.
        function: Pure ``(samples, sample_rate, rng) -> samples``.
    """

    spec: str
    axis: str
    level: str
    function: Stress

    def __call__(self, samples: Samples, sample_rate: int, rng: np.random.Generator) -> Samples:
        """Put a recording, ``(n,)``, under the stress: ``(n,)`` float32, aligned with it."""
        return self.function(samples, sample_rate, rng)


def stress_axis(spec: str, *, speech: Sequence[Samples] = ()) -> StressAxis:
    """A stress axis by its spec.

    ====================  ==========================================================
    ``noise:10``          pink noise at 10 dB SNR
    ``noise:10:white``    or ``pink``, ``babble``, or a path: another noise
    ``room:0.5``          a synthetic room with a reverberation time of 0.5 s
    ``room:/a/rir.wav``   a measured response
    ``telephone``         300 to 3400 Hz, 8 kHz, mu-law
    ``mp3:32``            MP3 at 32 kbit/s
    ====================  ==========================================================

    Args:
        spec: As in the table; numbers as Python reads them.
        speech: Recordings ``(m,)`` that babble is made of, at the rate that the axis is used at.

    Raises:
        UnknownNameError: No such axis.
        ConfigurationError: A level that it does not take, or babble without speech.

    Example:
        >>> import numpy as np
        >>> from voxguard.utility.stress import stress_axis
        >>> quiet = stress_axis("noise:20:white")
        >>> quiet.level
        '20 dB SNR, white'
        >>> quiet(np.ones(4, np.float32), 16_000, np.random.default_rng(0)).shape
        (4,)
    """
    axis, _, level = spec.partition(":")
    if axis not in stress_axes:
        raise UnknownNameError("stress axis", axis, stress_axes)
    words, function = stress_axes[axis](level, speech)
    return StressAxis(spec, axis, words, function)


def _noise(level: str, speech: Sequence[Samples]) -> tuple[str, Stress]:
    ratio, _, kind = level.partition(":")
    snr_db, kind = (
        _number("noise", ratio, "a signal-to-noise ratio in dB, as in noise:10"),
        kind or "pink",
    )
    if kind == "babble" and not speech:
        raise ConfigurationError("babble is made of speech: give stress_axis(..., speech=[...])")

    def make(frames: int, sample_rate: int, rng: np.random.Generator) -> Samples:
        if kind == "babble":
            return babble(speech, frames, rng)
        if kind in _COLOURS:
            return _COLOURS[kind](frames, rng)
        return looped(from_file(kind, sample_rate), frames, rng)

    def stress(samples: Samples, sample_rate: int, rng: np.random.Generator) -> Samples:
        taken = one_channel(samples)
        return add_noise(taken, make(len(taken), sample_rate, rng), snr_db)

    return f"{snr_db:g} dB SNR, {kind}", stress


def _room(level: str, speech: Sequence[Samples]) -> tuple[str, Stress]:
    try:
        t60 = float(level)
    except ValueError:
        if not level:
            raise ConfigurationError(
                "room takes a T60 in s or a path, as in room:0.5; got none"
            ) from None
        return level, lambda samples, rate, rng: reverberate(samples, from_file(level, rate))
    room_response(t60, 8_000, np.random.default_rng(0))  # says now whether it is in range
    return f"T60 {t60:g} s", lambda samples, rate, rng: reverberate(
        samples, room_response(t60, rate, rng)
    )


def _telephone(level: str, speech: Sequence[Samples]) -> tuple[str, Stress]:
    if level:
        raise ConfigurationError(f"telephone takes no level, got {level!r}")
    return "8 kHz, mu-law", lambda samples, rate, rng: telephone(samples, rate)


def _mp3(level: str, speech: Sequence[Samples]) -> tuple[str, Stress]:
    kilobits = _number("mp3", level, "a bit rate in kbit/s, as in mp3:32")
    if kilobits != int(kilobits):
        raise ConfigurationError(f"mp3 takes a whole number of kbit/s, got {level!r}")
    return f"{kilobits:g} kbit/s", lambda samples, rate, rng: mp3(samples, rate, int(kilobits))


def _number(axis: str, text: str, accepted: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise ConfigurationError(f"{axis} takes {accepted}; got {text!r}")
    return value


_COLOURS: Mapping[str, Callable[[int, np.random.Generator], Samples]] = {
    "white": white,
    "pink": pink,
}

stress_axes: Mapping[str, Callable[[str, Sequence[Samples]], tuple[str, Stress]]] = (
    MappingProxyType({"noise": _noise, "room": _room, "telephone": _telephone, "mp3": _mp3})
)
