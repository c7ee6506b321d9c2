"""Rates of one table of answers: true classes by what was answered.

A table is ``(k, m + 2)``: a row for each class that occurs, a column for each class that may be
answered, those that occur first and in the rows' order, then refused and unparsable.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from voxguard.metrics import advantage

Counts = npt.NDArray[np.float64]
Rate = Callable[[Counts], "float | None"]


def answered(counts: Counts) -> Counts:
    """The part of a table that names a class.

    Example:
        >>> import numpy as np
        >>> from voxguard.probes.attributes.rates import accuracy, answered, right_of_answered
        >>> table = np.array([[3.0, 1.0, 0.0, 0.0], [0.0, 2.0, 2.0, 0.0]])
        >>> accuracy(table), round(right_of_answered(answered(table)), 3)
        (0.625, 0.833)
    """
    return counts[:, :-2]


def share(part: float, whole: float) -> float | None:
    """A part of a whole; None where there is no whole."""
    return float(part / whole) if whole > 0 else None


def accuracy(counts: Counts) -> float | None:
    """Share of right answers; None where none names a class: to refuse all is not to be wrong."""
    if not answered(counts).any():
        return None
    return share(float(np.trace(counts)), float(counts.sum()))


def right_of_answered(said: Counts) -> float | None:
    """Share of right ones among answers that name a class."""
    return share(float(np.trace(said)), float(said.sum()))


def balanced(counts: Counts) -> float | None:
    """Mean share of right answers over the classes; None where one of them has no answer."""
    of_class = counts.sum(axis=1)
    if not of_class.all() or not answered(counts).any():
        return None
    return float(np.mean(counts.diagonal() / of_class))


def above(score: float | None, blind: float | None, *, certain: bool = False) -> float | None:
    """The advantage; 0 over a baseline that is always right, None over one class."""
    if score is None or blind is None:
        return None
    if blind >= 1.0:
        return 0.0 if certain else None
    return advantage(score, blind)


def entropy_bits(counts: Counts) -> float:
    """Shannon entropy of how often each class is named; too low by about (m - 1) / 1.4 n."""
    shares = counts[counts > 0] / counts.sum()
    return float(abs(shares @ np.log2(shares)))
