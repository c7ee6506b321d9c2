"""Buffers of a model, kept as they are while private data passes through."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

__all__ = ["KeptBuffers"]


class KeptBuffers:
    """Puts back the buffers that a forward pass changes.

    The running statistics of batch normalisation, for one: they would carry what a speaker said
    past the clipping, into the model and into the next speaker's gradient.

    Args:
        model: Whose buffers are kept.

    Example:
        >>> import torch
        >>> from voxguard.privacy.engines.buffers import KeptBuffers
        >>> layer = torch.nn.BatchNorm1d(2)
        >>> kept = KeptBuffers(layer)
        >>> with kept.as_they_are():
        ...     output = layer(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
        >>> layer.running_mean.tolist(), output[0].round().tolist()
        ([0.0, 0.0], [-1.0, -1.0])
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model

    @contextmanager
    def as_they_are(self) -> Iterator[None]:
        """While this is open the buffers may change; afterwards they are as before."""
        kept = [
            (module, {name: _Kept(buffer) for name, buffer in module._buffers.items()})
            for module in self._model.modules()
        ]
        try:
            yield
        finally:
            for module, buffers in kept:
                module._buffers.clear()  # of new ones, too
                module._buffers.update({name: one.as_it_was() for name, one in buffers.items()})


class _Kept:
    """A buffer and its values."""

    def __init__(self, buffer: Tensor | None) -> None:
        self._buffer = buffer
        # In any case: batch normalisation writes without a trace in the tensor's version.
        self._values = None if buffer is None else buffer.detach().clone()

    @torch.no_grad()
    def as_it_was(self) -> Tensor | None:
        if self._buffer is not None and self._values is not None:
            self._buffer.copy_(self._values)
        return self._buffer
