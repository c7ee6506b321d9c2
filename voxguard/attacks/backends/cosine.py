"""Cosine of the angle between two vectors: the back-end that learns nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from voxguard.attacks.backends.base import Backend, check_vectors
from voxguard.attacks.backends.moments import Vectors, unit_rows


class Cosine(Backend):
    """Cosine similarity, as in the VoicePrivacy Challenge 2024.

    Example:
        >>> import numpy as np
        >>> from voxguard.attacks.backends.cosine import Cosine
        >>> Cosine().score(np.array([[2.0, 0.0]]), np.array([[3.0, 0.0], [0.0, 1.0]]))
        array([[1., 0.]])
    """

    name: ClassVar[str] = "cosine"
    trainable: ClassVar[bool] = False

    def fit(self, vectors: Vectors, speakers: Sequence[str]) -> Self:
        """Nothing to learn; gives itself."""
        return self

    def project(self, vectors: Vectors) -> Vectors:
        """Vectors at unit length."""
        return self._project(check_vectors(vectors))

    def _project(self, centred: Vectors) -> Vectors:
        return unit_rows(centred)

    def _learn(self, centred: Vectors, labels: npt.NDArray[np.intp]) -> None:
        """Nothing."""
