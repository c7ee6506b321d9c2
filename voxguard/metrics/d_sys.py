"""Global linkability D_sys; not to be confused with the linking rate, another quantity."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from voxguard.errors import ConfigurationError
from voxguard.metrics.counts import Counts, OnCounts, count, counted
from voxguard.metrics.scores import Array, IntArray

FEWEST_BINS, MOST_BINS, PAIRS_A_BIN = 10, 100, 10


def d_sys_of_counts(counts: Counts, *, omega: float = 1.0, bins: int | None = None) -> float:
    """:func:`d_sys` from counts."""
    if not (math.isfinite(omega) and omega > 0):
        raise ConfigurationError(f"omega is a ratio of priors above 0, got {omega}")
    n_bins = _bins(counts.n_mated, counts.n_non_mated, bins)
    some = np.flatnonzero(counts.mated + counts.non_mated)
    low, high = counts.levels[some[0]], counts.levels[some[-1]]
    width = (high - low) / n_bins or 1.0

    def in_bins(levels: Array, times: IntArray) -> Array:
        place = np.minimum(((levels - low) / width).astype(np.intp), n_bins - 1)
        return np.bincount(place, times, n_bins).astype(np.float64)

    held = np.flatnonzero(counts.mated)
    mated = in_bins(counts.levels[held], counts.mated[held])
    held = np.flatnonzero(counts.non_mated)
    non_mated = in_bins(counts.levels[held], counts.non_mated[held])
    weight = omega * mated * (counts.n_non_mated / counts.n_mated)
    more = np.maximum(weight - non_mated, 0.0)
    linked = np.divide(more, weight + non_mated, out=np.zeros(n_bins), where=more > 0)
    return float(mated @ linked / counts.n_mated)


@counted(OnCounts(d_sys_of_counts, order_only=False, fitted=(0.0, 1.0)))
def d_sys(
    mated: npt.ArrayLike, non_mated: npt.ArrayLike, *, omega: float = 1.0, bins: int | None = None
) -> float:
    r"""Global linkability: **lower is more private**, 0 is perfect, 1 is none.

    How sure, on average, a mated pair's score makes an attacker that it is mated:

    .. math:: D(s) = \max\Bigl(0,\; 2\,\frac{\omega\,\mathrm{LR}(s)}{1 + \omega\,\mathrm{LR}(s)}
              - 1\Bigr),\quad
              D_\mathrm{sys} = \int D(s)\,p(s \mid \text{mated})\,ds,\quad
              \mathrm{LR}(s) = \frac{p(s \mid \text{mated})}{p(s \mid \text{non-mated})}

    The densities are histograms over the common range, with one bin for ten pairs of the rarer kind
    but at most 100, as in the implementations that published figures come from (the integral is the
    exact sum over the bins, they use the trapezoid rule). There are never fewer than 10 bins: one
    bin would call any 19 pairs unlinkable.

    The estimate is biased upwards, for chance differences between two histograms count as
    evidence: :func:`d_sys_floor` is what no evidence at all gives, about 0.06 as long as there is
    one bin for ten pairs. A figure near it is no sign of a leak. Equal bins also cost resolution
    where single scores lie far out: the mass of both kinds then shares few bins, and the figure is
    too low. Any increasing function of the scores leaves D_sys itself unchanged, but not the bins.

    Args:
        mated: ``(n,)`` scores of mated pairs.
        non_mated: ``(m,)`` scores of non-mated pairs.
        omega: Prior odds of "mated".
        bins: How many; by default ``clip(min(n, m) // 10, 10, 100)``.

    Returns:
        0 to 1.

    Raises:
        ConfigurationError: See :func:`~voxguard.metrics.scores.check_scores`; ``omega`` or ``bins``
            not positive.

    References:
        M. Gomez-Barrero et al., "General framework to evaluate unlinkability in biometric template
        protection systems", IEEE TIFS, 2018 (online 2017).
        M. Maouche et al., "A comparative study of speech anonymization metrics", Interspeech 2020.

    Example:
        >>> from voxguard.metrics import d_sys
        >>> d_sys([3.0, 4.0], [0.0, 1.0]), d_sys([1.0, 2.0], [2.0, 1.0])
        (1.0, 0.0)
    """
    return d_sys_of_counts(count(mated, non_mated), omega=omega, bins=bins)


def d_sys_floor(n_mated: int, n_non_mated: int, *, bins: int | None = None) -> float:
    r"""What :func:`d_sys` gives on average if the scores hold no evidence (``omega`` 1).

    The counts in a bin scatter normally, to first order, and positive differences count:

    .. math:: \frac{1}{\sqrt{8\pi}}\sqrt{B\,(1/n + 1/m)}

    That is for bins with equally many pairs; with bell-shaped scores it is somewhat less.

    Args:
        n_mated: Mated pairs.
        n_non_mated: Non-mated pairs.
        bins: As for :func:`d_sys`.

    Raises:
        ConfigurationError: A number that is not positive.

    Example:
        >>> from voxguard.metrics import d_sys_floor
        >>> round(d_sys_floor(500, 5000), 3)
        0.066
    """
    if n_mated < 1 or n_non_mated < 1:
        raise ConfigurationError(f"needs pairs of both kinds, got {n_mated} and {n_non_mated}")
    n_bins = _bins(n_mated, n_non_mated, bins)
    return min(1.0, math.sqrt(n_bins * (1 / n_mated + 1 / n_non_mated) / (8 * math.pi)))


def _bins(n_mated: int, n_non_mated: int, bins: int | None) -> int:
    if bins is None:
        return min(max(min(n_mated, n_non_mated) // PAIRS_A_BIN, FEWEST_BINS), MOST_BINS)
    if bins < 1:
        raise ConfigurationError(f"a histogram has at least 1 bin, got {bins}")
    return bins
