"""True-positive rate at a low false-positive rate: whom the attacker is sure of."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from voxguard.errors import ConfigurationError
from voxguard.metrics.counts import Counts, OnCounts, count, counted


def tpr_at_fpr_of_counts(counts: Counts, *, fpr: float) -> float:
    """:func:`tpr_at_fpr` from counts."""
    allowed = _allowed(counts.n_non_mated, fpr)
    accepted = counts.n_non_mated - np.cumsum(counts.non_mated)
    # Accepted is what lies above a level; the lowest threshold of all lets everyone in.
    if counts.n_non_mated <= allowed:
        return 1.0
    level = int(np.argmax(accepted <= allowed))
    return float(counts.mated[level + 1 :].sum() / counts.n_mated)


@counted(OnCounts(tpr_at_fpr_of_counts, order_only=True))
def tpr_at_fpr(mated: npt.ArrayLike, non_mated: npt.ArrayLike, *, fpr: float) -> float:
    r"""Share of the mated pairs that are found at a false-positive rate: **lower is more private**.

    .. math:: \max_t \Pr\{s \ge t \mid \text{mated}\} \quad\text{with}\quad
              \Pr\{s \ge t \mid \text{non-mated}\} \le \mathrm{fpr}

    Averages such as the EER hide an attacker who is sure of a few; this shows him. Chance is
    ``fpr`` itself. No interpolation: the threshold lies where the false positives are at most as
    many as allowed, and pairs that share a score are accepted together or not at all. With fewer
    than ``1 / fpr`` non-mated pairs that means none, and the figure belongs to a rate that cannot
    be told from 0; ask :func:`resolvable`.

    Args:
        mated: ``(n,)`` scores of mated pairs, higher for more alike.
        non_mated: ``(m,)`` scores of non-mated pairs.
        fpr: The rate that is allowed, 0 to 1, such as 0.01 or 0.001.

    Returns:
        0 to 1.

    Raises:
        ConfigurationError: See :func:`~voxguard.metrics.scores.check_scores`; ``fpr`` is no rate.

    References:
        N. Carlini et al., "Membership inference attacks from first principles", IEEE S&P 2022.

    Example:
        >>> from voxguard.metrics import tpr_at_fpr
        >>> tpr_at_fpr([1.5, 2.5, 3.5, 4.5], [0.0, 1.0, 2.0, 3.0], fpr=0.25)
        0.75
    """
    return tpr_at_fpr_of_counts(count(mated, non_mated), fpr=fpr)


def resolvable(n_non_mated: int, fpr: float) -> bool:
    """Whether so many non-mated pairs can show so low a false-positive rate.

    Args:
        n_non_mated: Non-mated pairs.
        fpr: The rate, 0 to 1.

    Raises:
        ConfigurationError: ``fpr`` is no rate.

    Example:
        >>> from voxguard.metrics import resolvable
        >>> resolvable(1000, 0.001), resolvable(999, 0.001)
        (True, False)
    """
    return _allowed(n_non_mated, fpr) >= 1


def _allowed(n_non_mated: int, fpr: float) -> int:
    """How many false positives make up at most that rate."""
    if not 0.0 <= fpr <= 1.0:
        raise ConfigurationError(f"a false-positive rate lies in 0 to 1, got {fpr}")
    return math.floor(n_non_mated * fpr * (1 + 1e-12))  # 0.29 * 100 is 28.999...
