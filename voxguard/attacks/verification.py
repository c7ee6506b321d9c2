"""The scores of a verification attack: every enrolled speaker against every trial."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from voxguard.attacks.backends.base import Backend, check_vectors
from voxguard.attacks.backends.moments import Vectors, unit_rows
from voxguard.errors import ConfigurationError

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ScoreMatrix:
    """Scores of trials, with who was enrolled and who really spoke.

    Args:
        scores: ``(n_enrolled, n_trials)`` float64, higher where more alike; no NaN, infinity is
            allowed.
        enrolled: Speaker of each row; each once.
        trial_speakers: Speaker of each column.
        trials: Names the utterance of each column; each once.
        allowed: ``(n_enrolled, n_trials)``: which pairs are trials; None: all of them.

    Raises:
        ConfigurationError: Sizes that do not match, a name twice, NaN among the scores.

    Example:
        >>> import numpy as np
        >>> from voxguard.attacks.verification import ScoreMatrix
        >>> scores = np.array([[0.9, 0.2], [0.1, 0.7]])
        >>> matrix = ScoreMatrix(scores, ("ann", "bob"), ("ann", "bob"), ("a-1", "b-1"))
        >>> matrix.mated, matrix.non_mated
        (array([0.9, 0.7]), array([0.2, 0.1]))
    """

    scores: Scores
    enrolled: tuple[str, ...]
    trial_speakers: tuple[str, ...]
    trials: tuple[str, ...]
    allowed: npt.NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        scores = np.asarray(self.scores, dtype=np.float64)
        shape = (len(self.enrolled), len(self.trials))
        if scores.shape != shape or len(self.trial_speakers) != len(self.trials):
            raise ConfigurationError(
                f"scores come as (enrolled, trials): got {scores.shape} for {shape[0]} enrolled, "
                f"{shape[1]} trials and {len(self.trial_speakers)} speakers of trials"
            )
        for what, names in (("enrolled speaker", self.enrolled), ("trial", self.trials)):
            if len(set(names)) != len(names):
                twice = next(name for name in names if names.count(name) > 1)
                raise ConfigurationError(f"{what} {twice!r} is there twice; each must be once")
        if self.allowed is not None and (
            self.allowed.shape != shape or self.allowed.dtype != np.bool_
        ):
            raise ConfigurationError(
                f"allowed= takes booleans of the scores' shape {shape}, got "
                f"{self.allowed.dtype.name} of {self.allowed.shape}"
            )
        if np.isnan(scores).any():
            raise ConfigurationError(
                f"{np.count_nonzero(np.isnan(scores))} of {scores.size} scores are NaN; a score "
                "has to be a number"
            )
        object.__setattr__(self, "scores", scores)

    @cached_property
    def same_speaker(self) -> npt.NDArray[np.bool_]:
        """``(n_enrolled, n_trials)``: where the trial is of the enrolled speaker."""
        rows, columns = np.asarray(self.enrolled, str), np.asarray(self.trial_speakers, str)
        same: npt.NDArray[np.bool_] = rows[:, None] == columns[None, :]
        return same

    @property
    def mated(self) -> Scores:
        """Scores of the trials of the enrolled speaker herself, 1-d."""
        return self._where(self.same_speaker)

    @property
    def non_mated(self) -> Scores:
        """Scores of the trials of somebody else, 1-d."""
        return self._where(~self.same_speaker)

    def _where(self, chosen: npt.NDArray[np.bool_]) -> Scores:
        if self.allowed is not None:
            chosen = chosen & self.allowed
        picked: Scores = self.scores[chosen]
        return picked

    def restricted(
        self,
        *,
        enrolled: Iterable[str] | None = None,
        trial_mask: npt.NDArray[np.bool_] | None = None,
    ) -> ScoreMatrix:
        """Only some of the enrolled speakers, or of the trials.

        Args:
            enrolled: Speakers to keep, in any order; the rows keep theirs. None: all of them.
            trial_mask: ``(n_trials,)``: which trials to keep. None: all of them.

        Raises:
            ConfigurationError: A speaker who is not enrolled, or a mask of another size.

        Example:
            >>> import numpy as np
            >>> from voxguard.attacks.verification import ScoreMatrix
            >>> matrix = ScoreMatrix(np.eye(2), ("ann", "bob"), ("ann", "bob"), ("a-1", "b-1"))
            >>> matrix.restricted(enrolled=["bob"]).scores
            array([[0., 1.]])
        """
        wanted = set(self.enrolled if enrolled is None else enrolled)
        if unknown := wanted.difference(self.enrolled):
            raise ConfigurationError(
                f"{min(unknown)!r} is not among the {len(self.enrolled)} enrolled speakers"
            )
        rows = np.array([name in wanted for name in self.enrolled], dtype=bool)
        columns = np.ones(len(self.trials), dtype=bool) if trial_mask is None else trial_mask
        if columns.shape != (len(self.trials),) or columns.dtype != np.bool_:
            raise ConfigurationError(
                f"trial_mask= takes {len(self.trials)} booleans, one a trial, got "
                f"{columns.dtype.name} of {columns.shape}"
            )
        pairs = np.ix_(rows, columns)
        return ScoreMatrix(
            self.scores[pairs],
            tuple(name for name, kept in zip(self.enrolled, rows, strict=True) if kept),
            tuple(name for name, kept in zip(self.trial_speakers, columns, strict=True) if kept),
            tuple(name for name, kept in zip(self.trials, columns, strict=True) if kept),
            None if self.allowed is None else self.allowed[pairs],
        )


def verify(
    backend: Backend,
    enrolment: Vectors,
    enrolment_speakers: Sequence[str],
    trials: Vectors,
    trial_speakers: Sequence[str],
    trial_ids: Sequence[str],
    allowed: npt.NDArray[np.bool_] | None = None,
) -> ScoreMatrix:
    """Enrol every speaker and try every trial.

    The vector of an enrolled speaker is the mean of her utterances' vectors at unit length, as in
    the VoicePrivacy Challenge 2024.

    Args:
        backend: Trained, if it is trainable.
        enrolment: ``(n, d)``, one vector an utterance.
        enrolment_speakers: Of each row.
        trials: ``(m, d)``, one vector an utterance.
        trial_speakers: Of each row.
        trial_ids: Of each row; unique.
        allowed: ``(n_enrolled, m)``: which pairs are trials, enrolled speakers in sorted order;
            None: all of them.

    Returns:
        The scores, a row for each enrolled speaker in sorted order.

    Raises:
        ConfigurationError: Sizes that do not match, vectors that are not finite, an untrained
            back-end, or scores that are NaN.

    Example:
        >>> import numpy as np
        >>> from voxguard.attacks.backends import create_backend
        >>> from voxguard.attacks.verification import verify
        >>> vectors = np.array([[1.0, 0.1], [1.0, -0.1], [0.0, 1.0]])
        >>> verify(
        ...     create_backend("cosine"),
        ...     vectors, ["ann", "ann", "bob"], vectors[1:], ["ann", "bob"], ["a-2", "b-1"],
        ... ).scores.round(2)
        array([[ 1. ,  0. ],
               [-0.1,  1. ]])
    """
    known = check_vectors(enrolment)
    if len(enrolment_speakers) != len(known):
        raise ConfigurationError(
            f"each enrolment vector needs its speaker: got {len(known)} vectors and "
            f"{len(enrolment_speakers)} speakers"
        )
    enrolled, labels = np.unique(np.asarray(enrolment_speakers, str), return_inverse=True)
    membership = np.arange(len(enrolled))[:, None] == labels
    means = membership @ unit_rows(known) / membership.sum(axis=1, keepdims=True)
    return ScoreMatrix(
        backend.score(means, trials),
        tuple(enrolled.tolist()),
        tuple(trial_speakers),
        tuple(trial_ids),
        allowed,
    )
