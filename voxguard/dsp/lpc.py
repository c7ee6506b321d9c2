"""Linear prediction of many frames at once, by Burg's method.

The recursion is the fast one of Vos (2013): it works on one autocorrelation per frame instead of
re-filtering the frame at every order, and gives the same coefficients. It cancels badly where a
frame is highly predictable (a pure tone, a constant, a band without signal), so such frames go
through the plain recursion, which cannot lose more than the last bits.

References:
    J. P. Burg, "Maximum entropy spectral analysis", PhD thesis, Stanford, 1975.
    K. Vos, "A fast implementation of Burg's method", 2013.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

# The fast recursion's relative error is about frame energy over residual energy, times the squared
# sum of the coefficients, times the rounding unit; it is trusted up to this.
TRUSTED_ERROR = 4e-10


def burg(frames: Array, order: int) -> Array:
    """Prediction-error filters A(z) by Burg's method.

    Args:
        frames: ``(n, count)``: one frame a column.
        order: Number of poles, at least 1 and less than ``n``.

    Returns:
        ``(order + 1, count)`` coefficients, the first row 1. All roots lie within the unit circle.
        A frame of zeros has the filter 1.

    Example:
        >>> import numpy as np
        >>> from voxguard.dsp.lpc import burg
        >>> decaying = 0.9 ** np.arange(200.0)[:, None]
        >>> burg(decaying, 1).round(3)[:, 0]
        array([ 1.   , -0.994])
    """
    filters, trusted = _fast_burg(frames, order)
    if not trusted.all():
        filters[:, ~trusted] = plain_burg(frames[:, ~trusted], order)
    return filters


def plain_burg(frames: Array, order: int) -> Array:
    """The textbook recursion; same arguments and result as :func:`burg`, slower and safer."""
    if frames.shape[1] == 1:  # numpy sums one column in another order than the columns of many
        return plain_burg(frames.repeat(2, axis=1), order)[:, :1]
    filters = np.zeros((order + 1, frames.shape[1]))
    filters[0] = 1.0
    forward, backward = frames[1:].copy(), frames[:-1].copy()
    with np.errstate(divide="ignore", invalid="ignore", under="ignore"):
        for m in range(order):
            cross = np.einsum("nf,nf->f", forward, backward)
            energy = np.einsum("nf,nf->f", forward, forward)
            energy += np.einsum("nf,nf->f", backward, backward)
            # Nothing is left to predict: all further reflections are zero, not 0/0.
            reflection = np.where(energy > np.finfo(float).tiny, -2.0 * cross / energy, 0.0)
            filters[: m + 2] += reflection * filters[m + 1 :: -1]
            forward, backward = (
                (forward + reflection * backward)[1:],
                (backward + reflection * forward)[:-1],
            )
    return filters


def _fast_burg(frames: Array, order: int) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Filters, and which of them can be trusted."""
    n = len(frames)
    lags = np.stack([np.einsum("nf,nf->f", frames[k:], frames[: n - k]) for k in range(order + 1)])
    filters = np.zeros((order + 1, frames.shape[1]))
    filters[0] = 1.0
    # With X the rows x[i], ..., x[i - m - 1] and R their covariance plus its mirror image, `row` is
    # R's first row and `product` is R @ filter; raising the order peels off one sample at each end.
    row = np.empty((order + 2, frames.shape[1]))
    row[0] = 2.0 * lags[0] - frames[0] ** 2 - frames[-1] ** 2
    row[1] = 2.0 * lags[1]
    product = row.copy()
    trusted = np.ones(frames.shape[1], dtype=np.bool_)
    with np.errstate(all="ignore"):
        for m in range(order):
            a, g = filters[: m + 1], product[: m + 2]
            residual = np.einsum("mf,mf->f", a, g[:-1])
            trusted &= residual > 0.0
            reflection = -np.einsum("mf,mf->f", a, g[:0:-1]) / residual
            filters[: m + 2] += reflection * filters[m + 1 :: -1]
            if m + 1 == order:
                break
            a = filters[: m + 2]
            first, last = frames[m + 1 :: -1], frames[n - m - 2 :]
            row[: m + 2] -= first * frames[m + 1] + last * frames[n - m - 2]
            row[m + 2] = 2.0 * lags[m + 2]
            g += reflection * g[::-1]
            g -= first * np.einsum("mf,mf->f", first, a) + last * np.einsum("mf,mf->f", last, a)
            product[m + 2] = np.einsum("mf,mf->f", row[m + 2 : 0 : -1], a)
        error = np.finfo(float).eps * 2.0 * lags[0] * np.abs(filters).sum(axis=0) ** 2
        trusted &= error < TRUSTED_ERROR * residual * (1.0 - reflection**2)
    return filters, trusted
