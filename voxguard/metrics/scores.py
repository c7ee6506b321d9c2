"""What every score metric checks first, so that none of them has to guess.

A score says how alike two recordings sound to an attacker; higher means more alike. A *mated* pair
is of one speaker, a *non-mated* pair of two.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from voxguard.errors import ConfigurationError

Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def check_scores(mated: npt.ArrayLike, non_mated: npt.ArrayLike) -> tuple[Array, Array]:
    """The scores of both kinds as float64, if a metric can be had from them.

    Args:
        mated: ``(n,)`` scores of mated pairs.
        non_mated: ``(m,)`` scores of non-mated pairs.

    Raises:
        ConfigurationError: Not numbers, not one-dimensional, none at all, NaN or infinity; the
            message says which of the two, and how many.

    Example:
        >>> from voxguard.metrics import check_scores
        >>> check_scores([1, 2], [0])
        (array([1., 2.]), array([0.]))
        >>> check_scores([1.0, float("nan")], [0.0])
        Traceback (most recent call last):
        ...
        voxguard.errors.ConfigurationError: 1 of 2 mated scores is not finite (1 NaN, 0 infinite); \
find out why the attacker gave it, a metric cannot leave it out unseen
    """
    return _check(mated, "mated"), _check(non_mated, "non-mated")


def check_score_matrix(scores: npt.ArrayLike) -> Array:
    """A score matrix ``(n_enrolled, n_trials)`` as float64, if it is one.

    Raises:
        ConfigurationError: Not numbers, not two-dimensional, empty, NaN or infinity.

    Example:
        >>> from voxguard.metrics import check_score_matrix
        >>> check_score_matrix([[1, 0], [0, 1]]).shape
        (2, 2)
    """
    matrix = _numbers(scores, "matrix of")
    if matrix.ndim != 2 or matrix.size == 0:
        raise ConfigurationError(
            f"a score matrix has the shape (enrolled speakers, trials), got {matrix.shape}"
        )
    _check_finite(matrix, "matrix")
    return matrix


def _check(scores: npt.ArrayLike, kind: str) -> Array:
    array = _numbers(scores, kind)
    if array.ndim != 1:
        raise ConfigurationError(
            f"{kind} scores are a one-dimensional array, got shape {array.shape}; "
            "of a score matrix choose the pairs of this kind"
        )
    if array.size == 0:
        raise ConfigurationError(
            f"no {kind} scores: a metric needs pairs of one speaker and pairs of two"
        )
    _check_finite(array, kind)
    return array


def _numbers(scores: npt.ArrayLike, kind: str) -> Array:
    try:
        array = np.asarray(scores)
    except ValueError as error:
        raise ConfigurationError(f"{kind} scores form no array: {error}") from None
    if array.dtype.kind not in "fiub":
        raise ConfigurationError(f"{kind} scores are real numbers, got {array.dtype.name}")
    return array.astype(np.float64, copy=False)


def _check_finite(scores: Array, kind: str) -> None:
    finite = np.isfinite(scores)
    if not finite.all():
        bad = scores.size - int(np.count_nonzero(finite))
        nan = int(np.count_nonzero(np.isnan(scores)))
        verb, it = ("is", "it") if bad == 1 else ("are", "them")
        raise ConfigurationError(
            f"{bad} of {scores.size} {kind} scores {verb} not finite ({nan} NaN, {bad - nan} "
            f"infinite); find out why the attacker gave {it}, a metric cannot leave {it} out unseen"
        )
