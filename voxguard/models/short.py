"""Recordings that are too short for a network to slide over."""

from __future__ import annotations

import numpy as np

from voxguard.arrays import Samples

LEAST_SAMPLES = 8_000  # half a second at 16 kHz


def repeated(samples: Samples, least: int = LEAST_SAMPLES) -> Samples:
    """Samples over and over until there are enough.

    Example:
        >>> import numpy as np
        >>> from voxguard.models.short import repeated
        >>> repeated(np.arange(3, dtype=np.float32), 5)
        array([0., 1., 2., 0., 1.], dtype=float32)
    """
    return samples if samples.size >= least else np.resize(samples, least)
