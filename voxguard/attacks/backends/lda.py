"""Linear discriminant analysis."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from voxguard.attacks.backends.base import Backend
from voxguard.attacks.backends.moments import (
    Vectors,
    class_means,
    inverse_root,
    shrink,
    within_covariance,
)
from voxguard.attacks.options import check_count, check_fraction


class Lda(Backend):
    """Cosine in the directions in which speakers differ most, for how much each of them varies.

    Args:
        dimensions: How many directions are kept; at most one less than there are speakers.
        shrinkage: How far the covariance within speakers is moved towards a sphere, 0 to 1.

    Raises:
        ConfigurationError: A value outside of its range.

    References:
        R. A. Fisher, "The use of multiple measurements in taxonomic problems", 1936; in speaker
        verification: N. Dehak et al., "Front-end factor analysis for speaker verification", 2011.

    Example:
        >>> import numpy as np
        >>> from voxguard.attacks.backends.lda import Lda
        >>> rng = np.random.default_rng(0)
        >>> voices = np.repeat(rng.normal(size=(30, 2)), 20, axis=0)
        >>> heard = np.hstack([voices, 5.0 * rng.normal(size=(600, 3))])
        >>> Lda(dimensions=2).fit(heard, np.repeat(np.arange(30), 20)).project(heard).shape
        (600, 2)
    """

    name: ClassVar[str] = "lda"

    def __init__(self, *, dimensions: int = 100, shrinkage: float = 0.1) -> None:
        self.dimensions = check_count("dimensions", dimensions)
        self.shrinkage = check_fraction("shrinkage", shrinkage)

    def _learn(self, centred: Vectors, labels: npt.NDArray[np.intp]) -> None:
        whitening = inverse_root(shrink(within_covariance(centred, labels), self.shrinkage))
        means = class_means(centred, labels) @ whitening
        _, spread, directions = np.linalg.svd(means - means.mean(axis=0), full_matrices=False)
        useful = int(np.count_nonzero(spread > 1e-8 * spread[0]))
        self._projection = whitening @ directions[: min(self.dimensions, max(useful, 1))].T

    def _project(self, centred: Vectors) -> Vectors:
        projected: Vectors = centred @ self._projection
        return projected
