"""Anonymizers that would fake privacy, each in a way that the literature knows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from voxguard import Anonymizer, PseudoVoice, synthetic_voice
from voxguard.dsp.voice import fundamental_hz

TARGETS, TEXTS = 8, 20
_LOW_HIGH_HZ = 150.0


@dataclass(frozen=True, repr=False)
class Target(PseudoVoice):
    speaker: int
    text: int


@cache
def _spoken(seconds, sample_rate, speaker, text):
    return synthetic_voice(seconds=seconds, sample_rate=sample_rate, speaker=speaker, seed=text)


def replace_voice(samples, sample_rate, target, text):
    """Another voice, saying something else, as loud as the source from moment to moment."""
    voice = _spoken(samples.shape[-1] / sample_rate, sample_rate, target, text)
    width = sample_rate // 20
    loudness = np.sqrt(np.convolve(samples.mean(0) ** 2, np.ones(width) / width, "same"))
    return (voice * loudness / (loudness.max() + 1e-9)).astype(np.float32)[None] * np.ones(
        (len(samples), 1), np.float32
    )


class OtherVoice(Anonymizer):
    """Nothing of the speaker is left; what an attacker hears is the target voice."""

    name = "other-voice"

    def draw(self, rng):
        return Target(100 + int(rng.integers(TARGETS)), int(rng.integers(TEXTS)))

    def render(self, samples, sample_rate, voice):
        return replace_voice(samples, sample_rate, voice.speaker, voice.text)


class SameSexVoice(OtherVoice):
    """As above, but low voices become low ones, and high voices high ones."""

    name = "same-sex-voice"

    def render(self, samples, sample_rate, voice):
        low = _pitch(samples.mean(0), sample_rate) <= _LOW_HIGH_HZ
        ranked = sorted(range(100, 100 + 2 * TARGETS), key=fundamental_hz)
        targets = ranked[:4] if low else ranked[-4:]
        return replace_voice(samples, sample_rate, targets[voice.speaker % 4], voice.text)


def _pitch(samples, sample_rate):
    """Median F0 in Hz of the loudest frames, by autocorrelation."""
    frame = round(0.04 * sample_rate)
    frames = samples[: samples.size // frame * frame].reshape(-1, frame)
    loud = frames[np.argsort((frames**2).sum(1))[-20:]]
    lags = np.arange(round(sample_rate / 280), round(sample_rate / 75))
    best = [
        lags[np.argmax([np.dot(f[:-lag], f[lag:]) / (frame - lag) for lag in lags])] for f in loud
    ]
    return sample_rate / np.median(best)
