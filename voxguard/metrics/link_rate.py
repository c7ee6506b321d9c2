"""Linking rate: finding the speaker of a trial among so and so many people."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from voxguard.errors import ConfigurationError
from voxguard.metrics.ranks import Ranks, rank_trials
from voxguard.metrics.scores import Array


def linked(ranks: Ranks, population: int) -> Array:
    """Per trial, the probability of :func:`link_rate`.

    Args:
        ranks: From :func:`~voxguard.metrics.ranks.rank_trials`.
        population: N', 1 to the number of enrolled speakers.

    Returns:
        ``(n_trials,)`` 0 to 1.

    Raises:
        ConfigurationError: A population that the enrolled speakers do not make up.

    Example:
        >>> from voxguard.metrics import linked, rank_trials
        >>> linked(rank_trials([[0.9, 0.5], [0.1, 0.4], [0.2, 0.3]], [0, 1]), 2)
        array([1. , 0.5])
    """
    if not 1 <= population <= ranks.enrolled:
        raise ConfigurationError(
            f"a population is 1 to {ranks.enrolled}, the number of enrolled speakers; got "
            f"{population}; enrol more speakers, they need no trials"
        )
    others = ranks.enrolled - 1
    # C(others - m, N' - 1) / C(others, N' - 1) for m = 0, 1, ... as a running product
    m = np.arange(others)
    factors = np.maximum(others - m - (population - 1), 0) / (others - m)
    return ranks.expect(np.concatenate(([1.0], np.cumprod(factors))))


def link_rate(scores: npt.ArrayLike, rows: npt.ArrayLike, population: int) -> float:
    r"""Linking rate in a population of :math:`N'`: **lower is more private**, chance 1/N'.

    The probability that the true speaker outscores :math:`N' - 1` others drawn from the enrolled.
    No drawing is needed: with :math:`n` enrolled speakers, :math:`m` of whom outscore the true one
    of a trial, it is

    .. math:: \pi_\mathrm{link}(N') = \operatorname{mean}_{\text{trials}}
              \binom{n - 1 - m}{N' - 1} \Big/ \binom{n - 1}{N' - 1}.

    Ties are broken by chance (the mean of this over the places that the tie spans), so constant
    scores give 1/N' exactly. Not :func:`~voxguard.metrics.d_sys.d_sys`, which the literature calls
    linkability too.

    Args:
        scores: ``(n_enrolled, n_trials)``, higher for more alike.
        rows: ``(n_trials,)`` row of each trial's own speaker.
        population: N', 1 to the number of enrolled speakers.

    Returns:
        0 to 1.

    Raises:
        ConfigurationError: See :func:`~voxguard.metrics.ranks.rank_trials`; a population that the
            enrolled speakers do not make up.

    References:
        N. Vauquier et al., "Legally validated evaluation framework for voice anonymization",
        Interspeech 2025.

    Example:
        >>> from voxguard.metrics import link_rate
        >>> link_rate([[0.9, 0.5], [0.1, 0.4], [0.2, 0.3]], [0, 1], 2)
        0.75
    """
    return float(linked(rank_trials(scores, rows), population).mean())
