"""Within-class covariance normalisation."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from voxguard.attacks.backends.base import Backend
from voxguard.attacks.backends.moments import Vectors, inverse_root, shrink, within_covariance
from voxguard.attacks.options import check_fraction


class Wccn(Backend):
    """Cosine after the directions in which a speaker varies are scaled down.

    An anonymizer that draws anew for each utterance makes every speaker vary in the same few
    directions; whitening by the covariance within speakers takes them out. It is the least that a
    semi-informed attacker does.

    Args:
        shrinkage: How far the covariance is moved towards a sphere, 0 to 1. With fewer vectors than
            several times the dimensions it has to be above 0. At 1 this is the cosine of vectors
            that are centred on the training speakers.

    Raises:
        ConfigurationError: A value outside of its range.

    References:
        A. O. Hatch, S. Kajarekar, A. Stolcke, "Within-class covariance normalization for SVM-based
        speaker recognition", Interspeech 2006.

    Example:
        >>> import numpy as np
        >>> from voxguard.attacks.backends.wccn import Wccn
        >>> rng = np.random.default_rng(0)
        >>> voices = np.repeat(rng.normal(size=(30, 2)), 20, axis=0)
        >>> heard = np.hstack([voices, 5.0 * rng.normal(size=(600, 1))])
        >>> spread = Wccn().fit(heard, np.repeat(np.arange(30), 20)).project(heard).std(axis=0)
        >>> bool(spread[2] < spread[:2].min())
        True
    """

    name: ClassVar[str] = "wccn"

    def __init__(self, *, shrinkage: float = 0.1) -> None:
        self.shrinkage = check_fraction("shrinkage", shrinkage)

    def _learn(self, centred: Vectors, labels: npt.NDArray[np.intp]) -> None:
        within = shrink(within_covariance(centred, labels), self.shrinkage)
        self._whitening = inverse_root(within)

    def _project(self, centred: Vectors) -> Vectors:
        projected: Vectors = centred @ self._whitening
        return projected
