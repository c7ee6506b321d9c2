"""Voice distinctiveness by hand, and its weights against repeated speakers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import expit

from voxguard.errors import ConfigurationError
from voxguard.metrics import deid, diagonal_dominance, g_vd, similarity_matrix


def test_similarity_of_means():
    scores = np.array([[4.0, -2.0, 2.0], [-3.0, 1.0, -1.0], [0.0, 0.0, 6.0]])
    found = similarity_matrix(scores, ["b", "a", "b"], ["b", "a", "b"])
    expected = expit([[1.0, -2.0], [(-2.0 + 0.0) / 2, (4.0 + 2.0 + 0.0 + 6.0) / 4]])
    np.testing.assert_allclose(found, expected)


def test_dominance_by_hand():
    matrix = [[0.9, 0.2, 0.4], [0.1, 0.8, 0.3], [0.5, 0.0, 0.7]]
    assert diagonal_dominance(matrix) == pytest.approx(0.8 - 1.5 / 6)
    assert diagonal_dominance(np.eye(4)) == 1.0
    assert diagonal_dominance(1 - np.eye(4)) == 1.0
    assert diagonal_dominance(np.full((4, 4), 0.3)) == pytest.approx(0.0, abs=1e-15)


def test_weights_are_copies_whose_pairs_do_not_count():
    rng = np.random.default_rng(0)
    matrix = rng.random((4, 4))
    weights = [2, 0, 1, 3]
    copies = np.repeat(np.arange(4), weights)
    own = np.mean([matrix[i, i] for i in copies])
    cross = np.mean([matrix[i, j] for i in copies for j in copies if i != j])
    assert diagonal_dominance(matrix, weights=weights) == pytest.approx(abs(own - cross))


def test_gain_and_deidentification():
    before = np.where(np.eye(3), 0.9, 0.1)
    after = np.where(np.eye(3), 0.5, 0.1)
    assert g_vd(before, before) == 0.0
    assert g_vd(before, after) == pytest.approx(10 * math.log10(0.4 / 0.8))
    assert g_vd(before, np.full((3, 3), 0.25)) == -math.inf
    assert deid(before, before) == 0.0
    assert deid(before, after) == pytest.approx(0.5)
    assert deid(before, np.full((3, 3), 0.25)) == 1.0
    assert deid(after, before) == pytest.approx(-1.0)


def test_unusable_matrices():
    with pytest.raises(ConfigurationError, match="is a square"):
        diagonal_dominance(np.zeros((2, 3)))
    with pytest.raises(ConfigurationError, match="above 0 for two"):
        diagonal_dominance(np.eye(3), weights=[3, 0, 0])
    with pytest.raises(ConfigurationError, match="all alike"):
        g_vd(np.ones((2, 2)), np.eye(2))
    with pytest.raises(ConfigurationError, match="all alike"):
        deid(np.ones((2, 2)), np.eye(2))
    with pytest.raises(ConfigurationError, match="2 have only one of them, such as 'b'"):
        similarity_matrix(np.zeros((2, 2)), "ab", "ac")
    with pytest.raises(ConfigurationError, match="two speakers or more"):
        similarity_matrix(np.zeros((1, 2)), "a", "aa")
    with pytest.raises(ConfigurationError, match="shape"):
        similarity_matrix(np.zeros((2, 2)), "ab", "abb")
