r"""Phase 2: how sure a model is of a text, in thirty ways.

A model that has been trained on a clip is surer of its words than it would be otherwise. Which
tokens show this best is an open question, so all that has been proposed is looked at: their mean,
the least likely of them, the likeliest, the spread of what else could have stood there.

References:
    N. Carlini et al., "Extracting training data from large language models", USENIX Security 2021,
    arXiv:2012.07805 (perplexity, zlib). W. Shi et al., "Detecting pretraining data from large
    language models", ICLR 2024, arXiv:2310.16789 (Min-k %). J. Zhang et al., "Min-K%++: improved
    baseline for detecting pre-training data from large language models", arXiv:2404.02936. Z. Li et
    al., "Membership inference attacks against large vision-language models", NeurIPS 2024,
    arXiv:2411.02902 (MaxRényi-k %). The families are those of Dong, Lin, Lee, arXiv:2603.28378.
"""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

from voxguard.audiollm import TextScores
from voxguard.errors import ModelError

Array = npt.NDArray[np.float64]

_LEAST_SPREAD = 1e-6
_PERCENTS = (5, 10, 20, 30, 40, 50)
_SOME = (10, 20, 50)
_ALPHAS = (0.5, 2.0, np.inf)

# Name to what members have more of (1) or less of (-1), as their papers have it: fixed in advance,
# since a direction that is read off the data finds members where there are none.
DIRECTIONS: dict[str, int] = {
    "log_perplexity": -1,
    "entropy_mean": -1,
    "entropy_max": -1,
    **{f"min_k_{k}": 1 for k in _PERCENTS},
    **{f"min_k_plus_plus_{k}": 1 for k in _PERCENTS},
    **{f"max_k_{k}": 1 for k in _SOME},
    "max_renyi_1_10": -1,
    **{f"max_renyi_{alpha:g}_{k}": -1 for alpha in _ALPHAS for k in (10, 100)},
    "zlib_ratio": -1,
    "gap_of_top_two_mean": 1,
    "gap_of_top_two_min": 1,
    "gap_to_top_mean": -1,
    "gap_to_top_max": -1,
}


def score_vector(scores: TextScores, text: str) -> Array:
    """All of :data:`DIRECTIONS` for one text.

    Args:
        scores: What the model gives for it.
        text: The text itself, for zlib.

    Returns:
        ``(30,)``.

    Raises:
        ModelError: The model gave a number that is none.

    Example:
        >>> import numpy as np
        >>> from voxguard.audiollm import TextScores
        >>> from voxguard.probes.membership.scores import DIRECTIONS, score_vector
        >>> distribution = np.log([[0.5, 0.5], [0.9, 0.1]])
        >>> scores = TextScores(("a", "b"), distribution[:, 0], distribution)
        >>> vector = dict(zip(DIRECTIONS, score_vector(scores, "a b"), strict=True))
        >>> print(vector["log_perplexity"].round(3), vector["gap_of_top_two_mean"].round(3))
        0.399 0.4
    """
    chosen = np.asarray(scores.log_probability, np.float64)
    distribution = np.asarray(scores.distribution, np.float64)
    entropy = renyi_entropy(distribution, 1.0)
    normal = normalized(chosen, distribution)
    top_two, to_top = gaps(chosen, distribution)
    renyi = {alpha: renyi_entropy(distribution, alpha) for alpha in _ALPHAS}
    vector = np.array(
        [
            log_perplexity(chosen),
            entropy.mean(),
            entropy.max(),
            *(lowest(chosen, k) for k in _PERCENTS),
            *(lowest(normal, k) for k in _PERCENTS),
            *(highest(chosen, k) for k in _SOME),
            highest(entropy, 10),
            *(highest(renyi[alpha], k) for alpha in _ALPHAS for k in (10, 100)),
            zlib_ratio(chosen, text),
            top_two.mean(),
            top_two.min(),
            to_top.mean(),
            to_top.max(),
        ]
    )
    if not np.isfinite(vector).all():
        raise ModelError("the model gave probabilities of which no finite score can be had")
    return vector


def log_perplexity(log_probability: Array) -> float:
    """Mean surprise per token in nats; its exponential is the perplexity.

    Args:
        log_probability: ``(n,)``, of the tokens of the text.

    Example:
        >>> import numpy as np
        >>> from voxguard.probes.membership.scores import log_perplexity
        >>> round(log_perplexity(np.log([0.5, 0.125])), 3)  # ln 4
        1.386
    """
    return float(-np.mean(log_probability))


