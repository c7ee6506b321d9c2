"""The same words from another voice in another room, in the mel domain."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


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
    factor = np.exp(rng.uniform(-0.22, 0.22))
    at = np.clip(np.arange(bands) * factor, 0, bands - 1)
    left = np.minimum(at.astype(int), bands - 2)
    share = (at - left).astype(np.float32)

    def warped(x: Floats) -> Floats:
        return x[..., left] * (1 - share) + x[..., left + 1] * share

    if rng.random() < 0.3:  # a noisier room, that the floor does not hide
        tilt = rng.uniform(-10.0, -6.0) + rng.uniform(-4, 0) * np.linspace(0, 1, bands)
        mel = np.logaddexp(mel, (tilt + rng.normal(0, 0.4, mel.shape)).astype(np.float32))
    # statistics come from other seconds than these
    off = curve(rng, bands, 6) * 0.35
    dynamics = np.exp(rng.normal(0, 0.1) + 0.1 * curve(rng, bands, 4))
    heard = normal(warped(mel), warped(mean) + off, warped(spread) * dynamics)
    missing = int(rng.integers(masked_bands + 1)) if masked_bands else 0
    first = int(rng.integers(bands - missing + 1)) if missing else 0
    heard[first : first + missing] = 0.0  # each band's mean
    return heard


def curve(rng: np.random.Generator, bands: int, terms: int) -> Floats:
    """Smooth random curve of unit variance."""
    place = (np.arange(bands) + 0.5) / bands
    basis = np.cos(np.pi * np.outer(np.arange(terms), place))
    drawn: Floats = (rng.standard_normal(terms) @ basis / np.sqrt(terms / 2)).astype(np.float32)
    return drawn
