"""Two ways to the gradients of single speakers: one after the other, or many at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from torch import Tensor, nn

from voxguard.errors import UnknownNameError
from voxguard.privacy.engines.microbatch import Microbatch
from voxguard.privacy.engines.vectorised import Vectorised

__all__ = ["Engine", "create_engine"]

_ENGINES: dict[str, type[Microbatch] | type[Vectorised]] = {
    "microbatch": Microbatch,
    "vectorised": Vectorised,
}


class Engine(Protocol):
    """Gradients of a loss, a speaker at a time or several."""

    @property
    def at_once(self) -> int:
        """Most batches that one call takes."""

    def gradients(self, batches: Sequence[Any]) -> tuple[Tensor, list[Tensor]]:
        """Losses ``(B,)`` and, for each trainable parameter, gradients ``(B, ...)``, fresh."""


def create_engine(name: str, model: nn.Module, loss: Callable[[nn.Module, Any], Tensor]) -> Engine:
    """The engine that bears a name.

    Args:
        name: ``"microbatch"`` or ``"vectorised"``.
        model: What is trained.
        loss: The mean loss of a model on a batch.

    Raises:
        UnknownNameError: No engine bears that name.
        ConfigurationError: The model cannot go with it.
    """
    if name not in _ENGINES:
        raise UnknownNameError("engine", name, _ENGINES)
    return _ENGINES[name](model, loss)
