"""Singling-out rate: a description that fits exactly one person in the crowd."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import comb

import numpy as np
import numpy.typing as npt

from voxguard.errors import ConfigurationError
from voxguard.metrics.scores import Array, IntArray, check_score_matrix

MOST_FOLDS = 10


def isolation(
    scores: npt.ArrayLike,
    enrolled: Sequence[str],
    trial_speakers: Sequence[str],
    population: int,
) -> dict[str, float]:
    """Per enrolled speaker, the probability of :func:`singling_out_rate`.

    Args:
        scores: ``(n_enrolled, n_trials)``, higher for more alike.
        enrolled: Speaker of each row.
        trial_speakers: Speaker of each column.
        population: N, from 2 to the number of speakers with two trials or more.

    Returns:
        Speaker to probability, for enrolled speakers with two trials or more.

    Raises:
        ConfigurationError: See :func:`singling_out_rate`.

    Example:
        >>> from voxguard.metrics import isolation
        >>> isolation([[0.9, 0.8, 0.2, 0.1], [0.4, 0.3, 0.5, 0.6]], "ab", "aabb", 2)
        {'a': 1.0, 'b': 1.0}
    """
    matrix = check_score_matrix(scores)
    if matrix.shape != (len(enrolled), len(trial_speakers)):
        raise ConfigurationError(
            f"scores of shape {matrix.shape} for {len(enrolled)} enrolled speakers and "
            f"{len(trial_speakers)} trials"
        )
    crowd = _trials_of_speakers(trial_speakers)
    if not 2 <= population <= len(crowd):
        raise ConfigurationError(
            f"a population is 2 to {len(crowd)}, the number of speakers with two trials or more; "
            f"got {population}"
        )
    places = {speaker: place for place, speaker in enumerate(crowd)}
    evaluated = [(speaker, row) for row, speaker in enumerate(enrolled) if speaker in places]
    if not evaluated or len({speaker for speaker, _ in evaluated}) < len(evaluated):
        raise ConfigurationError("needs one row a speaker, and a speaker with two trials or more")
    columns = np.concatenate([*crowd.values()])
    owner = np.repeat(np.arange(len(crowd)), [len(trials) for trials in crowd.values()])
    folds = _folds([len(trials) for trials in crowd.values()])
    return {
        speaker: _isolated(matrix[row, columns], owner, places[speaker], folds, population)
        for speaker, row in evaluated
    }


def singling_out_rate(
    scores: npt.ArrayLike,
    enrolled: Sequence[str],
    trial_speakers: Sequence[str],
    population: int,
) -> float:
    r"""Singling-out rate in a population of :math:`N`: **lower is more private**.

    An attacker who holds the template of one person describes "whoever scores above :math:`t`
    against it". The description singles out if it is true of exactly one of :math:`N` people, of
    each of whom one trial is seen, the template's own among them. :math:`t` is set beforehand, such
    that the description is true of one in :math:`N` (predicate singling-out asks for that: one that
    is true of hardly anyone isolates by luck). A description that knows nothing is true of exactly
    one with :math:`(1 - 1/N)^{N-1}`, which falls from 1/2 to 1/e = 0.368: that is chance, and 1 is
    no privacy.

    How it is estimated, without any drawing: in turn, one trial of every speaker is set aside to
    be seen, and all others calibrate (up to 10 turns; a turn goes through the trials of a speaker
    in their order). :math:`t` lies halfway between the two calibration scores where the mean of the
    own speaker's share (weight 1/N) and the others' (the rest, every speaker alike) passes 1/N. If
    the set-aside trials of :math:`K` of the :math:`n - 1` others exceed it, the other
    :math:`N - 1` in the crowd are a draw without replacement, so none of them does with
    :math:`\binom{n-1-K}{N-1} / \binom{n-1}{N-1}`, and just one with
    :math:`K \binom{n-1-K}{N-2} / \binom{n-1}{N-1}`; the first counts if the own trial exceeds
    :math:`t`, the second if it does not.

    With few calibration trials the threshold is rough, and scores without any evidence stay below
    chance: where N is all of 50 speakers (chance 0.37), they give 0.28 with one calibration trial a
    speaker, 0.34 with five and 0.36 with ten. Constant scores give 0: nobody exceeds anything.

    Args:
        scores: ``(n_enrolled, n_trials)``, higher for more alike.
        enrolled: Speaker of each row.
        trial_speakers: Speaker of each column. Speakers with one trial are left out.
        population: N, from 2 to the number of speakers with two trials or more.

    Returns:
        0 to 1, the mean over enrolled speakers with two trials or more.

    Raises:
        ConfigurationError: See :func:`~voxguard.metrics.scores.check_score_matrix`; labels that do
            not fit the matrix; a population that the trials do not make up.

    References:
        A. Cohen and K. Nissim, "Towards formalizing the GDPR's notion of singling out", PNAS, 2020.
        N. Vauquier et al., "Legally validated evaluation framework for voice anonymization",
        Interspeech 2025.

    Example:
        >>> from voxguard.metrics import singling_out_rate
        >>> singling_out_rate([[0.9, 0.8, 0.2, 0.1], [0.4, 0.3, 0.5, 0.6]], "ab", "aabb", 2)
        1.0
    """
    rates = isolation(scores, enrolled, trial_speakers, population)
    return float(np.mean([*rates.values()]))


def singling_out_chance(population: int) -> float:
    """What a description that knows nothing singles out, ``(1 - 1/N)^(N - 1)``; tends to 1/e.

    Args:
        population: N, at least 1.

    Example:
        >>> from voxguard.metrics import singling_out_chance
        >>> singling_out_chance(2), round(singling_out_chance(1000), 3)
        (0.5, 0.368)
    """
    return float((1.0 - 1.0 / population) ** (population - 1))


def _trials_of_speakers(trial_speakers: Sequence[str]) -> Mapping[str, IntArray]:
    trials: dict[str, list[int]] = {}
    for column, speaker in enumerate(trial_speakers):
        trials.setdefault(speaker, []).append(column)
    return {speaker: np.array(t) for speaker, t in trials.items() if len(t) > 1}


def _folds(sizes: list[int]) -> IntArray:
    """``(folds, speakers)`` position of the trial that each speaker is seen with."""
    starts = np.cumsum([0, *sizes[:-1]])
    turns = np.arange(min(max(sizes), MOST_FOLDS))
    positions: IntArray = starts + turns[:, None] % np.array(sizes)
    return positions


def _isolated(scores: Array, owner: IntArray, own: int, folds: IntArray, population: int) -> float:
    speakers = folds.shape[1]
    order = np.argsort(-scores, kind="stable")
    calibrating = np.bincount(owner) - 1
    weight = (
        np.where(owner == own, 1 / population, (1 - 1 / population) / (speakers - 1))
        / calibrating[owner]
    )
    total = 0.0
    for seen in folds:
        used = weight.copy()
        used[seen] = 0.0
        ranked = order[used[order] > 0]
        # The highest that may exceed t: one can always, and equal parts may add up to a bit more
        above = int(np.count_nonzero(np.cumsum(used[ranked]) <= (1 + 1e-9) / population))
        high, low = scores[ranked[above - 1]], scores[ranked[above]]
        fires = scores[seen] > high + (low - high) / 2
        total += _exactly_one(bool(fires[own]), int(fires.sum() - fires[own]), speakers, population)
    return total / len(folds)


def _exactly_one(own: bool, firing: int, speakers: int, population: int) -> float:
    """Exactly one of N fires: the own speaker, or one of those drawn from the others."""
    silent, drawn = speakers - 1 - firing, population - 1
    ways = comb(silent, drawn) if own else firing * comb(silent, drawn - 1)
    return ways / comb(speakers - 1, drawn)
