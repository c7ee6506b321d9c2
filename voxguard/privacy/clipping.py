"""Bound what one speaker can do to an update, and add speakers up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Clipped", "add_clipped", "clip", "scaled", "squared_norms"]

# Norms in float32 over millions of numbers come out low by 1e-4, and clip too little. So: float32
# within blocks, float64 across them.
_BLOCK = 1024
# More than what that and the scaling can round off, so that the bound itself holds.
_SLACK = 1.0 - 2.0**-18
# Columns turned to float64 at a time: memory that stays in the cache.
_COLUMNS = 1 << 16


@dataclass(frozen=True, slots=True)
class Clipped:
    """By what ``B`` gradients are to be multiplied; not private.

    Args:
        norms: ``(B,)`` in float64, before clipping; not finite where the gradient was not.
        factors: ``(B, L)`` in float64, 0 to 1, for each layer; flat, there is one of them.
        dropped: ``(B,)``, whether the gradient is not finite and counts as zero.
        sizes: Of the ``L`` layers.
    """

    norms: Tensor
    factors: Tensor
    dropped: Tensor
    sizes: list[int]


def squared_norms(rows: Tensor) -> Tensor:
    """Squared Euclidean norm of each row.

    Args:
        rows: ``(B, n)``.

    Returns:
        ``(B,)`` in float64, to about 1e-7 of it.

    Example:
        >>> import torch
        >>> from voxguard.privacy.clipping import squared_norms
        >>> squared_norms(torch.full((2, 300), 2.0)).round(decimals=3)
        tensor([1200., 1200.], dtype=torch.float64)
    """
    whole = rows.shape[1] // _BLOCK * _BLOCK
    blocks = rows[:, :whole].view(len(rows), whole // _BLOCK, _BLOCK)
    within: Tensor = torch.linalg.vector_norm(blocks, dim=2).double().square().sum(1)
    rest: Tensor = torch.linalg.vector_norm(rows[:, whole:], dim=1).double().square()
    return within + rest


def clip(rows: Tensor, clipping_norm: float, *, layers: Sequence[int] | None = None) -> Clipped:
    r"""How far gradients have to be scaled down.

    Flat, a gradient is multiplied by :math:`\min(1, C/\lVert g\rVert)`; per layer, each of the
    ``L`` by :math:`\min(1, C/(\sqrt L\,\lVert g_l\rVert))`. Either way the whole then has at most
    the norm :math:`C`. A gradient with NaN or infinity anywhere becomes zero.

    Args:
        rows: ``(B, P)``, the gradients of ``B`` speakers.
        clipping_norm: :math:`C`, above 0.
        layers: Sizes of layers that add up to ``P``, to clip each of them by itself: for models
            (large speech models are) whose layers have gradients of very different size.

    References:
        M. Abadi et al., "Deep learning with differential privacy", CCS 2016; H. B. McMahan et al.,
        "Learning differentially private recurrent language models", ICLR 2018 (per layer);
        M. Pelikan et al., "Enabling differentially private federated learning for speech
        recognition", NeurIPS 2025, arXiv:2310.00098.

    Example:
        >>> import torch
        >>> from voxguard.privacy.clipping import clip, scaled
        >>> rows = torch.tensor([[3.0, 4.0], [0.3, 0.4]])
        >>> scaled(rows, clip(rows, 1.0))
        tensor([[0.6000, 0.8000],
                [0.3000, 0.4000]])
        >>> scaled(rows, clip(rows, 0.5, layers=[1, 1]))
        tensor([[0.3536, 0.3536],
                [0.3000, 0.3536]])
    """
    sizes = list(layers or [rows.shape[1]])
    squares = torch.stack([squared_norms(part) for part in torch.split(rows, sizes, 1)], 1)
    bound = clipping_norm / math.sqrt(len(sizes)) * _SLACK
    norms, lengths = squares.sum(1).sqrt(), squares.sqrt()
    dropped = ~torch.isfinite(norms)
    factors = torch.where(lengths > bound, bound / lengths, 1.0)
    return Clipped(norms, factors.masked_fill(dropped[:, None], 0.0), dropped, sizes)


def scaled(rows: Tensor, clipped: Clipped) -> Tensor:
    """The gradients after clipping, ``(B, P)`` of the same type; a new tensor."""
    factors = clipped.factors.to(rows.dtype)
    parts = zip(torch.split(rows, clipped.sizes, 1), torch.split(factors, 1, 1), strict=True)
    short = torch.cat([part * factor for part, factor in parts], 1)
    return short.masked_fill_(clipped.dropped[:, None], 0.0)


def add_clipped(total: Tensor, rows: Tensor, clipped: Clipped) -> None:
    """Add gradients to a sum in float64, where rounding is far below what noise has to hide.

    Args:
        total: ``(P,)`` in float64; changed.
        rows: ``(B, P)``, before clipping.
        clipped: Of these rows.

    Example:
        >>> import torch
        >>> from voxguard.privacy.clipping import add_clipped, clip
        >>> total = torch.zeros(2, dtype=torch.float64)
        >>> rows = torch.tensor([[3.0, 4.0], [0.3, 0.4]])
        >>> add_clipped(total, rows, clip(rows, 1.0))
        >>> total
        tensor([0.9000, 1.2000], dtype=torch.float64)
    """
    width = min(_COLUMNS, rows.shape[1])
    scratch = torch.empty((len(rows), width), dtype=torch.float64, device=rows.device)
    some_dropped = bool(clipped.dropped.any())
    start = 0
    for size, factor in zip(clipped.sizes, clipped.factors.T, strict=True):
        end = start + size
        for first in range(start, end, width):
            last = min(first + width, end)
            doubled = scratch[:, : last - first].copy_(rows[:, first:last])
            if some_dropped:
                doubled.masked_fill_(clipped.dropped[:, None], 0.0)
            total[first:last].addmv_(doubled.T, factor)
        start = end
