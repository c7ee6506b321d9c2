"""Identification: naming the speaker of a trial out of all who are enrolled."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from voxguard.errors import ConfigurationError
from voxguard.metrics.ranks import Ranks, rank_trials
from voxguard.metrics.scores import Array


def identified(ranks: Ranks, *, top: int = 1) -> Array:
    """Per trial, the probability that the true speaker is among the ``top`` most alike.

    Args:
        ranks: From :func:`~voxguard.metrics.ranks.rank_trials`.
        top: How many guesses the attacker has, 1 to the number of enrolled speakers.

    Returns:
        ``(n_trials,)`` 0 or 1, and between them where the true speaker is tied with others: ties
        are broken by chance.

    Raises:
        ConfigurationError: ``top`` out of range.

    Example:
        >>> from voxguard.metrics import identified, rank_trials
        >>> identified(rank_trials([[0.9, 0.5], [0.1, 0.5]], [0, 1]))
        array([1. , 0.5])
    """
    if not 1 <= top <= ranks.enrolled:
        raise ConfigurationError(
            f"top is 1 to {ranks.enrolled}, the number of enrolled speakers; got {top}"
        )
    return ranks.expect((np.arange(ranks.enrolled) < top).astype(np.float64))


def identification_rate(scores: npt.ArrayLike, rows: npt.ArrayLike, *, top: int = 1) -> float:
    r"""Share of trials whose speaker is named right: **lower is more private**.

    .. math:: \frac1n \sum_i \Pr\{\mathrm{rank}_i \le \mathrm{top}\}

    Chance is ``top`` over the number of enrolled speakers, so the figure means something only
    together with that number.

    Args:
        scores: ``(n_enrolled, n_trials)``, higher for more alike.
        rows: ``(n_trials,)`` row of each trial's own speaker.
        top: How many guesses the attacker has.

    Returns:
        0 to 1. Ties count as many tenths as chance would break them right.

    Raises:
        ConfigurationError: See :func:`~voxguard.metrics.ranks.rank_trials`; ``top`` out of range.

    References:
        ISO/IEC 19795-1:2021, "Biometric performance testing and reporting, part 1".

    Example:
        >>> from voxguard.metrics import identification_rate
        >>> identification_rate([[0.9, 0.5], [0.1, 0.4]], [0, 1])
        0.5
    """
    return float(identified(rank_trials(scores, rows), top=top).mean())


def cmc(scores: npt.ArrayLike, rows: npt.ArrayLike) -> Array:
    """Cumulative match characteristic: :func:`identification_rate` for every ``top``.

    Args:
        scores: ``(n_enrolled, n_trials)``, higher for more alike.
        rows: ``(n_trials,)`` row of each trial's own speaker.

    Returns:
        ``(n_enrolled,)`` rising to 1.

    Raises:
        ConfigurationError: See :func:`~voxguard.metrics.ranks.rank_trials`.

    Example:
        >>> from voxguard.metrics import cmc
        >>> cmc([[0.9, 0.5], [0.1, 0.4]], [0, 1])
        array([0.5, 1. ])
    """
    ranks = rank_trials(scores, rows)
    return np.array([identified(ranks, top=k + 1).mean() for k in range(ranks.enrolled)])
