"""Score matrices and enrolment."""

from __future__ import annotations

import numpy as np
import pytest

from voxguard.attacks.backends import create_backend
from voxguard.attacks.verification import ScoreMatrix, verify
from voxguard.errors import ConfigurationError

ENROLLED = ("ann", "bob", "cid")
TRIALS = ("t1", "t2", "t3", "t4")
SPEAKERS = ("bob", "ann", "dan", "bob")
SCORES = np.arange(12.0).reshape(3, 4)


def matrix(**changes):
    given = {
        "scores": SCORES,
        "enrolled": ENROLLED,
        "trial_speakers": SPEAKERS,
        "trials": TRIALS,
        **changes,
    }
    return ScoreMatrix(**given)


def test_mated_and_non_mated_are_all_pairs_once():
    made = matrix()
    assert made.mated.tolist() == [1.0, 4.0, 7.0]
    assert sorted([*made.mated, *made.non_mated]) == list(range(12))


def test_only_allowed_pairs_count():
    allowed = np.zeros((3, 4), dtype=bool)
    allowed[1, :2] = True
    made = matrix(allowed=allowed)
    assert made.mated.tolist() == [4.0]
    assert made.non_mated.tolist() == [5.0]


def test_restricted():
    allowed = np.ones((3, 4), dtype=bool)
    allowed[0, 0] = False
    part = matrix(allowed=allowed).restricted(
        enrolled=["cid", "ann"], trial_mask=np.array([True, False, True, True])
    )
    assert part.enrolled == ("ann", "cid")
    assert part.trials == ("t1", "t3", "t4")
    assert part.trial_speakers == ("bob", "dan", "bob")
    assert part.scores.tolist() == [[0, 2, 3], [8, 10, 11]]
    assert part.non_mated.tolist() == [2, 3, 8, 10, 11]
    assert matrix().restricted().scores.tolist() == SCORES.tolist()
    assert matrix().restricted(enrolled=[]).scores.shape == (0, 4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scores": SCORES[:2]}, r"got \(2, 4\) for 3 enrolled, 4 trials"),
        ({"trial_speakers": SPEAKERS[:3]}, "and 3 speakers of trials"),
        ({"enrolled": ("ann", "bob", "ann")}, "enrolled speaker 'ann' is there twice"),
        ({"trials": ("t1", "t2", "t2", "t4")}, "trial 't2' is there twice"),
        ({"scores": np.where(SCORES == 5, np.nan, SCORES)}, "1 of 12 scores are NaN"),
        ({"allowed": np.ones((3, 3), dtype=bool)}, r"shape \(3, 4\), got bool of \(3, 3\)"),
        ({"allowed": np.ones((3, 4))}, "got float64"),
    ],
)
def test_what_is_no_score_matrix(changes, message):
    with pytest.raises(ConfigurationError, match=message):
        matrix(**changes)


def test_infinite_scores_are_scores():
    assert np.isinf(matrix(scores=np.where(SCORES == 1, np.inf, SCORES)).mated).any()


def test_restrictions_that_do_not_fit():
    with pytest.raises(ConfigurationError, match="'zoe' is not among the 3 enrolled"):
        matrix().restricted(enrolled=["zoe"])
    with pytest.raises(ConfigurationError, match="takes 4 booleans"):
        matrix().restricted(trial_mask=np.ones(3, dtype=bool))


def test_enrolment_is_the_mean_of_vectors_at_unit_length():
    enrolment = np.array([[0.0, 2.0], [100.0, 0.0], [1.0, 1.0]])
    trials = np.array([[1.0, 1.0], [1.0, 0.0]])
    made = verify(
        create_backend("cosine"), enrolment, ["b", "b", "a"], trials, ["a", "b"], ["x", "y"]
    )
    assert made.enrolled == ("a", "b")
    np.testing.assert_allclose(made.scores, [[1, 0.5**0.5], [1, 0.5**0.5]])
    assert made.trials == ("x", "y")


def test_verification_finds_planted_speakers():
    rng = np.random.default_rng(0)
    voices = rng.normal(size=(8, 20))
    names = [f"s{number}" for number in range(8)]
    heard = np.repeat(voices, 5, axis=0) + 0.3 * rng.normal(size=(40, 20))
    tried = np.repeat(voices, 2, axis=0) + 0.3 * rng.normal(size=(16, 20))
    made = verify(
        create_backend("cosine"),
        heard,
        np.repeat(names, 5).tolist(),
        tried,
        np.repeat(names, 2).tolist(),
        [f"t{number}" for number in range(16)],
    )
    assert made.mated.size == 16
    assert made.non_mated.size == 16 * 7
    assert made.mated.min() > made.non_mated.max()


def test_sizes_that_do_not_match():
    ones = np.ones((2, 3))
    cosine = create_backend("cosine")
    with pytest.raises(ConfigurationError, match="2 vectors and 1 speakers"):
        verify(cosine, ones, ["a"], ones, ["a", "b"], ["x", "y"])
    with pytest.raises(ConfigurationError, match="1 speakers of trials"):
        verify(cosine, ones, ["a", "b"], ones, ["a"], ["x", "y"])
    with pytest.raises(ConfigurationError, match="NaN or infinity in 1 of 2"):
        verify(cosine, np.array([[1.0], [np.nan]]), ["a", "b"], ones, ["a", "b"], ["x", "y"])
