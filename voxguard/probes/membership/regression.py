"""Logistic regression that never scores a clip, or a speaker, that it has been trained on."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from voxguard.attacks.attribute_training import deal_speakers
from voxguard.models.optional import optional
from voxguard.probes.membership.clips import Bools, Clips

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FOLDS = 5
REPEATS = 3  # deals, over which scores are averaged: one deal alone is half luck
PURPOSE = "membership inference"

_C = 10.0  # for rows of length 1; 0.1 for a hundred standardised features
_STEPS = 1000


def deal(clips: Clips, seed: int) -> list[Ints]:
    """Folds of the clips, dealt a few times over.

    Args:
        clips: Their units stay together.
        seed: Of the deals.

    Returns:
        Of each deal ``(n,)``, the fold of each clip.
    """
    rng = np.random.default_rng(seed)
    _, unit = np.unique(clips.units, return_inverse=True)
    targets = clips.member.astype(np.int64)
    return [deal_speakers(targets, unit.astype(np.int64), FOLDS, rng) for _ in range(REPEATS)]


def unit_rows(features: Array) -> Array:
    """Standardised features, scaled so that rows are of length 1 on average.

    Args:
        features: ``(n, d)``.

    Returns:
        ``(n, d)``; a feature that is the same everywhere is 0.

    Example:
        >>> import numpy as np
        >>> from voxguard.probes.membership.regression import unit_rows
        >>> unit_rows(np.array([[1.0, 5.0], [3.0, 5.0]]))
        array([[-1.,  0.],
               [ 1.,  0.]])
    """
    spread = features.std(axis=0)
    centred = features - features.mean(axis=0)
    flat = spread <= 1e-9 * np.abs(features).max(axis=0, initial=0.0)
    standard: Array = np.where(flat, 0.0, centred / np.where(flat, 1.0, spread))
    standard /= np.sqrt(max(int((~flat).sum()), 1))
    return standard


def out_of_fold(vectors: Any, member: Bools, deals: Sequence[Ints]) -> Array:
    """Scores of each clip by models that were trained on other folds.

    Both sides weigh alike, however many clips they have.

    Args:
        vectors: ``(n, d)``, dense or sparse.
        member: ``(n,)``.
        deals: As :func:`deal` gives them.

    Returns:
        ``(n,)`` log-odds of membership, the mean over the deals.

    Raises:
        MissingExtraError: scikit-learn is not installed (``eval``).
    """
    models = optional("sklearn.linear_model", "eval", PURPOSE)
    converging = optional("sklearn.exceptions", "eval", PURPOSE).ConvergenceWarning
    total = np.zeros(len(member))
    for folds in deals:
        for fold in range(int(folds.max()) + 1):
            held = folds == fold
            if not held.any():
                continue
            model = models.LogisticRegression(C=_C, class_weight="balanced", max_iter=_STEPS)
            with warnings.catch_warnings():  # how well it generalises decides, not how far it got
                warnings.simplefilter("ignore", converging)
                model.fit(vectors[~held], member[~held])
            total[held] += model.decision_function(vectors[held])
    return total / len(deals)
