"""Masks of Flower's secure aggregation, from the whole of the key that they are agreed by."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from voxguard.errors import ConfigurationError
from voxguard.models.optional import optional

_WHERE = (
    "flwr.client.mod.secure_aggregation.secaggplus_mod",
    "flwr.server.workflow.secure_aggregation.secaggplus_workflow",
)
_NAME = "pseudo_rand_gen"


def mask(
    seed: bytes, num_range: int, dimensions_list: list[tuple[int, ...]]
) -> list[npt.NDArray[np.int64]]:
    """Uniform integers of 0 to below a power of two, from SHAKE-256.

    Args:
        seed: The key.
        num_range: A power of two, to 2^32.
        dimensions_list: Shapes.

    Raises:
        ConfigurationError: ``num_range`` is something else.

    Example:
        >>> mask(b"key", 2**32, [(2,), ()])
        [array([1033501207,  918416478]), array(4038733855)]
    """
    if num_range & (num_range - 1) or not 2 <= num_range <= 2**32:
        raise ConfigurationError(f"num_range takes a power of two to 2^32, got {num_range}")
    sizes = [int(np.prod(shape, dtype=np.int64)) for shape in dimensions_list]
    stream = hashlib.shake_256(seed).digest(4 * sum(sizes))
    words = (np.frombuffer(stream, dtype="<u4") & np.uint32(num_range - 1)).astype(np.int64)
    parts = np.split(words, np.cumsum(sizes)[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, dimensions_list, strict=True)]


def strengthen() -> None:
    """Have this process's SecAgg+ use :func:`mask`.

    Flower 1.41 folds the key of 32 bytes into 32 bits and seeds a Mersenne twister. The server
    knows each client's own mask in the end, and of what lies under the masks it knows the weight;
    what keeps an update secret are then a few numbers of 32 bits. All parties have to do the same:
    the mod and the strategy of this package both call this.

    Raises:
        ConfigurationError: This version of Flower keeps its generator elsewhere.
        MissingExtraError: Flower is not installed.
    """
    for name in _WHERE:
        module = optional(name, "fl", "secure aggregation")
        if not hasattr(module, _NAME):
            raise ConfigurationError(
                f"{name} has no {_NAME}; secure aggregation is written for Flower 1.41"
            )
        setattr(module, _NAME, mask)
