"""Recordings that can be told apart, and a look at what left."""

from __future__ import annotations

import base64

import numpy as np

import voxguard
from voxguard.audio import encode, read

RATE = 16_000


def wav(samples, rate=RATE, suffix="wav"):
    return encode(np.atleast_2d(samples), rate, suffix)


def b64(content):
    return base64.b64encode(content).decode()


def likeness(left, raw):
    """Highest correlation of what left with a raw voice, over shifts of up to 0.1 s."""
    left, raw = np.asarray(left, float).ravel(), np.asarray(raw, float).ravel()
    n = min(len(left), len(raw))
    best = 0.0
    for shift in range(0, min(1600, n // 2), 4):
        a, b = left[shift:n], raw[: n - shift]
        norm = np.linalg.norm(a) * np.linalg.norm(b)
        if norm > 0:
            best = max(best, abs(float(a @ b)) / norm)
    return best


class Raw:
    """A raw recording, and whether anything of it is in what left."""

    def __init__(self, seconds=1.0, speaker=0, suffix="wav", rate=RATE):
        self.rate = rate
        self.samples = voxguard.synthetic_voice(
            seconds=seconds, sample_rate=rate, speaker=speaker, seed=speaker
        )
        self.content = wav(self.samples, rate, suffix)
        self.b64 = b64(self.content)
        middle = len(self.content) // 2
        self.pieces = [self.content[middle + at : middle + at + 48] for at in (0, 500, 1500)]
        tail = len(self.b64) // 2 // 4 * 4
        self.pieces += [self.b64[tail + at : tail + at + 64].encode() for at in (0, 400, 1600)]

    def is_in(self, data: bytes) -> bool:
        return any(piece in data for piece in self.pieces)

    def is_heard_in(self, content: bytes) -> bool:
        """Whether an audio file holds this voice as it was."""
        samples, rate = read(content)
        assert rate == self.rate
        assert np.abs(samples).max() > 0.01, "silence"
        return likeness(samples[0], self.samples) > 0.9
