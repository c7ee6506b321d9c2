"""How voices are spread, as a model from which voices that nobody has are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

COMPONENTS = 5

_THRESHOLDS = np.linspace(-8.0, 4.0, 4096)  # in standard deviations


@dataclass(frozen=True, repr=False)
class VoiceDistribution:
    """A few principal components and noise, behind a rectifier.

    Speaker vectors that come out of a ReLU are zero in many dimensions. A Gaussian whose negative
    values are cut off has another mean than it had, and the voices drawn from it are more alike
    than real ones. So a column that is never negative is taken for a Gaussian whose negative values
    were cut off (J. Tobin, "Estimation of relationships for limited dependent variables",
    Econometrica 26, 1958), and is matched in mean and power; any other column for a Gaussian. The
    columns' standard scores share a few principal components; what these leave is independent
    noise. Few components keep voices that are drawn out of the span of those that were fitted.

    Attributes:
        mean: ``(d,)`` of the Gaussians.
        std: ``(d,)`` of the Gaussians; 0 for a column that is always 0.
        threshold: ``(d,)`` standard scores below which a column is 0; -inf: never.
        loadings: ``(components, d)`` of the standard scores.

    Example:
        >>> import numpy as np
        >>> from voxguard.models.voice_distribution import VoiceDistribution
        >>> rng = np.random.default_rng(0)
        >>> voices = np.maximum(rng.normal(-0.5, 1.0, (5000, 3)), 0.0)
        >>> drawn = VoiceDistribution.fit(voices).sample(rng, 5000)
        >>> bool(np.allclose(drawn.mean(axis=0), voices.mean(axis=0), atol=0.03))
        True
        >>> bool(np.allclose((drawn == 0).mean(axis=0), (voices == 0).mean(axis=0), atol=0.03))
        True
    """

    mean: Floats
    std: Floats
    threshold: Floats
    loadings: Floats

    @classmethod
    def fit(cls, voices: npt.ArrayLike, components: int = COMPONENTS) -> VoiceDistribution:
        """Fit to voices.

        Args:
            voices: ``(n, d)``, n at least 2; a row is a voice.
            components: Principal components, fewer where n or d is small.
        """
        columns = np.asarray(voices, np.float64)
        mean, std, threshold = _marginals(columns)
        bare = cls(mean, std, threshold, np.zeros((0, columns.shape[1])))
        scores = (bare.hidden(columns) - mean) / np.where(std > 0, std, 1.0)
        scores -= scores.mean(axis=0)
        _, sizes, axes = np.linalg.svd(scores, full_matrices=False)
        kept = min(components, len(columns) - 1, columns.shape[1])
        loadings = axes[:kept] * (sizes[:kept, None] / np.sqrt(len(columns) - 1))
        explained = np.sqrt(np.square(loadings).sum(axis=0))
        return cls(mean, std, threshold, loadings / np.maximum(explained, 1.0))

    def hidden(self, voices: npt.ArrayLike) -> Floats:
        """Voices before the cut, ``(n, d)``: where they were cut off, what is to be expected."""
        columns = np.asarray(voices, np.float64)
        density, below, _ = _normal(self.threshold)
        expected = self.mean - self.std * density / np.where(below > 0, below, 1.0)
        return np.where((columns <= 0.0) & np.isfinite(self.threshold), expected, columns)

    def cut(self, hidden: npt.ArrayLike) -> Floats:
        """Voices as they are after the cut, ``(n, d)``; undoes :meth:`hidden`."""
        columns = np.asarray(hidden, np.float64)
        return np.where(np.isfinite(self.threshold), np.maximum(columns, 0.0), columns)

    def sample_hidden(self, rng: np.random.Generator, count: int) -> Floats:
        """New voices before the cut, ``(count, d)``."""
        shared = rng.standard_normal((count, len(self.loadings))) @ self.loadings
        own = np.sqrt(np.maximum(1.0 - np.square(self.loadings).sum(axis=0), 0.0))
        drawn: Floats = self.mean + self.std * (shared + own * rng.standard_normal(shared.shape))
        return drawn

    def sample(self, rng: np.random.Generator, count: int) -> Floats:
        """New voices, ``(count, d)``."""
        return self.cut(self.sample_hidden(rng, count))


def _marginals(columns: Floats) -> tuple[Floats, Floats, Floats]:
    """Means and deviations before the cut, and thresholds, that give each column's own moments."""
    mean, std = columns.mean(axis=0), columns.std(axis=0)
    power = np.square(columns).mean(axis=0)
    ratio = np.square(mean) / np.where(power > 0, power, 1.0)
    ratios, means = _moments()
    # what is so far above 0 that nothing is cut off is a plain Gaussian
    is_cut = (columns.min(axis=0) >= 0.0) & (ratio < ratios[-1])
    threshold = np.interp(ratio, ratios, _THRESHOLDS[::-1])
    before = mean / np.interp(threshold, _THRESHOLDS, means)
    return (
        np.where(is_cut, -threshold * before, mean),
        np.where(is_cut, before, std),
        np.where(is_cut, threshold, -np.inf),
    )


@lru_cache(maxsize=1)
def _moments() -> tuple[Floats, Floats]:
    """Of standard Gaussians cut off at a threshold that is then 0: mean² / power, and the mean."""
    density, _, above = _normal(_THRESHOLDS)
    means = density - _THRESHOLDS * above
    power = (1.0 + np.square(_THRESHOLDS)) * above - _THRESHOLDS * density
    return (np.square(means) / power)[::-1], means


def _normal(points: Floats) -> tuple[Floats, Floats, Floats]:
    """Density of the standard Gaussian, and its share below and above."""
    from scipy.special import ndtr

    density = np.exp(-0.5 * np.square(points)) / np.sqrt(2.0 * np.pi)
    return density, ndtr(points), ndtr(-points)
