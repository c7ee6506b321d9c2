"""Epsilon of Poisson-subsampled Gaussian releases, and the noise that an epsilon needs.

Two accountants of ``dp-accounting``: ``"pld"`` composes privacy loss distributions (the class of
Opacus' PRV: as tight as arithmetic allows), ``"rdp"`` Renyi divergences (some 10 % looser; beside
it for comparison with older work). Both round up. A Gaussian-DP accountant is not offered: its
central-limit formula comes out *below* the true epsilon.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import Any, Literal, get_args

import numpy as np

from voxguard.errors import ConfigurationError
from voxguard.models.optional import optional

__all__ = [
    "Accountant",
    "Mechanism",
    "default_delta",
    "epsilon",
    "noise_multiplier_for",
    "population_for",
]

Accountant = Literal["pld", "rdp"]

_GRID = 1e-4  # nats between two points of a privacy loss distribution, for epsilons of 1 to 4
_FINEST = 1e-7
_BEYOND = 1e6  # where an epsilon is no promise, and RDP's bound says so as well as a tighter one


@dataclass(frozen=True, slots=True)
class Mechanism:
    """So many releases, each of a sum over a Poisson sample, clipped, with Gaussian noise.

    Args:
        noise_multiplier: Standard deviation of the noise over the clipping norm; 0 for none.
        sampling_rate: Chance of each unit to be in a sample, above 0 to 1. At 1.0 there is no
            amplification: state that, too, where units are chosen in any way but independently.
        steps: Releases, 0 or more.

    Raises:
        ConfigurationError: A value is outside its range.

    Example:
        >>> from voxguard.privacy import Mechanism
        >>> Mechanism(noise_multiplier=1.0, sampling_rate=0.01, steps=1000).steps
        1000
    """

    noise_multiplier: float
    sampling_rate: float
    steps: int

    def __post_init__(self) -> None:
        if not 0.0 <= self.noise_multiplier < math.inf:
            raise ConfigurationError(
                f"noise_multiplier is finite and not negative, got {self.noise_multiplier}"
            )
        if not 0.0 < self.sampling_rate <= 1.0:
            raise ConfigurationError(
                f"sampling_rate lies above 0 and at most at 1, got {self.sampling_rate}"
            )
        if self.steps < 0 or self.steps != int(self.steps):
            raise ConfigurationError(f"steps is a whole number from 0 on, got {self.steps}")


def epsilon(
    mechanisms: Mechanism | Sequence[Mechanism], delta: float, *, accountant: Accountant = "pld"
) -> float:
    """What a training costs: the epsilon of all its releases together, under add-or-remove-one.

    Args:
        mechanisms: One, or all that saw the same units, in any order. Parameters that change on
            the way must not have been chosen by looking at the private data.
        delta: Chance in which the bound may fail, above 0 and below 1; see :func:`default_delta`.
        accountant: ``"pld"`` or ``"rdp"``.

    Returns:
        An upper bound, 0 to infinity; infinity if any release bears no noise.

    Raises:
        ConfigurationError: ``delta`` or ``accountant`` is not usable; dp-accounting is missing.

    References:
        A. Koskela et al., "Computing tight differential privacy guarantees using FFT", AISTATS
        2020; V. Doroshenko et al., "Connect the dots: tighter discrete approximations of privacy
        loss distributions", PETS 2022; I. Mironov et al., "Renyi differential privacy of the
        sampled Gaussian mechanism", 2019.

    Example:
        >>> from voxguard.privacy import Mechanism, epsilon
        >>> training = Mechanism(noise_multiplier=1.183, sampling_rate=0.1016, steps=300)
        >>> round(epsilon(training, delta=1e-4), 2)
        8.14
        >>> round(epsilon(training, delta=1e-4, accountant="rdp"), 2)
        9.08
    """
    if not 0.0 < delta < 1.0:
        raise ConfigurationError(f"delta lies between 0 and 1, got {delta}")
    if accountant not in get_args(Accountant):
        raise ConfigurationError(
            f"unknown accountant {accountant!r}; known: {', '.join(get_args(Accountant))}"
            + " (Gaussian DP comes out below the true epsilon)" * (str(accountant) == "gdp")
        )
    given = [mechanisms] if isinstance(mechanisms, Mechanism) else mechanisms
    steps: Counter[tuple[float, float]] = Counter()  # composition does not mind the order
    for one in given:
        steps[float(one.noise_multiplier), float(one.sampling_rate)] += int(one.steps)
    releases = tuple(sorted((*key, count) for key, count in steps.items() if count))
    if not releases:
        return 0.0
    if releases[0][0] == 0.0:
        return math.inf
    return _epsilon(releases, float(delta), accountant)


def noise_multiplier_for(
    epsilon: float,
    delta: float,
    *,
    sampling_rate: float,
    steps: int,
    accountant: Accountant = "pld",
) -> float:
    """The least noise multiplier with which so many steps cost at most that epsilon.

    Args:
        epsilon: The budget, above 0.
        delta: Above 0 and below 1.
        sampling_rate: Above 0 to 1.
        steps: Releases, from 1 on.
        accountant: ``"pld"`` or ``"rdp"``.

    Returns:
        The noise multiplier; 0.02 % less would not do.

    Raises:
        ConfigurationError: A value is outside its range, or no noise below 1e6 is enough.

    Example:
        >>> from voxguard.privacy import noise_multiplier_for
        >>> round(noise_multiplier_for(8.0, 1e-4, sampling_rate=0.1016, steps=300), 2)
        1.19
    """
    if not 0.0 < epsilon < math.inf:
        raise ConfigurationError(f"epsilon is finite and above 0, got {epsilon}")
    if steps < 1:
        raise ConfigurationError(f"noise is needed for 1 step or more, got {steps}")

    def excess(noise: float, by: Accountant) -> float:
        return _log(_cost(Mechanism(noise, sampling_rate, steps), delta, by) / epsilon)

    # RDP is cheap and nearly always the looser of the two: it gives the other where to start.
    noise = 1.0
    for by in dict.fromkeys(("rdp", accountant)):
        low = high = noise
        while excess(high, by) > 0:
            low, high = high, 2 * high
            if high > 1e6:
                raise ConfigurationError(f"no noise below 1e6 keeps epsilon {epsilon} here")
        while low > 1e-3 and excess(low, by) <= 0:
            low, high = low / 2, low
        noise = _root(partial(excess, by=by), low, high, 5e-5)
    while excess(noise, accountant) > 0:
        noise *= 1 + 5e-5
    return noise


def default_delta(population: int) -> float:
    r"""A delta that goes with so many units: :math:`N^{-1.1}`, just below one in a population.

    Args:
        population: Units (speakers, examples or clients) in the data, 2 or more.

    Raises:
        ConfigurationError: There are fewer than two.

    References:
        H. B. McMahan et al., "Learning differentially private recurrent language models", ICLR
        2018.

    Example:
        >>> from voxguard.privacy import default_delta
        >>> round(1 / default_delta(1000))
        1995
    """
    if population < 2:
        raise ConfigurationError(f"a population has at least 2 units, got {population}")
    return float(population**-1.1)


def population_for(
    epsilon: float,
    *,
    noise_multiplier: float,
    cohort: float,
    steps: int,
    most: int = 10**9,
    accountant: Accountant = "pld",
) -> int | None:
    """How many units it takes until a training that works becomes private: more dilute the cost.

    What decides utility, the noise beside an expected cohort, stays as it is; the sampling rate
    ``cohort / population`` falls as the population grows, and with it epsilon.

    Args:
        epsilon: The epsilon that is wanted, above 0, at the :func:`default_delta` of the answer.
        noise_multiplier: Noise over clipping norm, above 0.
        cohort: Units expected in a step, above 0.
        steps: Releases.
        most: The greatest population that is considered.
        accountant: ``"pld"`` or ``"rdp"``.

    Returns:
        The least population, from the cohort to `most`; None if not even `most` are enough.

    Raises:
        ConfigurationError: A value is outside its range.

    Example:
        >>> from voxguard.privacy import population_for
        >>> 1_100 < population_for(8.0, noise_multiplier=1.5, cohort=100, steps=1000) < 1_300
        True
    """
    if not (epsilon > 0.0 and cohort > 0.0):
        raise ConfigurationError(
            f"epsilon and cohort are above 0, got epsilon {epsilon}, cohort {cohort}"
        )

    def excess(population: int) -> float:
        rate = min(1.0, cohort / population)
        mechanism = Mechanism(noise_multiplier, rate, steps)
        return _log(_cost(mechanism, population**-1.1, accountant) / epsilon)

    return _least(excess, max(2, math.ceil(cohort)), most)


def _least(excess: Callable[[int], float], low: int, most: int) -> int | None:
    """The least whole number in a range at which a falling function is not above 0, if one is.

    Each value is costly, so it goes by straight lines between logarithms, which such functions are
    near; from below, where they cost least.
    """
    if low > most:
        return None
    excess = cache(excess)
    high = low
    while excess(high) > 0:
        if high == most:
            return None
        low, high = high, min(most, 4 * high)
    while high - low > 1:
        above, below = excess(low), excess(high)
        between = low * (high / low) ** (above / (above - below))
        tried = min(max(math.ceil(between), low + 1), high - 1)
        if excess(tried) > 0:
            low = tried
        else:
            high = tried
    return high


def _cost(mechanism: Mechanism, delta: float, accountant: Accountant) -> float:
    return epsilon(mechanism, delta, accountant=accountant)


def _log(ratio: float) -> float:
    return math.log(min(max(ratio, 1e-300), 1e300))


def _root(excess: Callable[[float], float], low: float, high: float, tolerance: float) -> float:
    """Where a falling function, of what spans orders of magnitude, passes through 0."""
    from scipy.optimize import brentq

    if excess(low) <= 0:
        return low
    lows, highs = math.log(low), math.log(high)
    root = brentq(lambda power: excess(math.exp(power)), lows, highs, xtol=tolerance)
    return math.exp(float(root))


@lru_cache(maxsize=1024)
def _epsilon(
    releases: tuple[tuple[float, float, int], ...], delta: float, accountant: Accountant
) -> float:
    purpose = "privacy accounting"
    rdp = optional("dp_accounting.rdp", "dp", purpose)
    with _quiet():
        rough = _composed(rdp.RdpAccountant(), releases, delta)
    if accountant == "rdp" or rough > _BEYOND:
        return rough
    pld = optional("dp_accounting.pld", "dp", purpose)
    # The grid follows the answer: its size, hence time and memory, stays about the same. Powers of
    # two, so that neighbouring numbers of steps share one. Any grid rounds up.
    scale = max(rough, _FINEST / _GRID)
    power = math.log2(scale) if scale < 1 else max(0.0, math.log2(scale / 4))
    grid = _GRID * 2.0 ** math.ceil(power)
    return _composed(pld.PLDAccountant(value_discretization_interval=grid), releases, delta)


def _composed(
    accountant: Any, releases: tuple[tuple[float, float, int], ...], delta: float
) -> float:
    events = optional("dp_accounting", "dp", "privacy accounting")
    for noise, rate, steps in releases:
        event = events.GaussianDpEvent(noise)
        if rate < 1.0:
            event = events.PoissonSampledDpEvent(rate, event)
        accountant.compose(event, steps)
    with np.errstate(over="ignore"):  # of a ratio of tails, where epsilon is very large: infinity
        return max(0.0, float(accountant.get_epsilon(delta)))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep in the orders at which RDP's series does not converge: they are left out, rightly."""

    def other(record: logging.LogRecord) -> bool:
        return "_compute_log_a_frac" not in str(record.msg)

    log = logging.getLogger("absl")
    log.addFilter(other)
    try:
        yield
    finally:
        log.removeFilter(other)
