"""Content in few segments: what is said, without how each moment of it was said."""

from __future__ import annotations

import heapq

import numpy as np
import numpy.typing as npt

from voxguard.models.network_numpy import STRIDE

Floats = npt.NDArray[np.float32]

CODES_A_SECOND = 100 // STRIDE


def segmented(content: Floats, per_second: float) -> Floats:
    """Each stretch of alike codes replaced by its mean.

    Neighbouring segments are merged, those first that this changes least (J. H. Ward,
    "Hierarchical grouping to optimize an objective function", JASA 58, 1963), until there are so
    many for each second as asked for. Speech has 10 to 15 phones a second: with about as many
    segments most of the words pass, and less of how each of their moments was said.

    Args:
        content: ``(k, dims)``, a code for 20 ms.
        per_second: Segments on the mean, above 0; from 50 on nothing is merged.

    Returns:
        ``(k, dims)``.

    Example:
        >>> import numpy as np
        >>> from voxguard.models.segments import segmented
        >>> content = np.float32([[0.0], [2.0], [8.0], [8.0]]).repeat(5, axis=0)
        >>> np.unique(segmented(content, 5.0))
        array([1., 8.], dtype=float32)
    """
    owner = segments(content, per_second)
    counts = np.bincount(owner)
    sums = np.add.reduceat(content, np.r_[0, np.cumsum(counts)[:-1]], axis=0, dtype=np.float64)
    means: Floats = (sums / counts[:, None]).astype(np.float32)
    return means[owner]


def segments(content: Floats, per_second: float) -> npt.NDArray[np.intp]:
    """Number of the segment of each code, ``(k,)``, from 0 on; see :func:`segmented`."""
    count = len(content)
    left, wanted = count, max(1, round(count * per_second / CODES_A_SECOND))
    sums, sizes = list(content.astype(np.float64)), [1.0] * count
    before, after = list(range(-1, count - 1)), list(range(1, count + 1))
    changes = [0] * count  # of each segment; -1 once it has been merged into the one before

    def cost(first: int, second: int) -> float:
        apart = sums[first] / sizes[first] - sums[second] / sizes[second]
        shared = sizes[first] * sizes[second] / (sizes[first] + sizes[second])
        return shared * float(apart @ apart)

    steps = np.square(np.diff(content.astype(np.float64), axis=0)).sum(axis=1) / 2.0
    queue = [(step, k, k + 1, 0, 0) for k, step in enumerate(steps.tolist())]
    heapq.heapify(queue)
    while left > wanted:
        _, first, second, *as_queued = heapq.heappop(queue)
        if as_queued != [changes[first], changes[second]]:
            continue  # one of the two has changed since
        sums[first], sizes[first] = sums[first] + sums[second], sizes[first] + sizes[second]
        changes[first], changes[second] = changes[first] + 1, -1
        after[first] = after[second]
        if after[second] < count:
            before[after[second]] = first
        for one, other in ((before[first], first), (first, after[first])):
            if one >= 0 and other < count:
                heapq.heappush(queue, (cost(one, other), one, other, changes[one], changes[other]))
        left -= 1
    starts = np.array([change >= 0 for change in changes])
    return np.cumsum(starts) - 1
