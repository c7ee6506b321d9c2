"""One backward pass a speaker: any model, and statistics of a batch stay within the speaker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from voxguard.privacy.engines.buffers import KeptBuffers

__all__ = ["Microbatch"]


class Microbatch:
    """A loop over speakers.

    Batch normalisation is legal: what it averages over is one speaker, and its running statistics
    stay as they are.

    Args:
        model: What is trained.
        loss: The mean loss of a model on a batch, a scalar.
    """

    at_once: ClassVar[int] = 1

    def __init__(self, model: nn.Module, loss: Callable[[nn.Module, Any], Tensor]) -> None:
        self._model = model
        self._loss = loss
        self._parameters = [p for p in model.parameters() if p.requires_grad]
        self._buffers = KeptBuffers(model)

    def gradients(self, batches: Sequence[Any]) -> tuple[Tensor, list[Tensor]]:
        """Loss ``(1,)`` and gradients ``(1, ...)`` of one speaker; see the package."""
        (batch,) = batches
        with self._buffers.as_they_are(), torch.enable_grad():
            loss = self._loss(self._model, batch)
            gradients = torch.autograd.grad(
                loss, self._parameters, allow_unused=True, materialize_grads=True
            )
        return loss.detach().reshape(1), [gradient.unsqueeze(0) for gradient in gradients]
