"""What the contracts are measured with."""

from __future__ import annotations

import numpy as np


def snr_db(reference: np.ndarray, other: np.ndarray) -> float:
    """How far `other` is from `reference`; infinite if they are equal."""
    reference, other = (np.asarray(x, dtype=np.float64).ravel() for x in (reference, other))
    error = ((reference - other) ** 2).sum()
    return np.inf if error == 0 else 10 * np.log10((reference**2).sum() / error)


def active_rms_db(samples: np.ndarray, like: np.ndarray, sample_rate: int) -> float:
    """Level in dB of the 20 ms frames in which `like` has speech: within 25 dB of its loudest."""
    frame = sample_rate // 50
    count = like.shape[-1] // frame

    def power(x: np.ndarray) -> np.ndarray:
        frames = x[..., : count * frame].reshape(-1, count, frame).astype(np.float64)
        return (frames**2).mean(axis=2)

    active = power(like) > power(like).max() * 10**-2.5
    return 10 * np.log10(power(samples)[active].mean())
