"""How well an attribute (sex, age band, emotion ...) is guessed, against guessing blindly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from voxguard.errors import ConfigurationError


@dataclass(frozen=True)
class BlindGuess:
    """The best that one can do without listening.

    Attributes:
        accuracy: Always naming the commonest class: its share.
        balanced_accuracy: Any blind guess: one in the number of classes.
    """

    accuracy: float
    balanced_accuracy: float


def recalls(truth: Sequence[str], predicted: Sequence[str]) -> dict[str, float]:
    """Share of each class that is recognised.

    Args:
        truth: ``(n,)`` classes as they are.
        predicted: ``(n,)`` classes as guessed; others than occur in ``truth`` are just wrong.

    Returns:
        Class to 0 to 1, for the classes of ``truth`` in sorted order.

    Raises:
        ConfigurationError: Nothing to score, or lists of different lengths.

    Example:
        >>> from voxguard.metrics import recalls
        >>> recalls(["F", "F", "M"], ["F", "M", "M"])
        {'F': 0.5, 'M': 1.0}
    """
    if len(truth) != len(predicted) or len(truth) == 0:
        raise ConfigurationError(
            f"needs a prediction for every true class, got {len(predicted)} for {len(truth)}"
        )
    pairs = list(zip(truth, predicted, strict=True))
    total = Counter(true for true, _ in pairs)
    right = Counter(true for true, guess in pairs if true == guess)
    return {name: right[name] / total[name] for name in sorted(total)}


def balanced_accuracy(truth: Sequence[str], predicted: Sequence[str]) -> float:
    r"""Mean recall over the classes, also called unweighted average recall (UAR).

    .. math:: \frac1k \sum_{c=1}^{k} \Pr\{\hat y = c \mid y = c\}

    As a measure of what leaks: **lower is more private**. As a measure of what is kept (emotion):
    higher is better. Blind guessing gives 1/k however unequal the classes are.

    Args:
        truth: ``(n,)`` classes as they are; at least two different ones.
        predicted: ``(n,)`` classes as guessed.

    Returns:
        0 to 1.

    Raises:
        ConfigurationError: As for :func:`recalls`; or only one class, which needs no guessing.

    References:
        B. Schuller et al., "The INTERSPEECH 2009 emotion challenge", Interspeech 2009.

    Example:
        >>> from voxguard.metrics import balanced_accuracy
        >>> balanced_accuracy(["F", "F", "M"], ["F", "M", "M"])
        0.75
    """
    of_class = recalls(truth, predicted)
    if len(of_class) < 2:
        raise ConfigurationError(f"there is only the class {next(iter(of_class))!r} to be guessed")
    return float(np.mean([*of_class.values()]))


def blind_guess(truth: Sequence[str]) -> BlindGuess:
    """What the best guess without listening scores on these classes.

    Args:
        truth: ``(n,)`` classes as they are.

    Raises:
        ConfigurationError: No classes.

    Example:
        >>> from voxguard.metrics import blind_guess
        >>> blind_guess(["F", "F", "F", "M"])
        BlindGuess(accuracy=0.75, balanced_accuracy=0.5)
    """
    counts = Counter(truth)
    if not counts:
        raise ConfigurationError("no classes to guess")
    return BlindGuess(max(counts.values()) / len(truth), 1 / len(counts))


def advantage(score: float, blind: float) -> float:
    r"""How far a score lies above the blind guess, as a share of the way to certainty.

    .. math:: \frac{\text{score} - \text{blind}}{1 - \text{blind}}

    **Lower is more private**: 0 is chance, 1 is certainty, below 0 is worse than blind. With two
    classes and balanced accuracy this is the attacker's true-positive minus false-positive rate.

    Args:
        score: Accuracy or balanced accuracy, 0 to 1.
        blind: The same of the best blind guess, 0 to less than 1.

    Raises:
        ConfigurationError: Not in these ranges.

    References:
        S. Yeom et al., "Privacy risk in machine learning: analyzing the connection to overfitting",
        IEEE CSF 2018.

    Example:
        >>> from voxguard.metrics import advantage
        >>> advantage(0.75, 0.5)
        0.5
    """
    if not (0.0 <= score <= 1.0 and 0.0 <= blind < 1.0):
        raise ConfigurationError(
            f"a score is 0 to 1 and a blind guess 0 to less than 1, got {score} and {blind}"
        )
    return (score - blind) / (1.0 - blind)
