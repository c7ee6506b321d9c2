"""A plug-in for the tests: one method that is simple and right, one that breaks on demand."""

import time
from dataclasses import dataclass

import numpy as np

from voxguard import Anonymizer, PseudoVoice


@dataclass(frozen=True, repr=False)
class Gain(PseudoVoice):
    gain: float


class Scramble(Anonymizer):
    """Inverts the spectrum at a random gain.

    Args:
        live: Whether it says that it can stream.
        rate: Native rate in Hz.
        delay: Latency in samples.
        pause_ms: Time to waste on every block.
    """

    name = "test-scramble"

    def __init__(self, *, live=True, rate=None, delay=160, pause_ms=0, **randomness):
        super().__init__(**randomness)
        self.live = self.streamable = live
        self.rate = self.native_sample_rate = rate
        self.delay = delay
        self.pause_ms = pause_ms

    def draw(self, rng):
        return Gain(float(rng.uniform(0.2, 0.8)))

    def render(self, samples, sample_rate, voice):
        renderer = self.open_stream(sample_rate, len(samples), voice, None)
        return np.concatenate([renderer.push(samples), renderer.flush()], axis=1)

    def open_stream(self, sample_rate, channels, voice, max_latency_ms):
        return _Stream(self, channels, voice.gain)


class Fault(Scramble):
    """Breaks.

    Args:
        kind: How: ``raise``, ``nan``, ``copy``, ``shape`` or ``memory``.
        after: So many samples later.
        live: As in Scramble.
    """

    name = "test-fault"

    def __init__(self, *, kind="raise", after=0, live=True, **randomness):
        super().__init__(live=live, delay=0, **randomness)
        self.kind = kind
        self.after = after

    def open_stream(self, sample_rate, channels, voice, max_latency_ms):
        return _Broken(self, channels, voice.gain)


class _Stream:
    def __init__(self, method, channels, gain):
        self.method = method
        self.gain = np.float32(gain)
        self.latency_samples = method.delay
        self.held = np.zeros((channels, 0), np.float32)
        self.position = 0

    def push(self, samples):
        time.sleep(self.method.pause_ms / 1000)
        index = np.arange(self.position, self.position + samples.shape[1])
        self.position += samples.shape[1]
        signs = np.where(index % 2, -self.gain, self.gain).astype(np.float32)
        held = np.concatenate([self.held, samples * signs], axis=1)
        ready = max(0, held.shape[1] - self.latency_samples)
        self.held = held[:, ready:]
        return held[:, :ready]

    def flush(self):
        return self.held


class _Broken(_Stream):
    def push(self, samples):
        result = super().push(samples)
        if self.position <= self.method.after:
            return result
        match self.method.kind:
            case "raise":
                raise RuntimeError(f"the raw samples are {samples[0, :3]}")
            case "memory":
                raise MemoryError
            case "nan":
                return result * np.float32(np.nan)
            case "copy":
                return samples
            case "shape":
                return result[0]
        raise AssertionError
