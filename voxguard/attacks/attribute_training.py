"""Classifiers that an attribute attacker trains, and how it chooses among them without looking."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from voxguard.models.optional import optional

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

OUTER_FOLDS = 5
INNER_FOLDS = 3
# (kind, C): the first is taken where there are too few speakers to choose.
CANDIDATES = (
    *(("lda", 1.0), ("linear", 0.01), ("linear", 1.0)),
    *(("sparse", 0.1), ("rbf", 1.0), ("rbf", 10.0)),
)

_PURPOSE = "inferring attributes"


def deal_speakers(targets: Ints, speakers: Ints, folds: int, rng: np.random.Generator) -> Ints:
    """Divide utterances so that no speaker is in two folds and every class is in two or more.

    So every class that two speakers bear is there to train on, whichever fold is held out. Within
    that, folds are about equally large and alike in their classes.

    Args:
        targets: ``(n,)`` class of each utterance.
        speakers: ``(n,)`` speaker of each utterance.
        folds: How many at most; there are no more than speakers.
        rng: Breaks ties.

    Returns:
        ``(n,)`` fold of each utterance, from 0.

    Example:
        >>> import numpy as np
        >>> from voxguard.attacks.attribute_training import deal_speakers
        >>> classes, speakers = np.array([0, 0, 1, 1, 0, 1]), np.array([0, 0, 1, 1, 2, 3])
        >>> fold = deal_speakers(classes, speakers, 2, np.random.default_rng(0))
        >>> bool(fold[0] == fold[1]), bool(fold[0] == fold[4])
        (True, False)
    """
    who = np.unique(speakers)
    counts = np.array(
        [np.bincount(targets[speakers == s], minlength=targets.max() + 1) for s in who]
    )
    bearers = (counts > 0).sum(axis=0)
    rarest = np.argmin(np.where(counts > 0, bearers, len(who) + 1), axis=1)
    order = rng.permutation(len(who))
    order = order[np.argsort(bearers[rarest[order]], kind="stable")]
    fold_of, held = np.zeros(len(who), np.int64), np.zeros((min(folds, len(who)), counts.shape[1]))
    for speaker in order:
        alike = held[:, rarest[speaker]]
        fold = np.lexsort((held.sum(axis=1), alike))[0]
        fold_of[speaker] = fold
        held[fold] += counts[speaker]
    if ((held > 0).sum(axis=0)[bearers > 1] < 2).any():
        fold_of = np.arange(len(who))  # each speaker alone: then it holds for certain
    return fold_of[np.searchsorted(who, speakers)]


class Classifier:
    """Standardised vectors into a classifier, to be right on every class, or on most utterances.

    Four kinds: discriminant analysis with the shrinkage of O. Ledoit and M. Wolf (2004), which is
    hard to beat on few speakers; logistic regression; linear support vectors that leave most
    features out (L1); support vectors with an RBF kernel.

    Args:
        kind: ``"lda"``, ``"linear"``, ``"sparse"`` or ``"rbf"``.
        c: Inverse strength of the regularisation; ``"lda"`` finds its own.
        balanced: Whether every class weighs alike; else every utterance does.
    """

    def __init__(self, kind: str, c: float, *, balanced: bool) -> None:
        self._kind, self._c, self._balanced = kind, c, balanced

    def _made(self, classes: int) -> Any:
        scaler = optional("sklearn.preprocessing", "eval", _PURPOSE).StandardScaler()
        weight = "balanced" if self._balanced else None
        if self._kind == "lda":
            models = optional("sklearn.discriminant_analysis", "eval", _PURPOSE)
            priors = np.full(classes, 1.0 / classes) if self._balanced else None
            last = models.LinearDiscriminantAnalysis("lsqr", shrinkage="auto", priors=priors)
        elif self._kind == "linear":
            models = optional("sklearn.linear_model", "eval", _PURPOSE)
            last = models.LogisticRegression(C=self._c, class_weight=weight, max_iter=500, tol=1e-3)
        elif self._kind == "sparse":
            models = optional("sklearn.svm", "eval", _PURPOSE)
            options = {"penalty": "l1", "dual": False, "tol": 1e-3, "max_iter": 300}
            last = models.LinearSVC(C=self._c, class_weight=weight, random_state=0, **options)
        else:
            last = optional("sklearn.svm", "eval", _PURPOSE).SVC(C=self._c, class_weight=weight)
        return optional("sklearn.pipeline", "eval", _PURPOSE).make_pipeline(scaler, last)

    def fit(self, vectors: Floats, targets: Ints) -> Classifier:
        """Train on ``(n, d)`` vectors of classes ``(n,)``."""
        converging = optional("sklearn.exceptions", "eval", _PURPOSE).ConvergenceWarning
        self._model = self._made(len(np.unique(targets)))
        with warnings.catch_warnings():  # how well it generalises decides, not how far it got
            warnings.simplefilter("ignore", converging)
            self._model.fit(vectors, targets)
        return self

    def predict(self, vectors: Floats) -> Ints:
        """Classes ``(m,)`` of vectors ``(m, d)``."""
        return np.asarray(self._model.predict(vectors), np.int64)


def choose(
    vectors: Floats, targets: Ints, speakers: Ints, rng: np.random.Generator
) -> tuple[str, float]:
    """The candidate that generalises best to new speakers, by cross-validation within these.

    Args:
        vectors: ``(n, d)`` training vectors.
        targets: ``(n,)`` their classes.
        speakers: ``(n,)`` their speakers.
        rng: Divides the speakers.

    Returns:
        One of :data:`CANDIDATES`; the first one that comes within rounding of the best.
    """
    folds = deal_speakers(targets, speakers, INNER_FOLDS, rng)
    parts = [folds != fold for fold in range(folds.max() + 1)]
    parts = [part for part in parts if len(np.unique(targets[part])) > 1]
    if len(np.unique(speakers)) < INNER_FOLDS or not parts:
        return CANDIDATES[0]
    scores = [_score(candidate, vectors, targets, parts) for candidate in CANDIDATES]
    return CANDIDATES[int(np.argmax(np.round(scores, 6)))]


def _score(
    candidate: tuple[str, float], vectors: Floats, targets: Ints, parts: Sequence[Any]
) -> float:
    """Balanced accuracy on what each part leaves out."""
    right, total = np.zeros(targets.max() + 1), np.zeros(targets.max() + 1)
    for part in parts:
        model = Classifier(*candidate, balanced=True).fit(vectors[part], targets[part])
        hit = model.predict(vectors[~part]) == targets[~part]
        right += np.bincount(targets[~part], weights=hit, minlength=len(right))
        total += np.bincount(targets[~part], minlength=len(total))
    return float(np.mean(right[total > 0] / total[total > 0]))
