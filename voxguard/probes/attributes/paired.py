"""How much less often a protected system is right, on the same clips."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from voxguard.metrics import Interval, bootstrap_groups
from voxguard.probes.attributes.exact import mcnemar

Clip = tuple[str, str]  # speaker, clip


def paired_drop(
    raw: Mapping[Clip, bool],
    protected: Mapping[Clip, bool],
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[Interval, float | None]:
    """Accuracy on raw clips minus accuracy on protected ones, and McNemar's exact p-value.

    Args:
        raw: ``(speaker, clip)`` to whether the answer is right.
        protected: The same of the protected clips. Clips of one side only are left out.
        resamples: Of the interval over speakers.
        seed: Of the interval.

    Returns:
        The difference and the p-value, which takes clips for independent; where one speaker has
        many, believe the interval. None, with the reason in the interval, if no clip is on both
        sides.

    Example:
        >>> from voxguard.probes.attributes.paired import paired_drop
        >>> raw = {("a", "1"): True, ("b", "2"): True}
        >>> drop, p = paired_drop(raw, {("a", "1"): False, ("b", "2"): True})
        >>> drop.value, p
        (0.5, 1.0)
    """
    clips = [clip for clip in raw if clip in protected]
    if not clips:
        why = "no clip has an answer both raw and protected"
        return Interval(None, None, None, 0, 0, why=why), None
    lost = np.array([float(raw[clip]) - float(protected[clip]) for clip in clips])
    speakers = [speaker for speaker, _ in clips]
    interval = bootstrap_groups(np.mean, lost, speakers, seed=seed, resamples=resamples)
    return interval, mcnemar(int((lost > 0).sum()), int((lost < 0).sum()))