def lowest(values: Array, percent: float) -> float:
    """Mean of the lowest values: Min-k % of log-probabilities.

    Args:
        values: ``(n,)``.
        percent: Of the values, rounded down; one of them at least.

    Example:
        >>> import numpy as np
        >>> from voxguard.probes.membership.scores import lowest
        >>> lowest(np.array([4.0, 1.0, 2.0, 3.0]), 50)
        1.5
    """
    count = max(int(len(values) * percent / 100), 1)
    return float(np.sort(values)[:count].mean())


def highest(values: Array, percent: float) -> float:
    """Mean of the highest values: Max-k %, and of Rényi entropies MaxRényi-k %.

    Args:
        values: ``(n,)``.
        percent: Of the values, rounded down; one of them at least.

    Example:
        >>> import numpy as np
        >>> from voxguard.probes.membership.scores import highest
        >>> highest(np.array([4.0, 1.0, 2.0, 3.0]), 50)
        3.5
    """
    return -lowest(-values, percent)


def normalized(log_probability: Array, distribution: Array) -> Array:
    r"""Min-k %++ of each token: its log-probability against those of all that could stand there.

    .. math:: \frac{\log p(x) - \mu}{\sigma} \quad\text{with}\quad
              \mu = \sum_z p(z) \log p(z), \; \sigma^2 = \sum_z p(z) (\log p(z) - \mu)^2

    Args:
        log_probability: ``(n,)``.
        distribution: ``(n, V)``, natural logarithms.

    Returns:
        ``(n,)``; 0 where all tokens are equally likely.

    Example:
        >>> import numpy as np
        >>> from voxguard.probes.membership.scores import normalized
        >>> normalized(np.log([0.8]), np.log([[0.8, 0.2]])).round(3)
        array([0.5])
    """
    p, log_p = _shares(distribution)
    mean = (p * log_p).sum(axis=1)
    spread = np.sqrt((p * (log_p - mean[:, None]) ** 2).sum(axis=1))
    made: Array = (log_probability - mean) / np.maximum(spread, _LEAST_SPREAD)
    return np.where(spread > _LEAST_SPREAD, made, 0.0)


def renyi_entropy(distribution: Array, alpha: float) -> Array:
    r"""Rényi entropy of each token's distribution in nats.

    .. math:: H_\alpha = \frac{1}{1 - \alpha} \log \sum_z p(z)^\alpha

    At 1 it is Shannon's; at infinity that of the likeliest token alone.

    Args:
        distribution: ``(n, V)``, natural logarithms.
        alpha: Above 0; ``inf`` too.

    Returns:
        ``(n,)``, 0 to ln V.

    Example:
        >>> import numpy as np
        >>> from voxguard.probes.membership.scores import renyi_entropy
        >>> halves = np.log([[0.5, 0.5]])
        >>> [renyi_entropy(halves, alpha).round(3).item() for alpha in (0.5, 1.0, 2.0, np.inf)]
        [0.693, 0.693, 0.693, 0.693]
    """
    if np.isinf(alpha):
        return np.asarray(-distribution.max(axis=1))
    p, log_p = _shares(distribution)
    if alpha == 1.0:
        return np.asarray(-(p * log_p).sum(axis=1))
    return np.asarray(np.log((p**alpha).sum(axis=1)) / (1.0 - alpha))


def zlib_ratio(log_probability: Array, text: str) -> float:
    """Log-perplexity per byte that zlib needs for the text: what is dull is likely anyway.

    Args:
        log_probability: ``(n,)``.
        text: The text.

    Example:
        >>> import numpy as np
        >>> from voxguard.probes.membership.scores import zlib_ratio
        >>> round(zlib_ratio(np.log([0.5]), "yes"), 3)  # 0.693 in 11 bytes
        0.063
    """
    return log_perplexity(log_probability) / len(zlib.compress(text.encode()))


def gaps(log_probability: Array, distribution: Array) -> tuple[Array, Array]:
    """How far the likeliest token is ahead of the second, and of the one that is in the text.

    Args:
        log_probability: ``(n,)``.
        distribution: ``(n, V)``, natural logarithms, V at least 2.

    Returns:
        Differences of probability, 0 to 1, ``(n,)`` each.

    Example:
        >>> import numpy as np
        >>> from voxguard.probes.membership.scores import gaps
        >>> [gap.round(3).item() for gap in gaps(np.log([0.1]), np.log([[0.6, 0.3, 0.1]]))]
        [0.3, 0.5]
    """
    second, top = np.exp(np.partition(distribution, -2, axis=1)[:, -2:]).T
    return top - second, np.maximum(top - np.exp(log_probability), 0.0)


def _shares(distribution: Array) -> tuple[Array, Array]:
    """Probabilities and their logarithms, where what is impossible counts as 0."""
    return np.exp(distribution), np.where(np.isneginf(distribution), 0.0, distribution)
