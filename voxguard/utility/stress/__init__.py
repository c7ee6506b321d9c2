"""What the world does to a recording before an attacker or a recogniser gets it.

Every axis is a pure function ``(samples, sample_rate, rng) -> samples`` that keeps length, rate and
alignment, so that a figure can be taken with and without it.
"""

from voxguard.utility.stress.axes import StressAxis, stress_axes, stress_axis

__all__ = ["StressAxis", "stress_axes", "stress_axis"]
