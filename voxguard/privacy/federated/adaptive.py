"""A clipping norm that follows a quantile of the clients' update norms, privately."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from voxguard.errors import ConfigurationError


@dataclass(frozen=True)
class AdaptiveClipping:
    r"""Move the clipping norm until the wanted share of the updates fits below it.

    Each client adds one bit: 1 if its update was **not** clipped. Bits are summed about their
    middle (:math:`b_i - 1/2`, so that one client more or less moves the sum by 1/2), noised, and
    divided by the fixed expected cohort, as the updates are:

    .. math::
        \tilde b = \tfrac12 + \frac{1}{qN}\Bigl(\sum_i (b_i - \tfrac12) +
        \mathcal{N}(0, \sigma_b^2)\Bigr), \qquad
        C \leftarrow C \exp\bigl(-\eta (\tilde b - \gamma)\bigr)

    If more fit than wanted the norm shrinks, else it grows. The bits are a release too. It is paid
    for out of the same noise multiplier :math:`\sigma`: the updates are noised with
    :math:`\sigma_\Delta = (\sigma^{-2} - (2\sigma_b)^{-2})^{-1/2}`, a little more, and both
    together are one Gaussian mechanism of multiplier :math:`\sigma`, so the ledger needs to know of
    no more than that. Clients who drop out pull the estimate towards 1/2.

    Args:
        quantile: Share of updates that are to stay unclipped, above 0 and below 1.
        rate: How fast the norm moves.
        bit_noise: Standard deviation of the noise on the sum of bits; by default a twentieth of the
            expected cohort, and no less than the noise multiplier (it has to be more than half).

    Raises:
        ConfigurationError: A value outside of its range.

    References:
        G. Andrew, O. Thakkar, H. B. McMahan, S. Ramaswamy, "Differentially private learning with
        adaptive clipping", NeurIPS 2021, algorithm 1 and theorem 1.

    Example:
        >>> updates, bits = AdaptiveClipping().split(1.0, expected_cohort=100)
        >>> round(updates, 4), bits
        (1.005, 5.0)
    """

    quantile: float = 0.5
    rate: float = 0.2
    bit_noise: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.quantile < 1:
            raise ConfigurationError(f"quantile lies between 0 and 1, got {self.quantile}")
        if not 0 < self.rate < math.inf:
            raise ConfigurationError(f"rate takes a number above 0, got {self.rate}")
        if self.bit_noise is not None and not 0 <= self.bit_noise < math.inf:
            raise ConfigurationError(f"bit_noise takes 0 or more, got {self.bit_noise}")

    def split(self, noise_multiplier: float, expected_cohort: float) -> tuple[float, float]:
        """Noise multiplier of the updates, and standard deviation on the sum of bits.

        Args:
            noise_multiplier: Of both releases together.
            expected_cohort: Sampling rate times population.

        Raises:
            ConfigurationError: So little noise on the bits alone takes more than is allowed in all.
        """
        if noise_multiplier == 0:
            return 0.0, self.bit_noise or 0.0
        bits = self.bit_noise
        if bits is None:
            bits = max(expected_cohort / 20, noise_multiplier)
        if 2 * bits <= noise_multiplier:
            raise ConfigurationError(
                f"bit_noise is {bits:g}; with noise multiplier {noise_multiplier:g} it takes more "
                f"than {noise_multiplier / 2:g}, or the bits alone reveal more than is accounted"
            )
        return (noise_multiplier**-2 - (2 * bits) ** -2) ** -0.5, bits

    def moved(
        self,
        clipping_norm: float,
        centred_bits: float,
        *,
        deviation: float,
        denominator: float,
        generator: np.random.Generator,
    ) -> float:
        """The clipping norm of the next round.

        Args:
            clipping_norm: That of this round.
            centred_bits: Sum over the replies of the bit less 1/2.
            deviation: Of the noise on that sum, from :meth:`split`.
            denominator: Expected cohort.
            generator: Of the noise.

        Example:
            >>> adaptive = AdaptiveClipping(quantile=0.5, rate=0.2)
            >>> g = np.random.default_rng(0)
            >>> nobody_clipped = adaptive.moved(5.0, 4.0, deviation=0, denominator=8, generator=g)
            >>> all_clipped = adaptive.moved(5.0, -4.0, deviation=0, denominator=8, generator=g)
            >>> round(nobody_clipped, 3), round(all_clipped, 3)
            (4.524, 5.526)
        """
        noised = centred_bits + deviation * float(generator.standard_normal())
        unclipped = 0.5 + noised / denominator
        return clipping_norm * math.exp(-self.rate * (unclipped - self.quantile))
