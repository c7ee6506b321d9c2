"""From scores to log-likelihood ratios by a scale and an offset."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voxguard.errors import ConfigurationError
from voxguard.metrics.scores import Array, check_scores


@dataclass(frozen=True)
class LinearCalibration:
    """``scale * score + offset``, a natural-logarithm likelihood ratio."""

    scale: float
    offset: float

    def __call__(self, scores: npt.ArrayLike) -> Array:
        """Log-likelihood ratios of scores, in the shape of the scores."""
        return self.scale * np.asarray(scores, dtype=np.float64) + self.offset


def linear_calibration(mated: npt.ArrayLike, non_mated: npt.ArrayLike) -> LinearCalibration:
    r"""Fit a calibration by logistic regression, both kinds of pairs weighted alike.

    Minimises :func:`~voxguard.metrics.cllr.cllr` of :math:`a s + b` over :math:`a` and :math:`b`.
    Fit it on speakers other than those it is then used on, or the result flatters the attacker.
    A trace of shrinkage (1e-6 of the squared scale in units of the spread) keeps the scale finite
    where the kinds do not overlap.

    Args:
        mated: ``(n,)`` scores of mated pairs.
        non_mated: ``(m,)`` scores of non-mated pairs.

    Raises:
        ConfigurationError: See :func:`~voxguard.metrics.scores.check_scores`; or the fit did not
            settle.

    References:
        N. Brümmer et al., "Fusion of heterogeneous speaker recognition systems in the STBU
        submission for the NIST SRE 2006", IEEE TASLP, 2007.

    Example:
        >>> from voxguard.metrics import linear_calibration
        >>> linear_calibration([0.0, 1.0], [1.0, 0.0])([0.3, 0.9])
        array([0., 0.])
    """
    same, different = check_scores(mated, non_mated)
    scores = np.concatenate([same, different])
    centre, spread = float(scores.mean()), float(scores.std())
    if spread == 0.0:
        return LinearCalibration(0.0, 0.0)
    x = (scores - centre) / spread
    truth = np.concatenate([np.ones(len(same)), np.zeros(len(different))])
    weight = np.where(truth == 1, 0.5 / len(same), 0.5 / len(different))
    scale, offset = _newton(x, truth, weight)
    return LinearCalibration(scale / spread, offset - scale * centre / spread)


def _newton(x: Array, truth: Array, weight: Array, shrinkage: float = 1e-6) -> tuple[float, float]:
    design = np.stack([x, np.ones_like(x)])
    penalty = np.diag([shrinkage, 0.0])

    def cost(beta: Array) -> float:
        z = beta @ design
        loss = np.logaddexp(0.0, np.where(truth == 1, -z, z))
        return float(weight @ loss + 0.5 * beta @ penalty @ beta)

    beta = np.zeros(2)
    for _ in range(200):
        p = 0.5 * (1.0 + np.tanh(0.5 * (beta @ design)))
        gradient = design @ (weight * (p - truth)) + penalty @ beta
        curvature = (design * (weight * p * (1 - p))) @ design.T + penalty
        step = np.linalg.solve(curvature, gradient)
        length, here = 1.0, cost(beta)
        while length > 1e-8 and cost(beta - length * step) > here:
            length /= 2
        beta = beta - length * step
        if abs(gradient @ step) < 1e-16:
            return float(beta[0]), float(beta[1])
    raise ConfigurationError("the calibration did not settle; are the scores on a sane scale?")
