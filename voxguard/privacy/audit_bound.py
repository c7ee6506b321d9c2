"""What an audit gives: a lower bound on epsilon, and the most that one could have given."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from voxguard.errors import ConfigurationError


@dataclass(frozen=True)
class EpsilonBound:
    """A lower bound on epsilon from experiment.

    An audit can only ever find *against* a claim. ``contradicts(claim)`` true: at this confidence
    the training is not as private as claimed; there is a bug, or the claim is wrong. False: nothing
    was found with these canaries; a bug that they do not touch, or one too small for their number,
    may be there all the same. No audit proves a claim; the proof is the accountant's, and the audit
    checks that the code is what the accountant was told. What so many guesses could have found at
    best is :func:`most_certifiable`: a claim above that cannot be contradicted at all.

    Attributes:
        lower: The bound, 0 or more; epsilon lies above it unless the experiment was one of the
            ``1 - confidence`` unlucky ones.
        confidence: As asked for, 0 to 1; the correction for all that was tried is in the bound.
        method: ``"one-run"`` or ``"clopper-pearson"``.
        threshold: The score that decided; None where nothing was found.
        guesses: Canaries on which the deciding guess was made; 0 where nothing was found.
        correct: Guesses among them that were right.
        n: Canaries in all.
        delta: The delta that the bound goes with.
        tried: Ways to guess that were tried and corrected for.
        assumes: What the bound rests on beside the coin flips, for whoever reads it.
    """

    lower: float
    confidence: float
    method: str
    threshold: float | None
    guesses: int
    correct: int
    n: int
    delta: float
    tried: int
    assumes: str = ""

    def contradicts(self, epsilon: float) -> bool:
        """Whether the experiment refutes this claim.

        Args:
            epsilon: The claim, at :attr:`delta`.

        Raises:
            ConfigurationError: No claim that could be, such as a negative one or NaN.

        Example:
            >>> from voxguard.privacy import one_run
            >>> bound = one_run([3.0] * 200 + [0.0] * 200, [True] * 200 + [False] * 200, 0.0)
            >>> bound.contradicts(1.0), bound.contradicts(8.0)
            (True, False)
        """
        if not epsilon >= 0.0:
            raise ConfigurationError(f"a claimed epsilon is 0 or more, got {epsilon}")
        return self.lower > epsilon


def most_certifiable(guesses: int, *, confidence: float = 0.95) -> float:
    r"""The greatest epsilon that so many guesses, all of them right, can show.

    .. math:: \frac{e^\varepsilon}{1 + e^\varepsilon} = (1 - \text{confidence})^{1 / \text{guesses}}

    With delta 0 and one way to guess, settled beforehand; a delta or a choice among several ways
    lowers it. A claim above it cannot be contradicted by an audit with so few canaries, whatever
    the code does: audit at an epsilon of about 1 instead, where a bug shows.

    Args:
        guesses: Canaries on which a guess is made, at least 1.
        confidence: Between 0 and 1.

    Returns:
        Epsilon; 0 where even that many guesses show nothing.

    Raises:
        ConfigurationError: A number out of its range.

    References:
        T. Steinke, M. Nasr, M. Jagielski, "Privacy auditing with one (1) training run", NeurIPS
        2023, arXiv:2305.08846.

    Example:
        >>> from voxguard.privacy.audit_bound import most_certifiable
        >>> [round(most_certifiable(guesses), 1) for guesses in (20, 100, 500, 5000)]
        [1.8, 3.5, 5.1, 7.4]
    """
    check_level(confidence)
    if guesses < 1:
        raise ConfigurationError(f"guesses= takes an integer from 1, got {guesses!r}")
    log_share = math.log1p(-confidence) / guesses
    return max(0.0, log_share - math.log(-math.expm1(log_share)))


def greatest(refuted: Callable[[float], bool], least: float, most: float) -> float:
    """The greatest strength of a claim that is refuted, when those below are refuted as well.

    Args:
        refuted: Whether a claim of that strength is.
        least: A strength that is refuted.
        most: Where to stop.

    Returns:
        A refuted strength; ``most`` if even that one is.
    """
    low, high = least, max(2 * least, most / 1024)
    while refuted(min(high, most)):
        if high >= most:
            return most
        low, high = high, 2 * high
    high = min(high, most)
    while high - low > 1e-4 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if refuted(middle) else (low, middle)
    return low


def check_level(confidence: float) -> None:
    """Refuse a confidence that is none.

    Raises:
        ConfigurationError: It does not lie between 0 and 1.
    """
    if not 0.0 < confidence < 1.0:
        raise ConfigurationError(f"confidence= lies between 0 and 1, got {confidence!r}")


def check_delta(delta: float) -> None:
    """Refuse a delta that is none.

    Raises:
        ConfigurationError: It does not lie in 0 to 1.
    """
    if not 0.0 <= delta < 1.0:
        raise ConfigurationError(f"delta= takes 0 to below 1, got {delta!r}")
