"""Where the true speaker comes among all enrolled ones, trial by trial."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voxguard.errors import ConfigurationError
from voxguard.metrics.scores import Array, IntArray, check_score_matrix


@dataclass(frozen=True)
class Ranks:
    """How many of the other enrolled speakers a trial is taken for, before its own.

    Attributes:
        better: ``(n_trials,)`` others that score higher than the true speaker.
        tied: ``(n_trials,)`` others that score the same.
        enrolled: Enrolled speakers in all.

    Example:
        >>> from voxguard.metrics import rank_trials
        >>> ranks = rank_trials([[0.9, 0.5], [0.1, 0.5], [0.2, 0.7]], [0, 1])
        >>> ranks.better, ranks.tied
        (array([0, 1]), array([0, 1]))
    """

    better: IntArray
    tied: IntArray
    enrolled: int

    def __len__(self) -> int:
        return len(self.better)

    def take(self, trials: npt.ArrayLike) -> Ranks:
        """The ranks of some trials (indices, repeated as often as wanted)."""
        chosen = np.asarray(trials)
        return Ranks(self.better[chosen], self.tied[chosen], self.enrolled)

    def expect(self, outcome: Array) -> Array:
        """What a trial is worth if it is worth ``outcome[m]`` when ``m`` others come before it.

        Ties are broken by chance, and this is the mean over all ways to break them: the mean of
        ``outcome`` over ``better`` to ``better + tied``.
        """
        summed = np.concatenate(([0.0], np.cumsum(outcome)))
        total: Array = summed[self.better + self.tied + 1] - summed[self.better]
        return total / (self.tied + 1)


def true_rows(enrolled: Sequence[str], trial_speakers: Sequence[str]) -> npt.NDArray[np.intp]:
    """The row of each trial's own speaker in a score matrix.

    Args:
        enrolled: Speaker of each row.
        trial_speakers: Speaker of each column.

    Returns:
        ``(n_trials,)`` indices.

    Raises:
        ConfigurationError: A speaker has two rows, or a trial's speaker has none.

    Example:
        >>> from voxguard.metrics import true_rows
        >>> true_rows(["ann", "ben"], ["ben", "ann", "ben"])
        array([1, 0, 1])
    """
    rows = {speaker: row for row, speaker in enumerate(enrolled)}
    if len(rows) < len(enrolled):
        twice = sorted({speaker for speaker in enrolled if list(enrolled).count(speaker) > 1})
        raise ConfigurationError(
            f"{len(twice)} speakers have more than one row, such as {twice[0]!r}; a rank needs one "
            "row a speaker"
        )
    if missing := sorted({speaker for speaker in trial_speakers if speaker not in rows}):
        raise ConfigurationError(
            f"{len(missing)} speakers of trials are not enrolled, such as {missing[0]!r}; leave "
            "their trials out, they have no rank"
        )
    return np.array([rows[speaker] for speaker in trial_speakers], dtype=np.intp)


def rank_trials(scores: npt.ArrayLike, rows: npt.ArrayLike) -> Ranks:
    """Rank the true speaker of each trial.

    Args:
        scores: ``(n_enrolled, n_trials)``, higher for more alike.
        rows: ``(n_trials,)`` row of each trial's own speaker, as :func:`true_rows` gives it.

    Raises:
        ConfigurationError: See :func:`~voxguard.metrics.scores.check_score_matrix`; rows that are
            not there, or are not one a trial.
    """
    matrix = check_score_matrix(scores)
    row = np.asarray(rows)
    if row.shape != matrix.shape[1:] or row.dtype.kind not in "iu":
        raise ConfigurationError(
            f"{matrix.shape[1]} trials need as many row indices, got {row.dtype.name} of shape "
            f"{row.shape}"
        )
    if row.min() < 0 or row.max() >= len(matrix):
        raise ConfigurationError(f"rows are 0 to {len(matrix) - 1}, got {row.min()} to {row.max()}")
    own = matrix[row, np.arange(matrix.shape[1])]
    better = np.count_nonzero(matrix > own, axis=0)
    tied = np.count_nonzero(matrix == own, axis=0) - 1
    return Ranks(better.astype(np.int64), tied.astype(np.int64), len(matrix))
