"""AUC, true-positive rate and correlation of membership scores, with intervals by speaker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from voxguard.errors import ConfigurationError
from voxguard.metrics import Counts, Interval, advantage, bootstrap, resolvable
from voxguard.metrics.auc import auc_of_counts
from voxguard.metrics.tpr_at_fpr import tpr_at_fpr_of_counts
from voxguard.probes.membership.clips import Bools, Clips

Array = npt.NDArray[np.float64]
Statistic = Callable[[npt.NDArray[np.int64]], float | None]

CHANCE = 0.5


@dataclass(frozen=True)
class Intervals:
    """Figures of scores ``(n,)``, one a clip; a clip whose score is NaN is left out.

    Args:
        clips: Whose scores they are.
        seed: Of the resamples.
        resamples: How many.

    Example:
        >>> from pathlib import Path
        >>> import numpy as np
        >>> from voxguard.evaluation import Utterance
        >>> from voxguard.probes.membership.clips import Clips
        >>> from voxguard.probes.membership.intervals import Intervals
        >>> clips = Clips(tuple(Utterance(n, Path(n), n) for n in "abcd"),
        ...               np.array([True, True, False, False]), tuple("abcd"))
        >>> Intervals(clips).auc(np.array([3.0, 1.0, 1.0, 0.0])).value
        0.875
    """

    clips: Clips
    seed: int = 0
    resamples: int = 1000

    def auc(self, scores: Array) -> Interval:
        """How well the scores tell members from non-members; chance is 0.5."""
        return self._of(lambda kept: self._auc(scores, kept), scores)

    def tpr(self, scores: Array, fpr: float) -> Interval:
        """Share of the members found at a false-positive rate; chance is that rate.

        No value where there are too few non-members to show so low a rate.
        """
        others = int((~self.clips.member & np.isfinite(scores)).sum())
        if not resolvable(others, fpr):
            n = int(np.isfinite(scores).sum())
            why = f"a rate of {fpr:g} needs {round(1 / fpr)} non-members or more, got {others}"
            return Interval(None, None, None, n, len(set(self.clips.units)), why=why)

        def made(kept: Bools) -> Statistic:
            counted = self._counted(scores, kept)
            return lambda times: tpr_at_fpr_of_counts(counted(times), fpr=fpr)

        return self._of(made, scores)

    def drop(self, first: Array, second: Array) -> Interval:
        """AUC of the first less that of the second, on the same clips and resamples."""

        def made(kept: Bools) -> Statistic:
            one, other = self._auc(first, kept), self._auc(second, kept)
            return lambda times: (one(times) or 0.0) - (other(times) or 0.0)

        return self._of(made, first, second)

    def advantage(self, scores: Array, blind: Array) -> Interval:
        """How far the AUC lies above chance and above the blind AUC, 1 for certainty."""

        def made(kept: Bools) -> Statistic:
            one, other = self._auc(scores, kept), self._auc(blind, kept)
            return lambda times: advantage(one(times) or 0.0, max(CHANCE, other(times) or 0.0))

        return self._of(made, scores, blind)

    def correlation(self, first: Array, second: Array) -> Interval:
        """Pearson's r."""

        def made(kept: Bools) -> Statistic:
            pairs = np.stack([first[kept], second[kept]])

            def r(times: npt.NDArray[np.int64]) -> float:
                if not np.ptp(pairs[:, times > 0], axis=1).all():
                    raise ConfigurationError("all scores are the same")
                centred = pairs - np.average(pairs, axis=1, weights=times)[:, None]
                covariance = (centred * times) @ centred.T
                return float(covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1]))

            return r

        return self._of(made, first, second)

    def _auc(self, scores: Array, kept: Bools) -> Statistic:
        counted = self._counted(scores, kept)
        return lambda times: auc_of_counts(counted(times))

    def _counted(self, scores: Array, kept: Bools) -> Callable[[npt.NDArray[np.int64]], Counts]:
        """Sorted once: counts of the scores when each clip is there so many times."""
        levels, place = np.unique(scores[kept], return_inverse=True)
        member = self.clips.member[kept]

        def counted(times: npt.NDArray[np.int64]) -> Counts:
            both = [
                np.bincount(place[side], times[side], minlength=len(levels)).astype(np.int64)
                for side in (member, ~member)
            ]
            return Counts(levels, *both)

        return counted

    def _of(self, made: Callable[[Bools], Statistic], *scores: Array) -> Interval:
        kept: Any = np.isfinite(np.stack(scores)).all(axis=0)
        n = int(kept.sum())
        if not n:
            return Interval(None, None, None, 0, 0, why="no clip could be scored")
        units, place = np.unique(np.asarray(self.clips.units)[kept], return_inverse=True)
        statistic = made(kept)
        return bootstrap(
            lambda times: statistic(times[place]),
            len(units),
            n=n,
            seed=self.seed,
            resamples=self.resamples,
        )
