"""Batches of tensors, however nested: stacked, moved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from voxguard.errors import ConfigurationError

__all__ = ["moved", "stacked"]


def stacked(batches: Sequence[Any]) -> Any:
    """The same structure, each tensor with a first axis over the batches.

    Args:
        batches: Each a tensor, or tuples, lists and dictionaries of them.

    Raises:
        ConfigurationError: They differ in shape or structure, or hold something else.

    Example:
        >>> import torch
        >>> from voxguard.privacy.engines.batches import stacked
        >>> x, y = stacked([(torch.zeros(4, 80), torch.zeros(4))] * 2)
        >>> x.shape, y.shape
        (torch.Size([2, 4, 80]), torch.Size([2, 4]))
    """
    first = batches[0]
    if isinstance(first, Tensor):
        shapes = sorted({tuple(batch.shape) for batch in batches if isinstance(batch, Tensor)})
        if len(shapes) > 1:
            raise ConfigurationError(
                f"the vectorised engine takes batches of equal shapes, got {shapes}: let collate= "
                'cut or pad to one length, or take engine="microbatch"'
            )
        return torch.stack(list(batches))
    if isinstance(first, tuple | list):
        lengths = sorted({len(batch) for batch in batches})
        if len(lengths) > 1:
            raise ConfigurationError(f"the batches hold {lengths} parts; they take equally many")
        return _rebuilt(first, [stacked(parts) for parts in zip(*batches, strict=True)])
    if isinstance(first, dict):
        return {name: stacked([batch[name] for batch in batches]) for name in first}
    raise ConfigurationError(
        f"the vectorised engine takes batches of tensors, got {type(first).__name__} in one: let "
        'collate= make a tensor of it, or take engine="microbatch"'
    )


def moved(batch: Any, device: Any) -> Any:
    """The same structure, each tensor on the device; whatever is no tensor stays.

    Example:
        >>> import torch
        >>> from voxguard.privacy.engines.batches import moved
        >>> moved({"x": torch.zeros(2), "names": ["a", "b"]}, "cpu")
        {'x': tensor([0., 0.]), 'names': ['a', 'b']}
    """
    return _mapped(lambda tensor: tensor.to(device), batch)


def _mapped(change: Callable[[Tensor], Tensor], batch: Any) -> Any:
    if isinstance(batch, Tensor):
        return change(batch)
    if isinstance(batch, tuple | list):
        return _rebuilt(batch, [_mapped(change, part) for part in batch])
    if isinstance(batch, dict):
        return {name: _mapped(change, part) for name, part in batch.items()}
    return batch


def _rebuilt(like: Any, parts: list[Any]) -> Any:
    """A tuple, named tuple or list of the parts."""
    return getattr(type(like), "_make", type(like))(parts)
