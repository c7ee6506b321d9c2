"""Gaussian noise on a clipped sum, drawn and added in double precision."""

from __future__ import annotations

import torch
from torch import Tensor

from voxguard.privacy.sampling import stream, torch_seed

__all__ = ["add_gaussian"]


def add_gaussian(total: Tensor, deviation: float, key: bytes, step: int) -> None:
    """Add independent Gaussian noise to every coordinate, in place.

    The noise of a step is always the same under the same key, so that a step that is repeated
    after an interruption releases nothing new. An ordinary generator and floating point: against
    an adversary who can tell single roundings apart (Mironov, CCS 2012) this is no proof.

    Args:
        total: float64, the sum of the clipped gradients; changed.
        deviation: Standard deviation: noise multiplier times clipping norm. 0 adds nothing.
        key: Of the training.
        step: Which step it is.

    Example:
        >>> import torch
        >>> from voxguard.privacy.noise import add_gaussian
        >>> from voxguard.privacy.sampling import new_key
        >>> total = torch.zeros(10_000, dtype=torch.float64)
        >>> add_gaussian(total, 2.0, new_key(1), step=0)
        >>> abs(float(total.std()) - 2.0) < 0.1
        True
    """
    if deviation == 0.0:
        return
    if total.device.type == "cpu":
        noise = torch.from_numpy(stream(key, step, "noise").standard_normal(total.shape))
    else:
        generator = torch.Generator(total.device).manual_seed(torch_seed(key, step, "noise"))
        noise = torch.randn(
            total.shape, generator=generator, dtype=total.dtype, device=total.device
        )
    total.add_(noise, alpha=deviation)
