"""Equal error rate: where as many strangers are let in as speakers are kept out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from voxguard.metrics.counts import Counts, OnCounts, count, counted


def eer_of_counts(counts: Counts) -> float:
    """:func:`eer` from counts."""
    crossing, share = _crossing(counts)
    rejected = int(counts.mated[:crossing].sum()) + share * int(counts.mated[crossing])
    return float(rejected / counts.n_mated)


@counted(OnCounts(eer_of_counts, order_only=True))
def eer(mated: npt.ArrayLike, non_mated: npt.ArrayLike) -> float:
    r"""Equal error rate: **higher is more private**, 0.5 is chance.

    .. math:: \mathrm{FMR}(t) = \Pr\{s \ge t \mid \text{non-mated}\},\quad
              \mathrm{FNMR}(t) = \Pr\{s < t \mid \text{mated}\},\quad
              \mathrm{EER} = \mathrm{FMR}(t^*) = \mathrm{FNMR}(t^*)

    The empirical rates move in steps and seldom meet at an operating point, so the crossing is
    interpolated linearly between the two around it. Between them lies one score: where it is of one
    kind only, one of the rates stands still and the crossing is exact; pairs that share a score are
    accepted by a coin of the right bias. So all scores equal give 0.5, the value is the same for
    any increasing function of the scores, and with the two kinds exchanged it is one minus itself.
    It is not clamped: more than 0.5 means that the attacker's scores point the wrong way, which an
    attacker who notices turns round.

    Args:
        mated: ``(n,)`` scores of mated pairs, higher for more alike.
        non_mated: ``(m,)`` scores of non-mated pairs.

    Returns:
        0 to 1.

    Raises:
        ConfigurationError: See :func:`~voxguard.metrics.scores.check_scores`.

    References:
        ISO/IEC 19795-1:2021, "Biometric performance testing and reporting, part 1".
        A. Martin et al., "The DET curve in assessment of detection task performance", Eurospeech
        1997.

    Example:
        >>> from voxguard.metrics import eer
        >>> eer([2.0, 3.0, 4.0, 5.0], [0.0, 1.0, 2.5, -1.0])
        0.25
        >>> eer([1.0, 1.0], [1.0, 1.0, 1.0])
        0.5
    """
    return eer_of_counts(count(mated, non_mated))


def eer_threshold(mated: npt.ArrayLike, non_mated: npt.ArrayLike) -> float:
    """The score at which the error rates cross; a pair is accepted from it on.

    Where a whole gap between two scores will do, its middle.

    Args:
        mated: ``(n,)`` scores of mated pairs.
        non_mated: ``(m,)`` scores of non-mated pairs.

    Raises:
        ConfigurationError: See :func:`~voxguard.metrics.scores.check_scores`.

    Example:
        >>> from voxguard.metrics import eer_threshold
        >>> eer_threshold([3.0, 4.0], [0.0, 1.0])
        2.0
    """
    counts = count(mated, non_mated)
    crossing, share = _crossing(counts)
    if share == 1.0:
        low, high = counts.levels[crossing : crossing + 2]
        return float(low + (high - low) / 2)
    return float(counts.levels[crossing])


def _crossing(counts: Counts) -> tuple[int, float]:
    """The level at which FNMR - FMR changes its sign, and how far into it, in (0, 1]."""
    n_mated, n_non_mated = counts.n_mated, counts.n_non_mated
    # (FNMR + 1 - FMR) * n_mated * n_non_mated, in whole numbers: equality is no matter of rounding.
    steps = counts.mated * n_non_mated + counts.non_mated * n_mated
    rejected = np.cumsum(steps)
    goal = n_mated * n_non_mated
    crossing = int(np.searchsorted(rejected, goal))
    missing = goal - int(rejected[crossing] - steps[crossing])
    return crossing, missing / int(steps[crossing])
