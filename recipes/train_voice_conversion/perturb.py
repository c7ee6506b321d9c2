"""The same words from another voice in another room, in the mel domain."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

_LEVEL = 1.0  # deviation of the level, in nepers


def normal(mel: Floats, mean: Floats, spread: Floats) -> Floats:
    """What the encoder hears, ``(80, frames)``."""
    heard: Floats = ((mel - mean) / spread).T.astype(np.float32)
    return heard


def perturbed(
    mel: Floats, mean: Floats, spread: Floats, rng: np.random.Generator, masked_bands: int = 0
) -> Floats:
    """Another voice in another room: vocal tract, channel, dynamics and noise changed.

    H.-S. Choi et al., "Neural analysis and synthesis", NeurIPS 2021, in the mel domain. Up to so
    many neighbouring bands are missing: D. S. Park et al., "SpecAugment", Interspeech 2019.
    """
    bands = mel.shape[1]
    warped = vocal_tract(rng, bands)
    mel = noisier(mel, rng)
    # statistics come from other seconds than these
    off, dynamics = channel(rng, bands)
    heard = normal(warped(mel), warped(mean) + off, warped(spread) * dynamics)
    missing = int(rng.integers(masked_bands + 1)) if masked_bands else 0
    first = int(rng.integers(bands - missing + 1)) if missing else 0
    heard[first : first + missing] = 0.0  # each band's mean
    return heard


def elsewhere(mel: Floats, rng: np.random.Generator) -> Floats:
    """A whole recording perturbed likewise, at another level, before anything is normalised.

    Args:
        mel: ``(frames, bands)`` log envelope at the level of its speech.
        rng: Draws one voice and one room.
    """
    bands = mel.shape[1]
    warped = vocal_tract(rng, bands)
    mel = noisier(mel, rng)
    off, dynamics = channel(rng, bands)
    mean = mel.mean(axis=0)
    made: Floats = warped(mean + (mel - mean) / dynamics) - off + rng.normal(0.0, _LEVEL)
    return made.astype(np.float32)


def vocal_tract(rng: np.random.Generator, bands: int) -> Callable[[Floats], Floats]:
    """Another one, as a warp of the bands."""
    factor = np.exp(rng.uniform(-0.22, 0.22))
    at = np.clip(np.arange(bands) * factor, 0, bands - 1)
    left = np.minimum(at.astype(int), bands - 2)
    share = (at - left).astype(np.float32)
    return lambda x: x[..., left] * (1 - share) + x[..., left + 1] * share


def noisier(mel: Floats, rng: np.random.Generator) -> Floats:
    """Three times in ten a noisier room, that the floor does not hide."""
    if rng.random() >= 0.3:
        return mel
    tilt = rng.uniform(-10.0, -6.0) + rng.uniform(-4, 0) * np.linspace(0, 1, mel.shape[1])
    noisy: Floats = np.logaddexp(mel, (tilt + rng.normal(0, 0.4, mel.shape)).astype(np.float32))
    return noisy


def channel(rng: np.random.Generator, bands: int) -> tuple[Floats, Floats]:
    """What is to be taken from each band, and what to divide it by."""
    off = curve(rng, bands, 6) * np.float32(0.35)
    dynamics: Floats = np.exp(rng.normal(0, 0.1) + 0.1 * curve(rng, bands, 4)).astype(np.float32)
    return off, dynamics


def curve(rng: np.random.Generator, bands: int, terms: int) -> Floats:
    """Smooth random curve of unit variance."""
    place = (np.arange(bands) + 0.5) / bands
    basis = np.cos(np.pi * np.outer(np.arange(terms), place))
    drawn: Floats = (rng.standard_normal(terms) @ basis / np.sqrt(terms / 2)).astype(np.float32)
    return drawn
