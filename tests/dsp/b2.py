"""The McAdams method, written down from its description: frame by frame, slow, nothing shared.

The description is that of baseline B2 of the VoicePrivacy Challenges: frames of 20 ms every 10 ms,
the same window sqrt(hann / K) before and after, linear prediction by Burg of order 20, the angle of
each complex pole raised to the power alpha, overlap-add; float32's epsilon is added to the samples,
and once more to the frame that the prediction is made from.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.signal import lfilter

FRAME, HOP, ORDER = 320, 160, 20
EPSILON = np.finfo(np.float32).eps.astype(float)


def snr_db(reference, other):
    error = np.sum((reference - other) ** 2)
    return 10 * np.log10(np.sum(reference**2) / error) if error else np.inf


def burg(frame, order):
    """One frame's A(z); forward and backward prediction errors, as in any textbook."""
    a, forward, backward = np.ones(1), frame[1:], frame[:-1]
    for _ in range(order):
        k = -2 * (forward @ backward) / (forward @ forward + backward @ backward)
        a = np.append(a, 0) + k * np.append(a, 0)[::-1]
        forward, backward = (forward + k * backward)[1:], (backward + k * forward)[:-1]
    return a


def window():
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / (FRAME - 1))
    return np.sqrt(hann / (hann.sum() / HOP))


def warped(roots, alpha):
    """Complex roots with their angles to the power alpha; real ones as they are."""
    moved = np.abs(roots) * np.exp(1j * np.sign(roots.imag) * np.abs(np.angle(roots)) ** alpha)
    return np.where(roots.imag == 0, roots, moved)


def render(samples, alpha):
    """All whole frames of 16 kHz samples, the first at sample 0."""
    out = np.zeros(len(samples))
    for start, frame, a, roots in _analysed(samples.astype(np.float64).tobytes()):
        excitation = lfilter(a, 1, frame)
        rendered = lfilter([1], np.poly(warped(roots, alpha)).real, excitation)
        out[start : start + FRAME] += rendered * window()
    return out


@lru_cache(maxsize=64)
def _analysed(raw):
    """What does not depend on alpha."""
    samples = np.frombuffer(raw) + EPSILON
    frames = []
    for start in range(0, len(samples) - FRAME + 1, HOP):
        frame = samples[start : start + FRAME] * window()
        a = burg(frame + EPSILON, ORDER)
        frames.append((start, frame, a, np.roots(a)))
    return frames
