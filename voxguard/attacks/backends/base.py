"""What every back-end is, and how one is made by name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from copy import copy
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from voxguard.attacks.backends.moments import Vectors, class_means, unit_rows
from voxguard.attacks.options import make, option_defaults
from voxguard.errors import ConfigurationError
from voxguard.registry import Registry


class Backend(ABC):
    """Compares speaker vectors; most learn from labelled vectors which differences matter.

    Vectors come as the encoder gives them, or as means of several; they are brought to unit length
    here. Options are keyword-only, checked on construction, and kept in attributes of the same
    name.
    """

    name: ClassVar[str]
    trainable: ClassVar[bool] = True

    _mean: Vectors | None = None

    def fit(self, vectors: Vectors, speakers: Sequence[str]) -> Self:
        """Learn from vectors whose speakers are known.

        Args:
            vectors: ``(n, d)``, finite. For a semi-informed attacker, of anonymized speech.
            speakers: Of each row.

        Returns:
            A trained back-end; this one stays as it was.

        Raises:
            ConfigurationError: Vectors and speakers do not match, vectors that are not finite, or
                fewer than two speakers with two vectors each.
        """
        rows = check_vectors(vectors)
        if len(speakers) != len(rows):
            raise ConfigurationError(
                f"each vector needs its speaker: got {len(rows)} vectors, {len(speakers)} speakers"
            )
        _, labels = np.unique(np.asarray(speakers, dtype=str), return_inverse=True)
        counts = np.bincount(labels)
        if np.count_nonzero(counts >= 2) < 2:
            raise ConfigurationError(
                f"{self.name} learns how a speaker varies from at least 2 speakers with at least 2 "
                f"vectors each, got {np.count_nonzero(counts >= 2)} of {counts.size} speakers; add "
                "utterances, or cut them in pieces (voxguard.attacks.recording.split)"
            )
        trained = copy(self)
        at_unit = unit_rows(rows)
        trained._mean = class_means(at_unit, labels).mean(axis=0)
        trained._learn(at_unit - trained._mean, labels)
        return trained

    @abstractmethod
    def _learn(self, centred: Vectors, labels: npt.NDArray[np.intp]) -> None:
        """Set what :meth:`project` and :meth:`score` use; ``labels`` count from 0."""

    @abstractmethod
    def _project(self, centred: Vectors) -> Vectors:
        """Bring centred vectors to the space in which they are compared."""

    def project(self, vectors: Vectors) -> Vectors:
        """Bring vectors to the space in which this back-end compares them.

        Args:
            vectors: ``(n, d)``.

        Returns:
            ``(n, k)``, ``k <= d``.

        Raises:
            ConfigurationError: Not trained yet, or vectors of another size than trained on.
        """
        rows = unit_rows(check_vectors(vectors))
        if self._mean is None:
            raise ConfigurationError(f"{self.name} has not been trained: call fit() first")
        if rows.shape[1] != self._mean.size:
            raise ConfigurationError(
                f"{self.name} was trained on vectors of {self._mean.size} dimensions, "
                f"got {rows.shape[1]}"
            )
        return self._project(rows - self._mean)

    def score(self, enrolment: Vectors, trials: Vectors) -> npt.NDArray[np.float64]:
        """Compare every enrolled speaker with every trial.

        Args:
            enrolment: ``(n_enrolled, d)``, one vector a speaker.
            trials: ``(n_trials, d)``.

        Returns:
            ``(n_enrolled, n_trials)``, higher where more alike.

        Raises:
            ConfigurationError: Not trained yet, or vectors of another size than trained on.
        """
        scores: npt.NDArray[np.float64] = (
            unit_rows(self.project(enrolment)) @ unit_rows(self.project(trials)).T
        )
        return scores

    @property
    def options(self) -> dict[str, Any]:
        """The options in force."""
        return {name: getattr(self, name) for name in option_defaults(type(self))}

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        return f"{type(self).__name__}({shown})"


def check_vectors(vectors: Vectors) -> Vectors:
    """Check that these are vectors.

    Returns:
        ``(n, d)`` float64.

    Raises:
        ConfigurationError: Another shape, or NaN or infinity; the message says in which row.
    """
    rows = np.asarray(vectors, dtype=np.float64)
    if rows.ndim != 2 or not rows.size:
        raise ConfigurationError(
            f"vectors come as (n, d) with n and d at least 1, got {rows.shape}"
        )
    finite = np.isfinite(rows).all(axis=1)
    if not finite.all():
        raise ConfigurationError(
            f"NaN or infinity in {np.count_nonzero(~finite)} of {len(rows)} vectors, first in row "
            f"{np.argmin(finite)}; leave those utterances out"
        )
    return rows


backends: Registry[Backend] = Registry(
    "back-end",
    "voxguard.backends",
    {
        "cosine": "voxguard.attacks.backends.cosine:Cosine",
        "lda": "voxguard.attacks.backends.lda:Lda",
        "plda": "voxguard.attacks.backends.plda:Plda",
        "wccn": "voxguard.attacks.backends.wccn:Wccn",
    },
)


def create_backend(name: str, **options: Any) -> Backend:
    """Make a back-end by name.

    Args:
        name: ``"cosine"``, ``"wccn"``, ``"lda"``, ``"plda"``, or one that a package announces in
            the entry-point group ``voxguard.backends``.
        **options: Its own.

    Raises:
        UnknownNameError: No such back-end.
        ConfigurationError: No such option, or a value that it does not take.

    Example:
        >>> from voxguard.attacks.backends import create_backend
        >>> create_backend("wccn", shrinkage=0.2)
        Wccn(shrinkage=0.2)
    """
    return make(backends, name, options)
