"""Attribute attackers: sex, age band, accent, emotion, or whatever else is labelled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from voxguard.attacks.attribute_problem import Problem
from voxguard.attacks.attribute_results import AttributeResult, Knowledge
from voxguard.attacks.attribute_training import OUTER_FOLDS, Classifier, choose, deal_speakers
from voxguard.errors import ConfigurationError

__all__ = ["AGE_BANDS", "KNOWLEDGE", "AttributeResult", "Knowledge", "age_band", "infer_attribute"]

Vectors = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

KNOWLEDGE: tuple[Knowledge, ...] = get_args(Knowledge)
AGE_BANDS = ((0, "0-12"), (13, "13-17"), (18, "18-29"), (30, "30-44"), (45, "45-59"), (60, "60+"))
_ROLES: dict[Knowledge, tuple[str, str]] = {  # trained on, attacks
    "unprotected": ("original", "original"),
    "ignorant": ("original", "anonymized"),
    "retrained": ("anonymized", "anonymized"),
}


def infer_attribute(
    labels: Sequence[str],
    speakers: Sequence[str],
    *,
    original: Vectors | None = None,
    anonymized: Vectors | None = None,
    draws: tuple[Vectors, Sequence[int]] | None = None,
    attribute: str = "attribute",
    groups: Mapping[str, Sequence[str]] | None = None,
    scored: Sequence[bool] | None = None,
    knowledge: Sequence[Knowledge] = KNOWLEDGE,
    folds: int = OUTER_FOLDS,
    resamples: int = 1000,
    seed: int = 0,
) -> list[AttributeResult]:
    """Attack an attribute of the speaker, or of how they speak.

    Speakers are divided into folds; a classifier that was trained on all folds but one says what
    the utterances of that one are, so nobody is attacked by a classifier that knows their voice.
    Which classifier (shrunken discriminant analysis, logistic regression, support vectors, linear
    or with an RBF kernel) is chosen anew for every fold, by cross-validation over the speakers that
    it trains on.
    There are three attackers, in the words of Tomashenko et al., arXiv 2404.02677:

    - ``unprotected``: trained on original speech, attacks original speech. The reference.
    - ``ignorant``: trained on original speech, attacks anonymized speech.
    - ``retrained``: trained on anonymized speech, attacks anonymized speech. The one that counts.

    Args:
        labels: ``(n,)`` class of each utterance; ``""`` where it is not known.
        speakers: ``(n,)`` speaker of each utterance.
        original: ``(n, d)`` vectors of the original utterances. Without them there is only the
            retrained attacker.
        anonymized: ``(n, d)`` vectors of the same utterances, anonymized. Without them there is
            only the unprotected attacker.
        draws: ``(m, d)`` vectors of further renderings, and for each of them the index of its
            utterance. The retrained attacker trains on them too.
        attribute: What it is, for the results.
        groups: Column to ``(n,)`` values, ``""`` where not known: the figures are split by them.
        scored: ``(n,)`` which utterances count; on the others the attackers only train. All by
            default.
        knowledge: Which of the attackers, of those that the vectors allow.
        folds: How many at most; there are no more than speakers.
        resamples: Of the bootstrap over speakers.
        seed: Of the folds and the bootstrap.

    Returns:
        One result for each attacker that the vectors allow. Utterances without label, and classes
        of fewer than two speakers, are left out, and its ``notes`` say so.

    Raises:
        ConfigurationError: Fewer than two classes of two speakers or more are left, or none of
            their utterances count; lengths or dimensions that do not match; NaN or infinity.
        MissingExtraError: scikit-learn is not installed.

    Example:
        >>> import numpy as np
        >>> from voxguard.attacks.attributes import infer_attribute
        >>> rng = np.random.default_rng(0)
        >>> speakers = [f"s{index // 4}" for index in range(48)]
        >>> sexes = ["FM"[index // 4 % 2] for index in range(48)]
        >>> voices = rng.normal(size=(48, 5)) + 4.0 * (np.array(sexes) == "F")[:, None]
        >>> [result] = infer_attribute(sexes, speakers, original=voices, attribute="sex")
        >>> result.knowledge, result.balanced_accuracy.value, result.blind
        ('unprotected', 1.0, 0.5)
    """
    problem = Problem(labels, speakers, scored)
    vectors = {"original": problem.check(original), "anonymized": problem.check(anonymized)}
    if not _attackers(vectors, knowledge):
        raise ConfigurationError(
            f"nobody can attack: {', '.join(knowledge)} need vectors of original speech, of "
            "anonymized speech, or both; give original=, anonymized="
        )
    extra = problem.check_draws(draws, anonymized)
    rows = problem.rows
    fold_of = deal_speakers(
        problem.targets[rows], problem.speakers[rows], folds, np.random.default_rng(seed)
    )
    found: dict[Knowledge, list[tuple[Ints, Ints, Ints, str]]] = {}
    for fold in range(int(fold_of.max()) + 1):
        train, test = rows[fold_of != fold], rows[(fold_of == fold) & problem.scored[rows]]
        for source, targets in (_attackers(vectors, knowledge) if len(test) else {}).items():
            fitted = _Fitted(problem, vectors[source], train, extra[source], seed)
            for attacker, target in targets:
                found.setdefault(attacker, []).append((test, *fitted.predict(target[test])))
    return [
        problem.result(attribute, attacker, found[attacker], groups or {}, resamples, seed)
        for attacker in KNOWLEDGE
        if attacker in found
    ]


def age_band(age: str | float) -> str:
    """The band of an age in years: 0-12, 13-17, 18-29, 30-44, 45-59, 60+.

    Args:
        age: Years, as a number or its text. Text that is no number (``"twenties"``) is a band
            already and stays as it is, and so does ``""``: not known.

    Raises:
        ConfigurationError: A number that is no age.

    Example:
        >>> from voxguard.attacks.attributes import age_band
        >>> age_band("31"), age_band(72.5), age_band("teens"), age_band("")
        ('30-44', '60+', 'teens', '')
    """
    try:
        years = float(age)
    except ValueError:
        return str(age).strip()
    if not 0.0 <= years <= 130.0:
        raise ConfigurationError(f"got the age {age!r}; accepted are 0 to 130 years")
    return [name for least, name in AGE_BANDS if years >= least][-1]


def _attackers(
    vectors: Mapping[str, Vectors | None], knowledge: Sequence[Knowledge]
) -> dict[str, list[tuple[Knowledge, Vectors]]]:
    """What each classifier is trained on, and whom it attacks as which attacker."""
    plans: dict[str, list[tuple[Knowledge, Vectors]]] = {}
    for attacker, (source, target) in _ROLES.items():
        trained, attacked = vectors[source], vectors[target]
        if attacker in knowledge and trained is not None and attacked is not None:
            plans.setdefault(source, []).append((attacker, attacked))
    return plans


class _Fitted:
    """Two classifiers of the kind that generalises best: right on each class, or on most."""

    def __init__(
        self,
        problem: Problem,
        vectors: Any,
        train: Ints,
        extra: tuple[Vectors, Ints] | None,
        seed: int,
    ) -> None:
        known, rows = vectors[train], train
        if extra is not None:
            inside = np.isin(extra[1], train)
            known, rows = np.vstack([known, extra[0][inside]]), np.append(train, extra[1][inside])
        targets, speakers = problem.targets[rows], problem.speakers[rows]
        self.chosen = choose(known, targets, speakers, np.random.default_rng(seed))
        self._models = [
            Classifier(*self.chosen, balanced=balanced).fit(known, targets)
            for balanced in (True, False)
        ]

    def predict(self, vectors: Vectors) -> tuple[Ints, Ints, str]:
        """Classes for balanced accuracy, classes for accuracy, and by what."""
        balanced, likeliest = (model.predict(vectors) for model in self._models)
        return balanced, likeliest, "{} C={:g}".format(*self.chosen)
