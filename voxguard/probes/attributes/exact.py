"""Exact tests of small tables.

References:
    Q. McNemar, "Note on the sampling error of the difference between correlated proportions or
    percentages", Psychometrika, 1947; R. A. Fisher, "On the interpretation of chi-squared from
    contingency tables, and the calculation of P", J. of the Royal Statistical Society, 1922.
"""

from __future__ import annotations

import math


def mcnemar(only_first: int, only_second: int) -> float:
    """Exact two-sided McNemar test: whether two systems are right equally often.

    Args:
        only_first: Clips on which only the first is right.
        only_second: Clips on which only the second is.

    Returns:
        The p-value; 1 where they never differ.

    Example:
        >>> from voxguard.probes.attributes.exact import mcnemar
        >>> mcnemar(9, 1)
        0.021484375
    """
    n, fewer = only_first + only_second, min(only_first, only_second)
    tail = sum(math.comb(n, i) for i in range(fewer + 1))
    return float(min(1.0, 2 * tail / 2**n))


def fisher(first: int, of_first: int, second: int, of_second: int) -> float:
    """Fisher's exact test, two-sided: whether two shares differ.

    Args:
        first: Hits of the one.
        of_first: Of how many.
        second: Hits of the other.
        of_second: Of how many.

    Returns:
        The p-value.

    Example:
        >>> from voxguard.probes.attributes.exact import fisher
        >>> round(fisher(0, 10, 5, 10), 4)
        0.0325
    """
    hits, n = first + second, of_first + of_second
    low, high = max(0, hits - of_second), min(hits, of_first)
    ways = [math.comb(of_first, i) * math.comb(of_second, hits - i) for i in range(low, high + 1)]
    here = ways[first - low]
    return sum(way for way in ways if way <= here) / math.comb(n, hits)
