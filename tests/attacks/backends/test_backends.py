"""Back-ends on vectors whose best comparison is known."""

from __future__ import annotations

import numpy as np
import pytest

from voxguard.attacks.backends import Backend, backends, create_backend
from voxguard.attacks.backends.moments import class_means, shrink, unit_rows, within_covariance
from voxguard.attacks.backends.plda import Plda
from voxguard.errors import ConfigurationError, UnknownNameError

TRAINABLE = ["lda", "plda", "wccn"]
DIMENSIONS = 12


def drawn(speakers, each, seed, *, noise=3.0):
    """Speakers differ alike in all directions, and each varies mostly in two of them."""
    rng = np.random.default_rng(seed)
    mixing = np.linalg.qr(np.random.default_rng(99).normal(size=(DIMENSIONS, DIMENSIONS)))[0]
    spread = np.full(DIMENSIONS, 0.3)
    spread[:2] = noise
    voices = np.repeat(rng.normal(size=(speakers, DIMENSIONS)), each, axis=0)
    vectors = (voices + spread * rng.normal(size=voices.shape)) @ mixing
    return vectors, np.repeat([f"s{number}" for number in range(speakers)], each)


def crossing(scores, same):
    """Equal error rate by brute force over thresholds."""
    pairs = [(np.mean(scores[same] < t), np.mean(scores[~same] >= t)) for t in np.unique(scores)]
    misses, alarms = np.array(pairs).T
    at = np.argmin(np.abs(misses - alarms))
    return (misses[at] + alarms[at]) / 2


def error_rate(backend, seed=5):
    vectors, speakers = drawn(40, 2, seed)
    same = speakers[::2, None] == speakers[None, 1::2]
    return crossing(backend.score(vectors[::2], vectors[1::2]), same)


def test_all_are_there():
    assert backends.names() == ["cosine", "lda", "plda", "wccn"]
    for name in backends.names():
        made = create_backend(name)
        assert isinstance(made, Backend)
        assert made.name == name
        assert made.trainable == (name in TRAINABLE)


@pytest.mark.parametrize("name", TRAINABLE)
def test_knowing_how_speakers_vary_is_much_better_than_cosine(name):
    trained = create_backend(name).fit(*drawn(100, 10, seed=1))
    assert error_rate(create_backend("cosine")) > 0.15
    assert error_rate(trained) < 0.06


@pytest.mark.parametrize("name", TRAINABLE)
def test_few_speakers_of_many_and_many_of_few(name):
    many, their_names = drawn(6, 40, seed=1)
    few, other_names = drawn(60, 2, seed=2)
    names = [*their_names, *(f"other {one}" for one in other_names)]
    trained = create_backend(name).fit(np.concatenate([many, few]), names)
    assert error_rate(trained) < 0.08


@pytest.mark.parametrize("name", TRAINABLE)
def test_more_dimensions_than_vectors(name):
    rng = np.random.default_rng(0)
    voices = np.repeat(rng.normal(size=(5, 300)), 3, axis=0)
    vectors = voices + 0.3 * rng.normal(size=voices.shape)
    trained = create_backend(name).fit(vectors, np.repeat(np.arange(5), 3).astype(str))
    scores = trained.score(vectors[::3], vectors[1::3])
    assert np.isfinite(scores).all()
    assert (scores.argmax(axis=1) == np.arange(5)).all()


@pytest.mark.parametrize("name", ["cosine", *TRAINABLE])
def test_length_order_and_input_do_not_matter(name):
    vectors, speakers = drawn(20, 4, seed=1)
    kept = vectors.copy()
    one = create_backend(name).fit(vectors, speakers)
    order = np.random.default_rng(0).permutation(len(vectors))
    lengths = np.random.default_rng(1).uniform(0.1, 9.0, (len(vectors), 1))
    two = create_backend(name).fit((vectors * lengths)[order], speakers[order])
    np.testing.assert_allclose(
        one.score(vectors[:5], vectors), two.score(7.0 * vectors[:5], vectors), atol=1e-6
    )
    np.testing.assert_array_equal(vectors, kept)


