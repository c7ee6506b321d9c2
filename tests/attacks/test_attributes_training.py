from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn")

from voxguard.attacks.attribute_training import CANDIDATES, Classifier, choose, deal_speakers


@pytest.mark.parametrize("seed", range(20))
def test_no_speaker_is_in_two_folds_and_every_class_is_in_two(seed):
    rng = np.random.default_rng(seed)
    speakers = rng.integers(0, 12, size=80)
    if seed % 2:  # a class is the speaker's, and some have only two speakers
        targets = np.minimum(speakers // 2, 3)
    else:
        targets = rng.choice(4, size=80, p=[0.7, 0.2, 0.07, 0.03])
    folds = deal_speakers(targets, speakers, 5, rng)
    for speaker in np.unique(speakers):
        assert len(np.unique(folds[speakers == speaker])) == 1
    for target in np.unique(targets):
        bearers = len(np.unique(speakers[targets == target]))
        assert len(np.unique(folds[targets == target])) >= min(bearers, 2)
    assert set(folds) == set(range(folds.max() + 1))


def test_folds_are_alike():
    speakers = np.arange(100).repeat(3)
    targets = (speakers % 4 == 0).astype(np.int64)
    folds = deal_speakers(targets, speakers, 5, np.random.default_rng(0))
    assert np.bincount(folds).tolist() == [60] * 5
    assert np.bincount(folds[targets == 1]).tolist() == [15] * 5


def test_no_more_folds_than_speakers():
    speakers = np.array([0, 0, 1, 1, 2, 3])
    folds = deal_speakers(np.array([0, 0, 1, 1, 0, 1]), speakers, 9, np.random.default_rng(0))
    assert set(folds) <= {0, 1, 2, 3}


def circle(speakers, seed=0):
    """A class within a circle, another around it: no line divides them."""
    rng = np.random.default_rng(seed)
    names = np.arange(speakers).repeat(6)
    targets = names % 2
    angle = rng.uniform(0, 2 * np.pi, size=len(names))
    radius = np.where(targets == 1, 3.0, 1.0) + 0.2 * rng.normal(size=len(names))
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), targets, names


def test_the_one_that_generalises_is_chosen():
    assert choose(*circle(20), np.random.default_rng(0))[0] == "rbf"
    rng = np.random.default_rng(0)
    names = np.arange(30).repeat(4)
    noisy = rng.normal(size=(120, 60))
    noisy[:, 0] += 1.5 * (names % 2)
    assert choose(noisy, names % 2, names, rng)[0] != "rbf"


def test_too_few_speakers_to_choose():
    vectors, targets, names = circle(2)
    assert choose(vectors, targets, names, np.random.default_rng(0)) == CANDIDATES[0]


@pytest.mark.parametrize("kind", ["lda", "linear", "sparse", "rbf"])
def test_balanced_weighs_classes_alike(kind):
    rng = np.random.default_rng(0)
    targets = (np.arange(300) < 30).astype(np.int64)
    vectors = rng.normal(size=(300, 2)) + targets[:, None]
    share = [
        (
            Classifier(kind, 0.1, balanced=balanced).fit(vectors, targets).predict(vectors) == 1
        ).mean()
        for balanced in (True, False)
    ]
    assert share[0] > 0.2 > 0.1 > share[1]


@pytest.mark.parametrize("kind", ["lda", "linear", "sparse", "rbf"])
def test_vectors_that_say_nothing(kind):
    """All alike, or alike within a class: no warning, no NaN."""
    targets = np.arange(12) % 3
    for vectors in (np.ones((12, 4)), np.eye(3)[targets]):
        predicted = Classifier(kind, 1.0, balanced=True).fit(vectors, targets).predict(vectors)
        assert set(predicted) <= {0, 1, 2}


def test_a_flat_feature_does_no_harm():
    vectors, targets, _ = circle(10)
    flat = np.column_stack([vectors, np.full(len(vectors), 3.0)])
    hit = Classifier("rbf", 1.0, balanced=True).fit(flat, targets).predict(flat) == targets
    assert hit.mean() > 0.95
