"""Chooses what renders McAdams frames: the compiled kernel where there is one, else numpy.

``VOXGUARD_KERNEL`` names another one, for tests and measurements: ``numpy``, ``sse4``,
``avx2`` or ``avx512``. Live voice conversion is compiled for the last two.
"""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from voxguard.arrays import Samples
from voxguard.dsp import mcadams
from voxguard.dsp.mcadams import Array, Plan
from voxguard.errors import ConfigurationError

try:
    _kernel: Any = import_module("voxguard.dsp._kernel")
except ImportError:  # built only where a compiler was at hand
    _kernel = None

NUMPY = "numpy"


def available() -> list[str]:
    """Names of the kernels that run here, the fastest first; ``numpy`` is always there."""
    return [*(_kernel.available() if _kernel else ()), NUMPY]


@cache
def name() -> str:
    """The kernel in use.

    Raises:
        ConfigurationError: ``VOXGUARD_KERNEL`` names one that does not run here.
    """
    chosen = os.environ.get("VOXGUARD_KERNEL") or available()[0]
    if chosen not in available():
        raise ConfigurationError(f"VOXGUARD_KERNEL={chosen}, but here run {', '.join(available())}")
    return chosen


def batch() -> int:
    """How many frames are best rendered at once.

    For numpy many, to amortise its calls; for the compiled kernel what stays in the cache.
    """
    return mcadams.BLOCK if name() == NUMPY else 384


def overlap_add(samples: Samples, plan: Plan, out: Array, *, kernel: str | None = None) -> None:
    """Render all whole frames of a signal, the first at sample 0, and add them to ``out``.

    Args:
        samples: ``(n,)`` float32.
        plan: The frames and what is done to them.
        out: ``(n,)`` float64, added to.
        kernel: One of :func:`available`; by default :func:`name`.
    """
    frames = plan.count(len(samples))
    if frames == 0:
        return
    chosen = kernel or name()
    left = np.ones(frames, dtype=np.uint8)
    if chosen != NUMPY:
        _kernel.overlap_add(
            chosen,
            np.ascontiguousarray(samples, dtype=np.float32),
            plan.analysis,
            plan.synthesis,
            plan.floor,
            plan.hop,
            plan.order,
            plan.sections,
            plan.section_order,
            plan.coefficient,
            plan.stretch,
            plan.keep_level,
            out,
            left,
        )
    mcadams.overlap_add(samples, plan, out, np.flatnonzero(left))
