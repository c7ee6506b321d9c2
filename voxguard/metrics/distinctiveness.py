"""How distinct the voices are from one another, before and after anonymization."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from voxguard.errors import ConfigurationError
from voxguard.metrics.scores import Array, check_score_matrix


def similarity_matrix(
    scores: npt.ArrayLike, enrolled: Sequence[str], trial_speakers: Sequence[str]
) -> Array:
    r"""Likeness of every speaker to every other, from a score matrix.

    .. math:: M(i, j) = \sigma\Bigl(\frac{1}{n_i n_j} \sum_{k,l} s_{kl}\Bigr)

    with the rows :math:`k` of speaker :math:`i`, the trials :math:`l` of speaker :math:`j`, and the
    logistic function :math:`\sigma`.

    Args:
        scores: ``(n_enrolled, n_trials)`` natural-logarithm likelihood ratios; make them with
            :func:`~voxguard.metrics.calibration.linear_calibration` from other scores.
        enrolled: Speaker of each row.
        trial_speakers: Speaker of each column; the same speakers as the rows, in any order.

    Returns:
        ``(n, n)`` in 0 to 1, the speakers in sorted order.

    Raises:
        ConfigurationError: See :func:`~voxguard.metrics.scores.check_score_matrix`; rows and
            columns of different speakers, or of fewer than two.

    References:
        P.-G. Noé et al., "Speech pseudonymisation assessment using voice similarity matrices",
        Interspeech 2020.

    Example:
        >>> from voxguard.metrics import similarity_matrix
        >>> similarity_matrix([[9.0, 11.0, -9.0], [-8.0, -12.0, 8.0]], "ab", "aab").round(3)
        array([[1., 0.],
               [0., 1.]])
    """
    matrix = check_score_matrix(scores)
    if matrix.shape != (len(enrolled), len(trial_speakers)):
        raise ConfigurationError(
            f"scores of shape {matrix.shape} for {len(enrolled)} enrolled speakers and "
            f"{len(trial_speakers)} trials"
        )
    speakers = sorted(set(enrolled))
    if odd := sorted(set(enrolled) ^ set(trial_speakers)):
        raise ConfigurationError(
            f"every speaker needs enrolment and trials; {len(odd)} have only one of them, such as "
            f"{odd[0]!r}"
        )
    if len(speakers) < 2:
        raise ConfigurationError("a similarity matrix is of two speakers or more, got 1")
    rows, columns = _mean_of(enrolled, speakers), _mean_of(trial_speakers, speakers)
    mean: Array = rows @ matrix @ columns.T
    return 0.5 * (1.0 + np.tanh(0.5 * mean))


def diagonal_dominance(matrix: npt.ArrayLike, *, weights: npt.ArrayLike | None = None) -> float:
    r"""How much more alike a voice is to itself than to the others, 0 to 1.

    .. math:: D_\mathrm{diag}(M) = \Bigl|\frac1n \sum_i M(i, i)
              - \frac{1}{n(n-1)} \sum_{i \ne j} M(i, j)\Bigr|

    Args:
        matrix: ``(n, n)`` from :func:`similarity_matrix`.
        weights: ``(n,)`` how often each speaker counts, for a bootstrap.

    Raises:
        ConfigurationError: Not a square of two speakers or more, or weights for fewer than two.

    Example:
        >>> from voxguard.metrics import diagonal_dominance
        >>> diagonal_dominance([[0.75, 0.0], [0.25, 1.0]])
        0.75
    """
    square = check_score_matrix(matrix)
    if square.shape[0] != square.shape[1] or len(square) < 2:
        raise ConfigurationError(f"a similarity matrix is a square, got {square.shape}")
    times = np.ones(len(square)) if weights is None else np.asarray(weights, dtype=np.float64)
    if times.shape != (len(square),) or np.count_nonzero(times > 0) < 2 or times.min() < 0:
        raise ConfigurationError("weights are 0 or more, one a speaker, and above 0 for two")
    diagonal = np.diag(square)
    own = times @ diagonal / times.sum()
    cross = times @ square @ times - times**2 @ diagonal
    return float(abs(own - cross / (times.sum() ** 2 - times @ times)))


def g_vd(
    original: npt.ArrayLike, anonymized: npt.ArrayLike, *, weights: npt.ArrayLike | None = None
) -> float:
    r"""Gain of voice distinctiveness, in dB: 0 keeps the voices as distinct as they were.

    .. math:: G_\mathrm{VD} = 10 \log_{10} \frac{D_\mathrm{diag}(M_{aa})}{D_\mathrm{diag}(M_{oo})}

    Below 0 the voices have become more alike, which is a loss of use (who is speaking?); it is no
    measure of privacy.

    Args:
        original: M_oo, ``(n, n)``: original speech against original speech.
        anonymized: M_aa, ``(n, n)``: anonymized against anonymized.
        weights: ``(n,)`` how often each speaker counts, for a bootstrap.

    Returns:
        dB; minus infinity if all anonymized voices are alike.

    Raises:
        ConfigurationError: See :func:`diagonal_dominance`; the original voices are not distinct.

    References:
        P.-G. Noé et al., "Towards a unified assessment framework of speech pseudonymisation",
        Computer Speech & Language, 2022.

    Example:
        >>> from voxguard.metrics import g_vd
        >>> round(g_vd([[0.9, 0.1], [0.1, 0.9]], [[0.5, 0.1], [0.1, 0.5]]), 2)
        -3.01
    """
    before = _distinct(original, weights)
    after = diagonal_dominance(anonymized, weights=weights)
    return 10.0 * math.log10(after / before) if after > 0 else -math.inf


def deid(
    original: npt.ArrayLike, across: npt.ArrayLike, *, weights: npt.ArrayLike | None = None
) -> float:
    r"""De-identification: **higher is more private**, 1 (100 %) is perfect.

    .. math:: \mathrm{DeID} = 1 - \frac{D_\mathrm{diag}(M_{oa})}{D_\mathrm{diag}(M_{oo})}

    It is about an ignorant attacker, who compares anonymized speech with original speech; a voice
    that only moved looks de-identified.

    Args:
        original: M_oo, ``(n, n)``: original speech against original speech.
        across: M_oa, ``(n, n)``: original against anonymized.
        weights: ``(n,)`` how often each speaker counts, for a bootstrap.

    Returns:
        Up to 1; below 0 if the voices are easier to tell apart across than before.

    Raises:
        ConfigurationError: See :func:`diagonal_dominance`; the original voices are not distinct.

    References:
        P.-G. Noé et al., "Speech pseudonymisation assessment using voice similarity matrices",
        Interspeech 2020.

    Example:
        >>> from voxguard.metrics import deid
        >>> deid([[0.9, 0.1], [0.1, 0.9]], [[0.4, 0.4], [0.4, 0.4]])
        1.0
    """
    return 1.0 - diagonal_dominance(across, weights=weights) / _distinct(original, weights)


def _distinct(original: npt.ArrayLike, weights: npt.ArrayLike | None) -> float:
    dominance = diagonal_dominance(original, weights=weights)
    if dominance == 0.0:
        raise ConfigurationError(
            "the original voices are all alike to this attacker, so there is nothing to compare "
            "with; are the scores log-likelihood ratios?"
        )
    return dominance


def _mean_of(labels: Sequence[str], speakers: list[str]) -> Array:
    """``(speakers, labels)`` weights that average over the entries of each speaker."""
    mine = np.array(speakers)[:, None] == np.array(list(labels))[None, :]
    averaging: Array = mine / mine.sum(axis=1, keepdims=True)
    return averaging
