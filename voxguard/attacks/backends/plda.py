"""Probabilistic linear discriminant analysis, in its two-covariance form."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from voxguard.attacks.backends.base import Backend
from voxguard.attacks.backends.lda import Lda
from voxguard.attacks.backends.moments import (
    Vectors,
    class_means,
    inverse_root,
    shrink,
    unit_rows,
    within_covariance,
)
from voxguard.attacks.options import check_count, check_fraction


class Plda(Backend):
    """Log-likelihood ratio of "one speaker" against "two speakers", all being Gaussian.

    Discriminant directions are taken and brought to unit length first, without which it does worse
    than the cosine of whitened vectors. Then a vector is ``mean + speaker + rest``, with the
    speaker drawn from one Gaussian and the rest from another, both with full covariance. They are
    found by expectation maximisation from the moments, with the right weight for speakers of many
    and of few vectors. An enrolment vector counts as one utterance, also where it is a mean.

    Args:
        dimensions: How many discriminant directions are kept.
        iterations: Of expectation maximisation; 0 leaves it at the moments.
        shrinkage: How far all covariances are moved towards a sphere, 0 to 1.

    Raises:
        ConfigurationError: A value outside of its range.

    References:
        S. Ioffe, "Probabilistic linear discriminant analysis", ECCV 2006.
        D. Garcia-Romero, C. Y. Espy-Wilson, "Analysis of i-vector length normalization in speaker
        recognition systems", Interspeech 2011.
        N. Brümmer, E. de Villiers, "The speaker partitioning problem", Odyssey 2010.

    Example:
        >>> import numpy as np
        >>> from voxguard.attacks.backends.plda import Plda
        >>> rng = np.random.default_rng(0)
        >>> voices = np.repeat(rng.normal(size=(30, 12)), 20, axis=0)
        >>> heard = voices + 0.3 * rng.normal(size=(600, 12))
        >>> plda = Plda().fit(heard, np.repeat(np.arange(30), 20))
        >>> same, other = plda.score(heard[:1], heard[[1, 20]])[0]
        >>> bool(same > 0 > other)
        True
    """

    name: ClassVar[str] = "plda"

    def __init__(
        self, *, dimensions: int = 100, iterations: int = 10, shrinkage: float = 0.3
    ) -> None:
        self.dimensions = check_count("dimensions", dimensions)
        self.iterations = check_count("iterations", iterations, least=0)
        self.shrinkage = check_fraction("shrinkage", shrinkage)

    def _learn(self, centred: Vectors, labels: npt.NDArray[np.intp]) -> None:
        self._lda = Lda(dimensions=self.dimensions, shrinkage=self.shrinkage)
        self._lda._learn(centred, labels)
        rows = unit_rows(self._lda._project(centred))
        self._centre = class_means(rows, labels).mean(axis=0)
        rows = rows - self._centre
        within, between = _moments(rows, labels)
        for _ in range(self.iterations):
            within, between = _improve(rows, labels, within, between)
            within, between = shrink(within, self.shrinkage), shrink(between, self.shrinkage)
        self._axes, self._between = _diagonalise(
            shrink(within, self.shrinkage), shrink(between, self.shrinkage)
        )

    def _project(self, centred: Vectors) -> Vectors:
        projected: Vectors = (unit_rows(self._lda._project(centred)) - self._centre) @ self._axes
        return projected

    def score(self, enrolment: Vectors, trials: Vectors) -> npt.NDArray[np.float64]:
        """Log-likelihood ratio of every enrolled speaker and every trial.

        Args:
            enrolment: ``(n_enrolled, d)``, one vector a speaker.
            trials: ``(n_trials, d)``.

        Returns:
            ``(n_enrolled, n_trials)`` natural logarithms; above 0 speaks for one speaker.

        Raises:
            ConfigurationError: Not trained yet, or vectors of another size than trained on.
        """
        one, two = self.project(enrolment), self.project(trials)
        # Along each axis a pair has covariance [[t, b], [b, t]] with one speaker and diag(t, t)
        # with two, where b is the variance between speakers and t = b + 1.
        b = self._between
        t = b + 1.0
        determinant = t**2 - b**2
        own = -(b**2) / (t * determinant)
        offset = float(np.sum(np.log(t) - 0.5 * np.log(determinant)))
        squares = 0.5 * ((one**2 @ own)[:, None] + two**2 @ own)
        scores: npt.NDArray[np.float64] = (one * (b / determinant)) @ two.T + squares + offset
        return scores


def _moments(rows: Vectors, labels: npt.NDArray[np.intp]) -> tuple[Vectors, Vectors]:
    """Covariances within and between speakers, the latter without the noise of the means."""
    within = within_covariance(rows, labels)
    means = class_means(rows, labels)
    off = means - means.mean(axis=0)
    noise = float(np.mean(1.0 / np.bincount(labels)))
    between = off.T @ off / max(1, len(means) - 1) - noise * within
    variances, axes = np.linalg.eigh(between)
    return within, (axes * np.maximum(variances, 0.0)) @ axes.T


def _diagonalise(within: Vectors, between: Vectors) -> tuple[Vectors, Vectors]:
    """Axes along which the covariance within is 1, and the variances between along them."""
    whitening = inverse_root(within)
    variances, rotation = np.linalg.eigh(whitening @ between @ whitening)
    order = np.argsort(variances)[::-1]
    return whitening @ rotation[:, order], np.maximum(variances[order], 0.0)


def _improve(
    rows: Vectors, labels: npt.NDArray[np.intp], within: Vectors, between: Vectors
) -> tuple[Vectors, Vectors]:
    """One step of expectation maximisation, on the axes where all is diagonal."""
    axes, b = _diagonalise(within, between)
    back = np.linalg.pinv(axes)
    turned = rows @ axes
    counts = np.bincount(labels)[:, None].astype(np.float64)
    # Posterior of a speaker after n vectors: precision n + 1/b, mean n b / (n b + 1) times theirs.
    posterior = class_means(turned, labels) * (counts * b / (counts * b + 1.0))
    variance = b / (counts * b + 1.0)
    new_between = posterior.T @ posterior / len(counts) + np.diag(variance.mean(axis=0))
    rest = turned - posterior[labels]
    new_within = (rest.T @ rest + np.diag((counts * variance).sum(axis=0))) / len(rows)
    return back.T @ new_within @ back, back.T @ new_between @ back
