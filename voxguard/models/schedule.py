"""Learning rates over the steps of a training."""

from __future__ import annotations

import math


def warmup_cosine(step: int, steps: int, *, warmup: float = 0.08) -> float:
    """Linear rise, then half a cosine down to 0 (Loshchilov & Hutter 2017).

    Args:
        step: From 0.
        steps: How many there are.
        warmup: Fraction of the steps over which it rises.

    Returns:
        A factor from 0 to 1 on the learning rate.

    Example:
        >>> from voxguard.models.schedule import warmup_cosine
        >>> [round(warmup_cosine(step, 100, warmup=0.1), 2) for step in (0, 9, 55, 99)]
        [0.1, 1.0, 0.5, 0.0]
    """
    rise = max(1, round(warmup * steps))
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1.0 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def triangular(step: int, half_cycle: int, *, low: float, high: float) -> float:
    """Cyclic learning rate (Smith 2017): up from low to high in half a cycle, and down again.

    Args:
        step: From 0.
        half_cycle: Steps from low to high.
        low: Least rate.
        high: Greatest rate.

    Example:
        >>> from voxguard.models.schedule import triangular
        >>> [triangular(step, 2, low=0.0, high=1.0) for step in range(6)]
        [0.0, 0.5, 1.0, 0.5, 0.0, 0.5]
    """
    place = abs((step / half_cycle) % 2.0 - 1.0)
    return low + (high - low) * (1.0 - place)