@pytest.mark.parametrize("name", TRAINABLE)
def test_fit_gives_another_and_leaves_this_one(name):
    untrained = create_backend(name)
    vectors, speakers = drawn(10, 4, seed=1)
    trained = untrained.fit(vectors, speakers)
    again = trained.fit(*drawn(10, 4, seed=2))
    assert not np.allclose(trained.score(vectors, vectors), again.score(vectors, vectors))
    with pytest.raises(ConfigurationError, match=r"not been trained: call fit\(\)"):
        untrained.score(vectors, vectors)


@pytest.mark.parametrize("name", ["cosine", *TRAINABLE])
def test_the_same_speaker_scores_symmetrically(name):
    vectors, speakers = drawn(15, 4, seed=1)
    scores = create_backend(name).fit(vectors, speakers).score(vectors, vectors)
    np.testing.assert_allclose(scores, scores.T, atol=1e-8)


def test_wccn_makes_the_noise_within_speakers_white():
    vectors, speakers = drawn(50, 20, seed=1)
    trained = create_backend("wccn", shrinkage=0.0).fit(vectors, speakers)
    labels = np.unique(speakers, return_inverse=True)[1]
    within = within_covariance(trained.project(vectors), labels)
    np.testing.assert_allclose(within, np.eye(DIMENSIONS), atol=1e-8)


def test_wccn_shrunk_to_the_end_is_the_centred_cosine():
    vectors, speakers = drawn(20, 5, seed=1)
    trained = create_backend("wccn", shrinkage=1.0).fit(vectors, speakers)
    centred = unit_rows(vectors) - unit_rows(vectors).reshape(20, 5, -1).mean(axis=(0, 1))
    np.testing.assert_allclose(
        trained.score(vectors, vectors), unit_rows(centred) @ unit_rows(centred).T, atol=1e-10
    )


def test_lda_finds_the_one_direction_that_matters():
    rng = np.random.default_rng(0)
    place = np.repeat(np.linspace(-1, 1, 8), 30)
    vectors = np.column_stack([2.0 * rng.normal(size=240), 0.05 * rng.normal(size=240) + place])
    vectors = np.column_stack([vectors, np.full(240, 20.0)])  # unit length then changes little
    trained = create_backend("lda", dimensions=1, shrinkage=0.0).fit(vectors, place.astype(str))
    found = trained.project(vectors)[:, 0]
    assert abs(np.corrcoef(found, place)[0, 1]) > 0.99


def test_lda_keeps_no_more_directions_than_speakers_allow():
    vectors, speakers = drawn(4, 10, seed=1)
    assert create_backend("lda", dimensions=10).fit(vectors, speakers).project(vectors).shape == (
        40,
        3,
    )


def gaussian(x, mean, covariance):
    off = x - mean
    return -0.5 * (
        off @ np.linalg.solve(covariance, off)
        + np.linalg.slogdet(covariance)[1]
        + off.size * np.log(2 * np.pi)
    )


def test_plda_is_the_ratio_of_gaussian_densities():
    trained = Plda(dimensions=5).fit(*drawn(60, 8, seed=1))
    vectors, _ = drawn(3, 2, seed=2)
    space = trained.project(vectors)
    between, within = np.diag(trained._between), np.eye(space.shape[1])
    total = between + within
    joint = np.block([[total, between], [between, total]])
    scores = trained.score(vectors, vectors)
    zero = np.zeros(len(total))
    for i, one in enumerate(space):
        for j, two in enumerate(space):
            together = gaussian(np.concatenate([one, two]), np.zeros(2 * len(total)), joint)
            apart = gaussian(one, zero, total) + gaussian(two, zero, total)
            assert scores[i, j] == pytest.approx(together - apart, abs=1e-8)


def test_plda_says_how_sure_it_is():
    """Scores are ratios of likelihoods: at a score of 0 both cases are about as likely."""
    trained = create_backend("plda").fit(*drawn(200, 10, seed=1))
    vectors, speakers = drawn(200, 2, seed=3)
    scores = trained.score(vectors[::2], vectors[1::2])
    same = speakers[::2, None] == speakers[None, 1::2]
    assert abs(np.mean(scores[same] < 0) - np.mean(scores[~same] > 0)) < 0.06


