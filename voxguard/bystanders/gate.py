"""When a gate is open, and how it opens and closes without a click."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def gated(scores: npt.ArrayLike, *, opens: float, closes: float, guard: int = 0) -> Flags:
    """Where a gate with hysteresis is open.

    It opens where a score reaches ``opens`` and closes where one falls below ``closes``; then its
    open stretches lose ``guard`` frames at either end. It is shut where a score is NaN: what
    cannot be judged is not let through.

    Args:
        scores: ``(n,)`` a frame's likeness, higher is more alike.
        opens: The higher threshold.
        closes: The lower one.
        guard: Frames that are shut beside every frame that is.

    Returns:
        ``(n,)``.

    Example:
        >>> from voxguard.bystanders import gated
        >>> gated([1, 3, 2, 1, 2, 3, 3], opens=3, closes=2).astype(int)
        array([0, 1, 1, 0, 0, 1, 1])
        >>> gated([3, 3, 3, 1, 3, float("nan")], opens=3, closes=2, guard=1).astype(int)
        array([1, 1, 0, 0, 0, 0])
    """
    values = np.asarray(scores, dtype=np.float64)
    is_open = np.zeros(len(values), np.bool_)
    now = False
    for at, value in enumerate(values):
        now = bool(value >= (closes if now else opens))
        is_open[at] = now
    if not is_open.any():
        return is_open
    shut = np.pad(~is_open, guard)  # the recording's ends shut nothing
    near = np.lib.stride_tricks.sliding_window_view(shut, 2 * guard + 1)
    beside = np.asarray(near.any(axis=1))
    return ~beside


def ramps(is_open: Flags, edges: npt.NDArray[np.int64], fade: int) -> npt.NDArray[np.float32]:
    """Weights of the samples: 1 where the gate is open, 0 where it is shut.

    The ramps lie within the open stretches, so that nothing of a shut frame is heard.

    Args:
        is_open: ``(frames,)``.
        edges: ``(frames + 1,)`` first samples of the frames, and the length.
        fade: Samples of a ramp; a stretch of less than two ramps gets shorter ones.

    Returns:
        ``(length,)`` 0 to 1.

    Example:
        >>> import numpy as np
        >>> from voxguard.bystanders import ramps
        >>> ramps(np.array([False, True]), np.array([0, 2, 8]), 2).round(2)
        array([0.  , 0.  , 0.25, 0.75, 1.  , 1.  , 1.  , 1.  ], dtype=float32)
    """
    length = int(edges[-1])
    weights = np.zeros(length, np.float32)
    change = np.flatnonzero(np.diff(np.pad(is_open, 1).astype(np.int8)))
    for first, last in change.reshape(-1, 2):
        start, stop = int(edges[first]), int(edges[last])
        weights[start:stop] = 1.0
        ramp = min(fade, (stop - start) // 2)
        rise = ((np.arange(ramp) + 0.5) / max(ramp, 1)).astype(np.float32)
        if start > 0:
            weights[start : start + ramp] = rise
        if stop < length:
            weights[stop - ramp : stop] = rise[::-1]
    return weights
