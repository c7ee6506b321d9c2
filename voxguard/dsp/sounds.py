"""Which of a few kinds of speech sound a frame holds, by the population's mean of each kind."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from voxguard.dsp import population
from voxguard.dsp.bands import DB, Bands

Floats = npt.NDArray[np.float32]

_SMOOTH_MS = 40.0


def cepstra(points: int, count: int) -> npt.NDArray[np.float64]:
    """``(points, count)``: from a curve to its first cosine coefficients.

    Example:
        >>> import numpy as np
        >>> from voxguard.dsp.sounds import cepstra
        >>> (np.ones((1, 8)) @ cepstra(8, 3)).round(3) + 0.0
        array([[2.828, 0.   , 0.   ]])
    """
    middle = np.arange(points)[:, None] + 0.5
    cosines = np.cos(np.pi * middle * np.arange(count) / points)
    return np.asarray(cosines / np.sqrt(np.square(cosines).sum(axis=0)))


def posterior(distances: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Shares from squared distances in standard deviations, ``(frames, kinds)`` both.

    Example:
        >>> import numpy as np
        >>> from voxguard.dsp.sounds import posterior
        >>> posterior(np.array([[0.0, 0.0], [0.0, 1000.0]])).round(3)
        array([[0.5, 0.5],
               [1. , 0. ]])
    """
    shares = np.exp(-0.5 * (distances - distances.min(axis=1, keepdims=True)))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


class Sounds:
    """Kinds of sound: a mixture of Gaussians in the cepstrum that share one diagonal covariance.

    Args:
        bands: Of the frames.
        frame_ms: Distance between them.
    """

    def __init__(self, bands: Bands, frame_ms: float) -> None:
        means_db = np.asarray(population.SOUNDS_DB)
        scale = np.asarray(population.CEPSTRAL_SPREAD_DB)
        basis = cepstra(means_db.shape[1], len(scale)) / scale
        self.means = bands.from_points(means_db / DB)
        self._basis: Floats = (bands.points(means_db.shape[1]) @ basis * DB).astype(np.float32)
        self._centres: Floats = (means_db @ basis).astype(np.float32)
        window = np.hanning(2 * round(_SMOOTH_MS / frame_ms / 2) + 3)[1:-1]
        self._window = window / window.sum()

    def shares(self, levels: Floats) -> Floats:
        """How much of each kind frames hold, smooth in time.

        Args:
            levels: ``(frames, bands)`` natural log of power, with the population's mean.

        Returns:
            ``(frames, kinds)``; each frame's add up to 1.
        """
        places = levels @ self._basis
        distances = (
            np.square(places).sum(axis=1, keepdims=True)
            - 2.0 * places @ self._centres.T
            + np.square(self._centres).sum(axis=1)
        )
        half = len(self._window) // 2
        padded = np.pad(posterior(distances), ((half, half), (0, 0)), mode="edge")
        smooth = [np.convolve(kind, self._window, "valid") for kind in padded.T]
        return np.stack(smooth, axis=1).astype(np.float32)
