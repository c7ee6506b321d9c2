"""Which voices of a pool a pseudo-speaker is made from; every index is one into the whole pool."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.intp]

_NEIGHBOURS = 10


def farthest(vectors: npt.ArrayLike, source: npt.ArrayLike, rows: Rows, count: int) -> Rows:
    """The voices that are least like the source.

    Args:
        vectors: ``(n, d)`` of unit length: the whole pool.
        source: ``(d,)``.
        rows: Which voices are eligible, as positions in the pool.
        count: How many.

    Returns:
        Positions in the pool, the farthest first; all of ``rows`` if there are no more.

    Example:
        >>> import numpy as np
        >>> from voxguard.models.selection import farthest
        >>> pool = [[1.0, 0.0], [0.0, 1.0], [0.6, 0.8], [0.8, 0.6]]
        >>> farthest(pool, [0.0, 1.0], rows=np.array([2, 3]), count=1)
        array([3])
    """
    likeness = np.asarray(vectors, np.float64)[rows] @ np.asarray(source, np.float64)
    # argsort is into `rows`, whose elements are the positions in the pool
    return rows[np.argsort(likeness, kind="stable")[:count]]


def sparse(vectors: npt.ArrayLike, rows: Rows, count: int) -> Rows:
    """The voices with the emptiest surroundings: least like their ten nearest, on average.

    Where B. M. L. Srivastava et al. ("Design choices for x-vector based speaker anonymization",
    Interspeech 2020) take the smallest clusters of an affinity propagation, this takes the density
    itself.

    Args:
        vectors: ``(n, d)`` of unit length: the whole pool.
        rows: Which voices are eligible, as positions in the pool.
        count: How many.

    Returns:
        Positions in the pool, the sparsest first; all of ``rows`` if there are no more.

    Example:
        >>> import numpy as np
        >>> from voxguard.models.selection import sparse
        >>> pool = [[1.0, 0.0], [0.0, 1.0], [0.6, 0.8], [0.8, 0.6]]
        >>> sparse(pool, rows=np.array([1, 2, 3]), count=1)
        array([1])
    """
    eligible = np.asarray(vectors, np.float64)[rows]
    cosines = eligible @ eligible.T
    np.fill_diagonal(cosines, -1.0)
    nearest = -np.sort(-cosines, axis=1)[:, : min(_NEIGHBOURS, len(rows) - 1)]
    density = nearest.mean(axis=1) if nearest.size else np.zeros(len(rows))
    return rows[np.argsort(density, kind="stable")[:count]]
