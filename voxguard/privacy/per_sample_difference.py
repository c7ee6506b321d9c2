"""How per-sample gradients differ from the true ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from voxguard.privacy.per_sample import Gradients

_FLOOR = 0.01  # share of the whole gradient below which a parameter is not looked at closer


@dataclass(frozen=True)
class Difference:
    """How one parameter's per-sample gradients differ from brute force.

    Attributes:
        parameter: Its dotted name.
        kind: ``"unused"``: no gradient, and none is due. ``"missing"``: none, and one is due.
            ``"rows"``: not one row an example. ``"value"``: another value, or none at all of these.
        relative: Greatest difference, relative to the true norm; infinite without a gradient.
        got: Rows, or 0.
    """

    parameter: str
    kind: Literal["unused", "missing", "rows", "value"]
    relative: float
    got: int


def differences(true: Gradients, found: Gradients) -> list[Difference]:
    """Compare parameter by parameter.

    Args:
        true: ``(n, *shape)`` each, by brute force.
        found: By the engine; ``(n,)`` for norms.
    """
    norms = {k: _norms(g) for k, g in true.items() if g is not None}
    whole = torch.stack(list(norms.values())).norm(dim=0)
    return [_difference(k, true[k], found.get(k), norm, whole) for k, norm in norms.items()]


def _difference(
    name: str, true: Tensor | None, found: Tensor | None, norm: Tensor, whole: Tensor
) -> Difference:
    if found is None or true is None:
        due = bool(norm.any())
        return Difference(name, "missing" if due else "unused", float("inf") if due else 0.0, 0)
    if len(found) != len(norm):
        return Difference(name, "rows", float("inf"), len(found))
    scale = torch.maximum(norm, _FLOOR * whole).clamp_min(torch.finfo(norm.dtype).tiny)
    off = _norms(found - true) if found.shape == true.shape else (found - norm).abs()
    relative = torch.nan_to_num(off / scale, nan=float("inf"))
    return Difference(name, "value", float(relative.max()), len(found))


def understated(true: Gradients, norms: Gradients) -> float:
    """Greatest ratio of a true whole norm to the one that ghost clipping goes by."""
    real = torch.stack([_norms(g) for g in true.values() if g is not None]).norm(dim=0)
    rows = [g for g in norms.values() if g is not None and g.shape == real.shape]
    used = torch.stack(rows).norm(dim=0) if rows else torch.zeros_like(real)
    return float((real / used).max())


def _norms(gradients: Tensor) -> Tensor:
    return gradients.flatten(1).norm(dim=1) if gradients.dim() > 1 else gradients.abs()
