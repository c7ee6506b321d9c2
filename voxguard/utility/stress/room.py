"""The response of a room: a synthetic one of a given reverberation time, or a measured one."""

from __future__ import annotations

import numpy as np

from voxguard.arrays import Samples
from voxguard.errors import ConfigurationError
from voxguard.utility.checks import one_channel

DIRECT_TO_REVERBERANT_DB = 0.0  # as at the critical distance
FIRST_REFLECTION_MS = 3.0
_DECAY = np.log(1000.0)  # 60 dB, as an amplitude


def room_response(t60: float, sample_rate: int, rng: np.random.Generator) -> Samples:
    """A room's response: the direct sound, then Gaussian noise that decays exponentially.

    The diffuse-field model of J.-D. Polack, "La transmission de l'énergie sonore dans les salles",
    1988: as much energy in the reverberation as in the direct sound, one decay at all frequencies.

    Args:
        t60: Seconds in which the reverberation falls by 60 dB, 0.05 to 10.
        sample_rate: Hz.
        rng: Draws the reflections.

    Returns:
        ``(m,)`` float32, the direct sound at index 0, m = t60 in samples.

    Raises:
        ConfigurationError: t60 is out of range.
    """
    if not 0.05 <= t60 <= 10.0:
        raise ConfigurationError(f"got a T60 of {t60} s; accepted: 0.05 to 10")
    seconds = np.arange(round(t60 * sample_rate)) / sample_rate
    tail = rng.standard_normal(len(seconds)) * np.exp(-_DECAY * seconds / t60)
    tail[: round(FIRST_REFLECTION_MS * 0.001 * sample_rate)] = 0.0
    tail *= 10.0 ** (-DIRECT_TO_REVERBERANT_DB / 20.0) / np.linalg.norm(tail)
    tail[0] = 1.0
    response: Samples = tail.astype(np.float32)
    return response


def reverberate(samples: Samples, response: Samples) -> Samples:
    """Play speech in a room.

    Args:
        samples: ``(n,)`` float.
        response: ``(m,)`` float. What comes before its peak (the direct sound) is a delay, and is
            left out; so is what rings after the end of the speech.

    Returns:
        ``(n,)`` float32, aligned with the input and as loud (root mean square).

    Raises:
        UnsupportedAudioError: Not ``(n,)`` floats.
        NonFiniteAudioError: NaN or infinity.
    """
    dry, heard = one_channel(samples).astype(np.float64), one_channel(response).astype(np.float64)
    heard = heard[np.argmax(np.abs(heard)) :]
    size = 1 << (len(dry) + len(heard) - 2).bit_length()
    spectrum = np.fft.rfft(dry, size) * np.fft.rfft(heard, size)
    wet = np.fft.irfft(spectrum, size)[: len(dry)]
    loudness = np.linalg.norm(wet)
    if loudness > 0.0:
        wet *= np.linalg.norm(dry) / loudness
    played: Samples = wet.astype(np.float32)
    return played