def test_the_covariances_of_plda_are_those_that_were_drawn():
    from voxguard.attacks.backends.plda import _improve, _moments

    rng = np.random.default_rng(0)
    between, within = np.diag([4.0, 1.0, 0.25]), np.array([[1, 0.5, 0], [0.5, 1, 0], [0, 0, 2.0]])
    counts = np.where(rng.random(3000) < 0.5, 2, 9)
    labels = np.repeat(np.arange(3000), counts)
    rows = rng.multivariate_normal(np.zeros(3), between, 3000)[labels]
    rows = rows + rng.multivariate_normal(np.zeros(3), within, len(labels))
    found = _moments(rows, labels)
    for _ in range(8):
        np.testing.assert_allclose(found[0], within, atol=0.1)
        np.testing.assert_allclose(found[1], between, atol=0.25)
        found = _improve(rows, labels, *found)


def test_expectation_maximisation_makes_the_data_likelier():
    from voxguard.attacks.backends.plda import _improve

    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(30), 4)
    rows = rng.normal(size=(30, 3))[labels] + 0.5 * rng.normal(size=(120, 3))

    def likelihood(within, between):
        block = np.kron(np.eye(4), within) + np.kron(np.ones((4, 4)), between)
        return sum(gaussian(rows[labels == one].ravel(), np.zeros(12), block) for one in range(30))

    found = (np.eye(3), np.diag([3.0, 0.1, 1.0]))
    values = [likelihood(*found)]
    for _ in range(6):
        found = _improve(rows, labels, *found)
        values.append(likelihood(*found))
    assert (np.diff(values) > 0).all()


def test_pieces():
    rows, labels = np.array([[1.0, 0], [3, 0], [0, 5]]), np.array([0, 0, 1])
    np.testing.assert_allclose(class_means(rows, labels), [[2, 0], [0, 5]])
    np.testing.assert_allclose(within_covariance(rows, labels), [[2, 0], [0, 0]])
    np.testing.assert_allclose(shrink(np.diag([2.0, 0.0]), 1.0), np.eye(2))


@pytest.mark.parametrize("name", TRAINABLE)
@pytest.mark.parametrize(
    ("vectors", "speakers", "message"),
    [
        (np.ones((3, 2)), ["a", "b", "c"], r"at least 2 speakers.*got 0 of 3 speakers"),
        (np.ones((3, 2)), ["a", "a", "b"], r"got 1 of 2 speakers.*split"),
        (np.ones((3, 2)), ["a", "a"], "got 3 vectors, 2 speakers"),
        (np.ones(3), ["a", "a", "b"], r"got \(3,\)"),
        (np.ones((0, 3)), [], r"got \(0, 3\)"),
        (np.array([[0, 1], [np.nan, 1], [np.inf, 1]]), ["a", "a", "b"], "2 of 3 .* in row 1"),
    ],
)
def test_what_cannot_be_learnt_from(name, vectors, speakers, message):
    with pytest.raises(ConfigurationError, match=message):
        create_backend(name).fit(vectors, speakers)


@pytest.mark.parametrize("name", TRAINABLE)
def test_vectors_of_another_size(name):
    trained = create_backend(name).fit(*drawn(10, 4, seed=1))
    with pytest.raises(ConfigurationError, match="on vectors of 12 dimensions, got 5"):
        trained.score(np.ones((2, 5)), np.ones((2, 5)))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("wccn", {"shrinkage": 1.5}, r"shrinkage= takes 0 to 1, got 1\.5"),
        ("lda", {"dimensions": 0}, "dimensions= takes an integer from 1, got 0"),
        ("plda", {"iterations": -1}, "iterations= takes an integer from 0"),
        ("plda", {"iterations": 2.5}, "iterations= takes an integer"),
        ("cosine", {"shrinkage": 0.1}, "cosine has no option 'shrinkage'; it takes none"),
    ],
)
def test_options_that_are_not_taken(name, options, message):
    with pytest.raises(ConfigurationError, match=message):
        create_backend(name, **options)


def test_an_unknown_name_lists_the_known():
    with pytest.raises(UnknownNameError, match="cosine, lda, plda, wccn"):
        create_backend("svm")


def test_it_says_what_it_is():
    assert repr(create_backend("lda", dimensions=7)) == "Lda(dimensions=7, shrinkage=0.1)"
