"""Content averaged over segments in training, as it will be when speech is anonymized."""

from __future__ import annotations

import torch
from torch import Tensor

from voxguard.models.segments import CODES_A_SECOND, segments


def averaged(content: Tensor, per_second: Tensor) -> Tensor:
    """Each segment at its mean; gradients go to all of its codes.

    Args:
        content: ``(batch, dims, k)``.
        per_second: ``(batch,)`` segments; from 50 on all codes stay as they are.

    Returns:
        ``(batch, dims, k)``.
    """
    codes = content.detach().float().transpose(1, 2).cpu().numpy()
    made = []
    for whole, part, rate in zip(content, codes, per_second.tolist(), strict=True):
        if rate >= CODES_A_SECOND:
            made.append(whole)
            continue
        owner = torch.from_numpy(segments(part, rate)).to(content.device)
        sizes = torch.bincount(owner).to(content.dtype)
        sums = torch.zeros(len(whole), len(sizes), dtype=content.dtype, device=content.device)
        made.append((sums.index_add(1, owner, whole) / sizes)[:, owner])
    return torch.stack(made)
