"""Added noise at a given signal-to-noise ratio: white, pink, babble, or a recording of one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from voxguard.arrays import Samples
from voxguard.errors import ConfigurationError
from voxguard.utility.checks import one_channel

BABBLE_VOICES = 6


def add_noise(samples: Samples, noise: Samples, snr_db: float) -> Samples:
    """Add noise to speech.

    The ratio is that of the mean powers over the whole recording, pauses included. Nothing is
    clipped or scaled down afterwards. Silence has no ratio, and stays silence.

    Args:
        samples: ``(n,)`` float.
        noise: ``(n,)`` float, of any level above silence.
        snr_db: Signal-to-noise ratio in dB.

    Returns:
        ``(n,)`` float32.

    Raises:
        ConfigurationError: The lengths differ, or the noise is silent.
        UnsupportedAudioError: Not ``(n,)`` floats.
        NonFiniteAudioError: NaN or infinity.

    Example:
        >>> import numpy as np
        >>> from voxguard.utility.stress.noise import add_noise
        >>> add_noise(np.array([1.0, -1.0]), np.array([0.3, 0.3]), snr_db=20.0)
        array([ 1.1, -0.9], dtype=float32)
    """
    speech, added = one_channel(samples), one_channel(noise)
    if len(speech) != len(added):
        raise ConfigurationError(
            f"got {len(added)} samples of noise for {len(speech)} of speech; give as many"
        )
    loudness, hiss = _power(speech), _power(added)
    if hiss == 0.0:
        raise ConfigurationError("the noise is silent: no gain brings it to any ratio")
    gain = np.sqrt(loudness / hiss) * 10.0 ** (-snr_db / 20.0)
    noisy: Samples = (speech + gain * added.astype(np.float64)).astype(np.float32)
    return noisy


def white(frames: int, rng: np.random.Generator) -> Samples:
    """White Gaussian noise, ``(frames,)``."""
    return rng.standard_normal(frames, dtype=np.float32)


def pink(frames: int, rng: np.random.Generator) -> Samples:
    """Gaussian noise, ``(frames,)``, that falls by 3 dB an octave."""
    if frames < 2:
        return white(frames, rng)
    spectrum = np.fft.rfft(rng.standard_normal(frames))
    spectrum[0] = 0.0
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    shaped: Samples = np.fft.irfft(spectrum, frames).astype(np.float32)
    return shaped


def babble(speech: Sequence[Samples], frames: int, rng: np.random.Generator) -> Samples:
    """Several voices at once, equally loud.

    Args:
        speech: Recordings ``(m,)`` to draw the voices from, at the rate of the result. Fewer than
            six of them are heard several times, from different places.
        frames: Length of the result.
        rng: Draws the voices and where each of them begins.

    Raises:
        ConfigurationError: No recording among them is louder than silence.
    """
    audible = [voice for voice in map(one_channel, speech) if _power(voice) > 0.0]
    if not audible:
        raise ConfigurationError("babble is made of speech: give some recordings with a voice")
    mixed = np.zeros(frames)
    order = [*rng.permutation(len(audible)), *rng.integers(len(audible), size=BABBLE_VOICES)]
    for index in order[:BABBLE_VOICES]:
        voice = audible[index]
        mixed += looped(voice, frames, rng) / np.sqrt(_power(voice))
    return mixed.astype(np.float32)


def looped(noise: Samples, frames: int, rng: np.random.Generator) -> Samples:
    """Noise from a random place on, ``(frames,)``, over again where it is too short."""
    start = int(rng.integers(len(noise)))
    return np.resize(np.roll(noise, -start), frames)


def _power(samples: Samples) -> float:
    return float(np.mean(np.square(samples, dtype=np.float64)))
