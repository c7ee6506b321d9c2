r"""Trade-off curves: how low a false-positive rate a claim allows at a true-positive rate.

A claim of privacy is a limit to every attacker who tells two data sets apart that differ in one
unit. An (epsilon, delta) is one such limit. A mechanism has a whole curve of them, and an audit may
use all at once: the claim is refuted if any is passed. For one Gaussian release with epsilon 1 at
delta 1e-5 the attacker who guesses on every canary gets 55 % of them right, while (1, 1e-5) alone
would allow him 73 %; so a clipping norm that is off by 2 is out of sight for the pair and in plain
view for the curve.

The price: a bound against a curve says "no mechanism of this shape with an epsilon up to *lower*
does that". As evidence against the claimed noise, rate and steps it is as good as any.

References:
    J. Dong, A. Roth, W. J. Su, "Gaussian differential privacy", JRSS-B 2022, arXiv:1905.02383.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from voxguard.errors import ConfigurationError
from voxguard.models.optional import optional
from voxguard.privacy.accounting import Mechanism, epsilon

_MOST_EPSILON = 50.0
_GRID = 1e-3


class Family(Protocol):
    """Claims of one shape, ordered by strength: the stronger, the more may leak.

    Attributes:
        assumes: The shape, in words.
        most: The greatest strength that is looked at.
    """

    @property
    def assumes(self) -> str:
        """The shape, in words."""

    @property
    def most(self) -> float:
        """The greatest strength that is looked at."""

    def least_fpr(self, strength: float) -> Callable[[Any], Any]:
        """The curve: from true-positive rates to the least false-positive rates allowed."""

    def epsilon(self, strength: float, delta: float) -> float:
        """Epsilon of the claim at a delta."""


@dataclass(frozen=True)
class ApproximateDP:
    """(epsilon, delta)-DP and nothing else; its strength is epsilon.

    Args:
        delta: 0 to below 1.

    Example:
        >>> from voxguard.privacy.audit_families import ApproximateDP
        >>> round(float(ApproximateDP(0.0).least_fpr(1.0)(0.5)), 3)
        0.184
    """

    delta: float

    @property
    def assumes(self) -> str:
        """Nothing about the mechanism."""
        return ""

    @property
    def most(self) -> float:
        """Epsilon 50."""
        return _MOST_EPSILON

    def least_fpr(self, strength: float) -> Callable[[Any], Any]:
        """Both directions: what adding a unit may change, and what taking it away may."""
        ratio, delta = math.exp(strength), self.delta

        def curve(tpr: Any) -> Any:
            adding, removing = (tpr - delta) / ratio, 1.0 - delta - ratio * (1.0 - tpr)
            return np.maximum(0.0, np.maximum(adding, removing))

        return curve

    def epsilon(self, strength: float, delta: float) -> float:
        """The strength itself.

        Raises:
            ConfigurationError: Another delta than the claim's.
        """
        if delta != self.delta:
            raise ConfigurationError(f"the claim is at delta {self.delta}, asked for {delta}")
        return strength


@dataclass(frozen=True)
class Releases:
    """The claimed releases with their noise divided by the strength; a strength of 1 is the claim.

    A strength of 2 is what a trainer gives whose noise is half of what it should be, or whose
    clipping lets through twice as much.

    Args:
        mechanisms: What the trainer is said to be.

    Raises:
        ConfigurationError: No release at all, or one without noise, against which nothing can be
            found.

    Example:
        >>> from voxguard.privacy import Mechanism
        >>> from voxguard.privacy.audit_families import Releases
        >>> claim = Releases((Mechanism(noise_multiplier=4.0, sampling_rate=1.0, steps=1),))
        >>> [round(claim.epsilon(strength, 1e-5), 2) for strength in (1, 2, 4)]
        [0.93, 1.99, 4.38]
    """

    mechanisms: Sequence[Mechanism]

    def __post_init__(self) -> None:
        object.__setattr__(self, "mechanisms", tuple(self.mechanisms))
        if not any(one.steps for one in self.mechanisms):
            raise ConfigurationError("there is nothing to audit: no step was taken")
        if any(one.noise_multiplier <= 0 for one in self.mechanisms if one.steps):
            raise ConfigurationError(
                "without noise epsilon is infinite, and no audit can contradict that; train with "
                "the noise multiplier that is to be audited"
            )

    @property
    def assumes(self) -> str:
        """The shape of the claim."""
        return "the claimed releases, with noise of any size"

    @property
    def most(self) -> float:
        """Noise eight times too small; beyond that the bound says no more."""
        return 8.0

    def least_fpr(self, strength: float) -> Callable[[Any], Any]:
        """The curve of the releases; exact without sampling, else the PLD's, on the safe side."""
        if strength == 0.0:
            return lambda tpr: tpr
        if all(one.sampling_rate == 1.0 for one in self.mechanisms):
            return _gaussian_curve(strength * self._mu())
        slopes, cuts = _lines(tuple(self._scaled(strength)), _GRID * max(1.0, strength) ** 2)

        def curve(tpr: Any) -> Any:
            lines = np.multiply.outer(np.asarray(tpr, dtype=np.float64), slopes) + cuts
            return np.maximum(0.0, lines.max(axis=-1))

        return curve

    def epsilon(self, strength: float, delta: float) -> float:
        """By the accountant, as for the claim."""
        return epsilon(self._scaled(strength), delta)

    def _mu(self) -> float:
        """Distance of two Gaussians as hard to tell apart as all the full releases together."""
        return math.sqrt(sum(one.steps / one.noise_multiplier**2 for one in self.mechanisms))

    def _scaled(self, strength: float) -> list[Mechanism]:
        return [
            Mechanism(one.noise_multiplier / strength, one.sampling_rate, one.steps)
            for one in self.mechanisms
        ]


def _gaussian_curve(mu: float) -> Callable[[Any], Any]:
    from scipy.special import ndtr, ndtri

    return lambda tpr: ndtr(ndtri(tpr) - mu)


@lru_cache(maxsize=256)
def _lines(mechanisms: tuple[Mechanism, ...], grid: float) -> tuple[Any, Any]:
    """The curve as the maximum of straight lines ``slope * tpr + cut``, two for each epsilon."""
    pld = optional("dp_accounting.pld.privacy_loss_distribution", "dp", "an audit of sampled steps")
    composed: Any = None
    for one in mechanisms:
        release = pld.from_gaussian_mechanism(
            one.noise_multiplier,
            sampling_prob=one.sampling_rate,
            value_discretization_interval=grid,
        ).self_compose(one.steps)
        composed = release if composed is None else composed.compose(release)
    # Close together near 0, where most guesses are decided; any choice of points is safe.
    epsilons = np.concatenate([[0.0], np.geomspace(1e-3, _MOST_EPSILON, 200)])
    deltas = np.asarray(composed.get_delta_for_epsilon(epsilons), dtype=np.float64)
    ratio = np.exp(epsilons)
    slopes = np.concatenate([1 / ratio, ratio])
    cuts = np.concatenate([-deltas / ratio, 1.0 - deltas - ratio])
    return slopes, cuts
