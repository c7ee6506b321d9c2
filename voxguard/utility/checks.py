"""What every utility measure asks of a signal."""

from __future__ import annotations

from typing import Any

import numpy as np

from voxguard.arrays import Samples, check_finite
from voxguard.errors import UnsupportedAudioError


def one_channel(samples: Any) -> Samples:
    """Samples as ``(n,)`` float32, in an array of their own.

    Raises:
        UnsupportedAudioError: Not a one-dimensional array of floats, or an empty one.
        NonFiniteAudioError: NaN or infinity.

    Example:
        >>> import numpy as np
        >>> from voxguard.utility.checks import one_channel
        >>> one_channel(np.zeros((2, 3), np.float32))
        Traceback (most recent call last):
            ...
        voxguard.errors.UnsupportedAudioError: got float32 of shape (2, 3); accepted: floating ...
    """
    taken = np.asarray(samples)
    if taken.ndim != 1 or taken.dtype.kind != "f" or not taken.size:
        raise UnsupportedAudioError(
            f"got {taken.dtype} of shape {taken.shape}; accepted: floating point (n,), n > 0"
        )
    single: Samples = taken.astype(np.float32)
    check_finite(single)
    return single
