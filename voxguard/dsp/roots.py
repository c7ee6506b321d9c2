"""All roots of many real polynomials at once, by the Ehrlich-Aberth iteration.

References:
    O. Aberth, "Iteration methods for finding all zeros of a polynomial simultaneously", 1973.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Real = npt.NDArray[Any]  # float32 for the rough steps, float64 for the others

# A start that is symmetric about the real axis could never split a conjugate pair into two real
# roots, hence the quarter step.
START_RADIUS, START_OFFSET = 0.95, 0.25
# The first steps only find the way; single precision does that at twice the speed.
ROUGH_STEPS = 7
FEW = 48  # up to so many polynomials, eigenvalues are quicker than numpy's overhead at every step
MAX_STEPS = 40
TOLERANCE = 1e-10  # the last step is cubic, so the error that it leaves is far below it


def polynomial_roots(coefficients: Array) -> tuple[Array, Array]:
    """Roots of monic real polynomials whose roots lie about the unit circle or within it.

    Args:
        coefficients: ``(degree + 1, count)``, the highest power first, the first row 1.

    Returns:
        Real and imaginary parts, each ``(degree, count)``, in no particular order. Polynomials on
        which the iteration does not converge are solved by eigenvalues.

    Example:
        >>> import numpy as np
        >>> from voxguard.dsp.roots import polynomial_roots
        >>> real, imaginary = polynomial_roots(np.array([[1.0], [0.0], [0.25]]))
        >>> np.sort(imaginary[:, 0]).round(6)
        array([-0.5,  0.5])
    """
    degree, count = len(coefficients) - 1, coefficients.shape[1]
    if count <= FEW:
        return _by_eigenvalues(coefficients)
    angles = 2.0 * np.pi * (np.arange(degree) + START_OFFSET) / degree
    x = np.repeat(START_RADIUS * np.cos(angles)[:, None], count, axis=1)
    y = np.repeat(START_RADIUS * np.sin(angles)[:, None], count, axis=1)
    with np.errstate(all="ignore"):
        rough, rough_x, rough_y = (part.astype(np.float32) for part in (coefficients, x, y))
        for _ in range(ROUGH_STEPS):
            _step(rough, rough_x, rough_y)
        x[:], y[:] = rough_x, rough_y
        active = np.arange(count)
        for _ in range(MAX_STEPS):
            everything = active.size == count
            part = (
                (coefficients, x, y)
                if everything
                else (coefficients[:, active], x[:, active], y[:, active])
            )
            moved = _step(*part)
            if not everything:
                x[:, active], y[:, active] = part[1:]
            active = active[~(moved < TOLERANCE)]  # NaN compares false and stays active
            if active.size <= FEW:
                break
    if active.size:
        x[:, active], y[:, active] = _by_eigenvalues(coefficients[:, active])
    return x, y


def _step(a: Real, x: Real, y: Real) -> Real:
    """Move x + iy by N / (1 - N S): N the Newton step, S the repulsion of the other roots.

    Returns:
        ``(count,)``: by how much the root that moved most has moved.
    """
    nx, ny = _newton(a, x, y)
    sx, sy = _repulsion(x, y)
    down_x, down_y = 1.0 - (nx * sx - ny * sy), -(nx * sy + ny * sx)
    dx, dy = _divide(nx, ny, down_x, down_y)
    x -= dx
    y -= dy
    moved: Real = np.maximum(np.abs(dx), np.abs(dy)).max(axis=0)
    return moved


def _newton(a: Real, x: Real, y: Real) -> tuple[Real, Real]:
    """The Newton step, p / p' at x + iy.

    By dividing p twice by the real quadratic z^2 - s z + t that vanishes there. All arithmetic is
    real: half the work of a complex Horner scheme.
    """
    s, t = 2.0 * x, x * x + y * y
    b, b_before, c, c_before = (
        np.zeros_like(x),
        np.zeros_like(x),
        np.zeros_like(x),
        np.zeros_like(x),
    )
    b += a[0]
    spare, product = np.empty_like(x), np.empty_like(x)
    for coefficient in a[1:-1]:
        np.multiply(s, c, out=spare)
        np.multiply(t, c_before, out=product)
        spare -= product
        spare += b
        c, c_before, spare = spare, c, c_before
        np.multiply(s, b, out=spare)
        np.multiply(t, b_before, out=product)
        spare -= product
        spare += coefficient
        b, b_before, spare = spare, b, b_before
    last = s * b - t * b_before + a[-1]
    return _divide(last - x * b, y * b, b - 2.0 * y * y * c_before, 2.0 * y * (c - x * c_before))


def _repulsion(x: Real, y: Real) -> tuple[Real, Real]:
    """The sum over all other roots of 1 / (z_i - z_j)."""
    sum_x, sum_y = np.zeros_like(x), np.zeros_like(y)
    for i in range(len(x) - 1):
        dx, dy = x[i] - x[i + 1 :], y[i] - y[i + 1 :]
        inverse = dx * dx
        inverse += dy * dy
        np.reciprocal(inverse, out=inverse)
        dx *= inverse
        dy *= inverse
        sum_x[i] += dx.sum(axis=0)
        sum_x[i + 1 :] -= dx
        sum_y[i] -= dy.sum(axis=0)
        sum_y[i + 1 :] += dy
    return sum_x, sum_y


def _divide(ax: Real, ay: Real, bx: Real, by: Real) -> tuple[Real, Real]:
    inverse = 1.0 / (bx * bx + by * by)
    return (ax * bx + ay * by) * inverse, (ay * bx - ax * by) * inverse


def _by_eigenvalues(coefficients: Array) -> tuple[Array, Array]:
    """Roots by the companion matrix; multiple zero roots, ill-conditioned there, are split off."""
    degree, count = len(coefficients) - 1, coefficients.shape[1]
    roots = np.zeros((degree, count), dtype=np.complex128)
    proper = degree - np.argmax(coefficients[::-1] != 0.0, axis=0)  # degree without zero roots
    for size in np.unique(proper[proper > 0]):
        these = proper == size
        companion = np.zeros((int(these.sum()), size, size))
        companion[:, 0] = -coefficients[1 : size + 1, these].T
        companion[:, np.arange(1, size), np.arange(size - 1)] = 1.0
        roots[:size, these] = np.linalg.eigvals(companion).T
    return roots.real, roots.imag
