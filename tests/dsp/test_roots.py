"""All roots of many polynomials at once, against the roots that they were made from."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from voxguard.dsp import roots as module
from voxguard.dsp.roots import FEW, polynomial_roots

MANY = FEW + 30
REAL = 1e-9
COUNTS = pytest.mark.parametrize("count", [1, FEW, FEW + 1, MANY])


def draw(degree, count, reals=2, low=0.6, high=0.99, seed=0):
    """Pairs at angles that keep a distance, as in speech, and real roots; ``(count, degree)``.

    In any order: that in which `np.poly` multiplies them must not be sorted, or it loses digits.
    """
    rng = np.random.default_rng([seed, degree, count])
    reals = min(degree, reals + (degree - reals) % 2)
    pairs = (degree - reals) // 2
    places = np.arange(1, pairs + 1) + rng.uniform(-0.3, 0.3, (count, pairs))
    angles = np.pi * places / (pairs + 1)
    upper = rng.uniform(low, high, (count, pairs)) * np.exp(1j * angles)
    signs = np.where(np.arange(reals) % 2, -1.0, 1.0)
    real = signs * rng.uniform(0.3, 0.9, (count, reals))
    return rng.permuted(np.concatenate([upper, upper.conj(), real], axis=1), axis=1)


def polynomials(roots):
    return np.stack([np.poly(r).real for r in roots], axis=1)


def found(coefficients):
    x, y = polynomial_roots(coefficients)
    assert x.shape == y.shape == (len(coefficients) - 1, coefficients.shape[1])
    assert np.isfinite(x).all()
    assert np.isfinite(y).all()
    return (x + 1j * y).T


def distance(first, second):
    """The farthest that two sets of roots lie apart, each root with its own partner."""
    apart = np.abs(first[:, None] - second[None, :])
    return apart[linear_sum_assignment(apart)].max(initial=0.0)


def assert_balanced(roots):
    """Every root above the axis has its mirror image below."""
    for these in roots:
        above, below = these[these.imag > REAL], these[these.imag < -REAL]
        assert len(above) == len(below)
        assert distance(above, below.conj()) < 1e-8


@COUNTS
@pytest.mark.parametrize("degree", [4, 5, 12, 20, 33, 64])
def test_known_roots(degree, count):
    expected = draw(degree, count)
    coefficients = polynomials(expected)
    roots = found(coefficients)
    assert max(map(distance, roots, expected)) < 1e-7
    assert_balanced(roots)
    for theirs, ours in zip(coefficients.T[:5], roots, strict=False):
        assert distance(np.roots(theirs), ours) < 1e-7


@pytest.mark.parametrize("count", [FEW, MANY])
@pytest.mark.parametrize("degree", [4, 8, 16])
def test_anywhere_in_the_disc(degree, count):
    rng = np.random.default_rng(degree)
    pairs = np.sqrt(rng.uniform(0, 1, (count, degree // 2 - 1)))
    pairs = pairs * np.exp(1j * rng.uniform(0, np.pi, pairs.shape))
    expected = np.concatenate([pairs, pairs.conj(), rng.uniform(-1, 1, (count, 2))], axis=1)
    coefficients = polynomials(expected)
    roots = found(coefficients)
    # Crowded roots are ill-conditioned, but must make the polynomial that they came from.
    assert np.allclose(polynomials(roots), coefficients, rtol=0, atol=1e-8)
    assert np.median(list(map(distance, roots, expected))) < 1e-11
    assert_balanced(roots)


@COUNTS
def test_only_real_roots(count):
    rng = np.random.default_rng(count)
    expected = np.linspace(-0.9, 0.95, 6) + rng.uniform(-0.1, 0.1, (count, 6))
    roots = found(polynomials(expected))
    assert max(map(distance, roots, expected)) < 1e-9
    assert np.abs(roots.imag).max() < REAL


@pytest.mark.parametrize("count", [FEW, MANY])
@pytest.mark.parametrize("gap", [1e-2, 1e-4, 1e-6])
@pytest.mark.parametrize("across", [1.0, 1.0j], ids=["real", "a pair"])
def test_two_roots_close_together(gap, across, count):
    """Two real ones side by side, and a pair that barely leaves the axis."""
    two = np.broadcast_to(0.5 + np.array([gap, -gap]) / 2 * across, (count, 2))
    expected = np.concatenate([draw(8, count, reals=0), two], axis=1)
    roots = found(polynomials(expected))
    assert max(map(distance, roots, expected)) < 1e-7
    assert_balanced(roots)


@pytest.mark.parametrize("count", [FEW, MANY])
def test_double_roots(count):
    expected = draw(10, count, reals=0)
    expected[::2, :4] = [0.8j, -0.8j, 0.8j, -0.8j]
    expected[::2, 4:] = [0.5 + 0.5j, 0.5 - 0.5j, -0.5 + 0.5j, -0.5 - 0.5j, 0.9, -0.9]
    real = np.full((count, 2), 0.4)
    expected = np.concatenate([expected, real], axis=1)
    roots = found(polynomials(expected))
    assert max(map(distance, roots, expected)) < 1e-5  # no method knows more than sqrt(eps)


@COUNTS
@pytest.mark.parametrize("zeros", [1, 2, 7, 12])
def test_zero_roots(zeros, count):
    """Degrees that are not needed, as where a frame predicts itself with fewer poles."""
    proper = draw(12 - zeros, count)
    expected = np.concatenate([proper, np.zeros((count, zeros))], axis=1)
    roots = found(polynomials(expected))
    assert max(map(distance, roots, expected)) < 1e-7
    assert_balanced(roots)
    if count <= FEW:
        assert ((roots == 0).sum(axis=1) == zeros).all(), "not nearly"


def test_on_the_unit_circle():
    expected = draw(10, MANY)
    expected /= np.abs(expected)
    assert max(map(distance, found(polynomials(expected)), expected)) < 1e-9


def test_many_take_the_iteration_and_what_does_not_converge_eigenvalues(monkeypatch):
    coefficients = polynomials(draw(20, MANY))
    solved = []
    by_eigenvalues = module._by_eigenvalues

    def spy(part):
        solved.append(part.shape[1])
        return by_eigenvalues(part)

    monkeypatch.setattr(module, "_by_eigenvalues", spy)
    expected = found(coefficients)
    assert sum(solved) < MANY / 2, "most are found by the iteration"
    coefficients[:, [7, 30]] = np.poly(np.full(20, 0.5))[:, None]  # a 20-fold root
    solved.clear()
    roots = found(coefficients)
    assert 2 <= sum(solved) < MANY / 2
    rest = np.delete(np.arange(MANY), [7, 30])
    assert max(map(distance, roots[rest], expected[rest])) < 1e-9
    assert np.abs(roots[[7, 30]] - 0.5).max() < 0.4
    monkeypatch.setattr(module, "MAX_STEPS", 1)
    solved.clear()
    assert max(map(distance, found(coefficients)[rest], expected[rest])) < 1e-9
    assert sum(solved) > MANY / 2, "they had no time to converge"


def test_the_input_stays_as_it_is():
    for count in (FEW, MANY):
        coefficients = polynomials(draw(20, count))
        before = coefficients.copy()
        polynomial_roots(coefficients)
        assert np.array_equal(coefficients, before)
