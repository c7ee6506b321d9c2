"""Lengths, means and covariances of labelled vectors."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float64]


def unit_rows(rows: Vectors) -> Vectors:
    """Bring each row to unit length; a row of zeros stays one.

    Example:
        >>> import numpy as np
        >>> from voxguard.attacks.backends.moments import unit_rows
        >>> unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]]))
        array([[0.6, 0.8],
               [0. , 0. ]])
    """
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1.0)


def class_means(rows: Vectors, labels: npt.NDArray[np.intp]) -> Vectors:
    """Mean of the rows of each label, ``(n_labels, d)``.

    Example:
        >>> import numpy as np
        >>> from voxguard.attacks.backends.moments import class_means
        >>> class_means(np.array([[1.0], [3.0], [8.0]]), np.array([0, 0, 1]))
        array([[2.],
               [8.]])
    """
    counts = np.bincount(labels)
    sums = np.zeros((counts.size, rows.shape[1]))
    np.add.at(sums, labels, rows)
    return sums / counts[:, None]


def within_covariance(rows: Vectors, labels: npt.NDArray[np.intp]) -> Vectors:
    """Covariance of vectors about the mean of their speaker, pooled without bias.

    Returns:
        ``(d, d)``.

    Example:
        >>> import numpy as np
        >>> from voxguard.attacks.backends.moments import within_covariance
        >>> within_covariance(np.array([[1.0], [3.0], [8.0], [8.0]]), np.array([0, 0, 1, 1]))
        array([[1.]])
    """
    residual = rows - class_means(rows, labels)[labels]
    freedom = max(1, len(rows) - np.unique(labels).size)
    covariance: Vectors = residual.T @ residual / freedom
    return covariance


def shrink(covariance: Vectors, amount: float) -> Vectors:
    """Move a covariance towards a sphere of the same total variance (Ledoit & Wolf 2004).

    Args:
        covariance: ``(d, d)``.
        amount: 0 leaves it, 1 gives the sphere.

    Example:
        >>> import numpy as np
        >>> from voxguard.attacks.backends.moments import shrink
        >>> shrink(np.diag([3.0, 1.0]), 0.5)
        array([[2.5, 0. ],
               [0. , 1.5]])
    """
    size = len(covariance)
    sphere = max(float(np.trace(covariance)) / size, 1e-12)
    return (1.0 - amount) * covariance + amount * sphere * np.eye(size)


def inverse_root(covariance: Vectors) -> Vectors:
    """Symmetric inverse square root; directions without variance are left out.

    Args:
        covariance: ``(d, d)``, positive semi-definite.

    Returns:
        ``(d, d)`` by which data of that covariance becomes white.

    Example:
        >>> import numpy as np
        >>> from voxguard.attacks.backends.moments import inverse_root
        >>> inverse_root(np.diag([4.0, 1.0, 0.0]))
        array([[0.5, 0. , 0. ],
               [0. , 1. , 0. ],
               [0. , 0. , 0. ]])
    """
    variances, directions = np.linalg.eigh(covariance)
    held = variances > 1e-10 * max(float(variances[-1]), 1e-300)
    scale = np.where(held, 1.0 / np.sqrt(np.where(held, variances, 1.0)), 0.0)
    root: Vectors = (directions * scale) @ directions.T
    return root
