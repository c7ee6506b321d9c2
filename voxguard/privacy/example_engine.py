"""Gradients of single examples, many in one backward pass, by the hooks of Opacus."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from opacus.grad_sample import GradSampleHooks
from torch import Tensor, nn

from voxguard.errors import ConfigurationError
from voxguard.privacy.engines import create_engine
from voxguard.privacy.engines.buffers import KeptBuffers
from voxguard.privacy.preflight import UnsafeModelError, preflight
from voxguard.privacy.preflight_subject import clone

__all__ = ["Hooks", "check", "joined"]

Loss = Callable[[nn.Module, Any], Tensor]

_TOLERANCE = 1e-3  # relative; in single precision they agree to 1e-5
_LEFT_BY_OPACUS = ("activations", "max_batch_len")


class Hooks:
    """An engine of :class:`~voxguard.privacy.SpeakerDP` whose units are single examples.

    The hooks are on the model only while a gradient is computed.

    Args:
        model: What is trained; see :func:`check`.
        loss: Losses ``(n,)`` of a model on a batch, or their mean.
        at_once: Most examples of one backward pass.
    """

    def __init__(self, model: nn.Module, loss: Loss, at_once: int) -> None:
        self.at_once = at_once
        self._model = model
        self._loss = loss
        self._buffers = KeptBuffers(model)

    def gradients(self, batches: Sequence[Any]) -> tuple[Tensor, list[Tensor]]:
        """Losses ``(B,)`` and gradients ``(B, ...)`` of ``B`` examples, a batch of one each.

        Raises:
            UnsafeModelError: Opacus cannot give them.
        """
        count = len(batches)
        parameters = [p for p in self._model.parameters() if p.requires_grad]
        with self._buffers.as_they_are(), torch.enable_grad(), self._hooked():
            losses = self._loss(self._model, joined(batches))
            if losses.dim() and losses.shape != (count,):
                raise ConfigurationError(
                    f"loss= gives one loss an example or their mean; got {tuple(losses.shape)} "
                    f"for {count} examples"
                )
            losses = losses if losses.dim() else losses.expand(count)
            losses.sum().backward()  # type: ignore[no-untyped-call]
            return losses.detach(), [_of_each(p, count) for p in parameters]

    @contextmanager
    def _hooked(self) -> Iterator[None]:
        try:
            hooks = GradSampleHooks(self._model, loss_reduction="sum")
        except NotImplementedError as error:
            raise UnsafeModelError(f"Opacus cannot train this model: {error}") from None
        try:
            with warnings.catch_warnings():  # data do not require a gradient, and need not
                warnings.filterwarnings("ignore", "Full backward hook is firing", UserWarning)
                yield
        finally:
            hooks.cleanup()
            for module in self._model.modules():
                for name in _LEFT_BY_OPACUS:
                    vars(module).pop(name, None)
            for parameter in self._model.parameters():
                parameter.grad = None


def check(model: nn.Module, loss: Loss, batches: Sequence[Any]) -> None:
    """Refuse what would make gradients of single examples wrong.

    First :func:`~voxguard.privacy.preflight` of the model on what the loss calls it with. Then the
    loss as well: the gradients of a few examples together have to be those of each by itself. A
    loss that compares examples with each other, or whose mean is a weighted one, fails.

    Args:
        model: Stays as it is.
        loss: As in :class:`Hooks`. Torch's global generator is seeded for it.
        batches: 2 to 8 different examples, a batch of one each.

    Raises:
        UnsafeModelError: Lists what is wrong.
    """
    if called := _called_with(model, loss, joined(batches), len(batches)):
        preflight(model, called, engine="hooks").raise_if_bad()
    copied = clone(model)
    for module in copied.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.p = 0.0
    together, alone = (
        Hooks(copied, loss, len(batches)),
        create_engine("microbatch", copied, loss),
    )
    torch.manual_seed(0)
    found = together.gradients(batches)[1]
    each = [alone.gradients([batch])[1] for batch in batches]
    again = alone.gradients(batches[:1])[1]
    if any(not torch.equal(a, b) for a, b in zip(each[0], again, strict=True)):
        return  # it draws: there is nothing to compare, and preflight has looked at the model
    true = [torch.cat(parts) for parts in zip(*each, strict=True)]
    off = _norm([a - b for a, b in zip(found, true, strict=True)]) / _norm(true).clamp_min(1e-30)
    if not bool((off <= _TOLERANCE).all()):
        raise UnsafeModelError(
            f"the gradient of an example changes by {float(off.max()):.2g} of it with the others "
            "that are in the batch, so clipping does not bound what one example does. Is the loss "
            "a plain mean over examples? Give (n,) losses, one each, without weights and without "
            "comparing examples with each other"
        )


def joined(batches: Sequence[Any]) -> Any:
    """Batches of one example each as one: tensors are joined along the first axis.

    Args:
        batches: Each a tensor, or tuples, lists and dictionaries of them.

    Raises:
        ConfigurationError: They differ in shape or structure, or hold something else.

    Example:
        >>> import torch
        >>> from voxguard.privacy.example_engine import joined
        >>> one = torch.zeros(1, 80), torch.tensor([3])
        >>> x, y = joined([one, (torch.ones(1, 80), torch.tensor([7]))])
        >>> x.shape, y.tolist()
        (torch.Size([2, 80]), [3, 7])
    """
    first = batches[0]
    if isinstance(first, Tensor):
        shapes = sorted({tuple(batch.shape) for batch in batches if isinstance(batch, Tensor)})
        if len(shapes) > 1 or shapes[0][:1] != (1,):
            raise ConfigurationError(
                f"collate= makes of one example tensors of shape (1, ...), the same for all; got "
                f"{shapes}: cut or pad to a fixed length. Padding to the longest of a batch would "
                "let an example change the gradients of others"
            )
        return torch.cat(list(batches))
    if isinstance(first, tuple | list):
        parts = [joined(part) for part in zip(*batches, strict=True)]
        return getattr(type(first), "_make", type(first))(parts)
    if isinstance(first, dict):
        return {name: joined([batch[name] for batch in batches]) for name in first}
    raise ConfigurationError(
        f"a batch is made of tensors, however nested; collate= gave {type(first).__name__} in one"
    )


def _of_each(parameter: nn.Parameter, count: int) -> Tensor:
    """``(count, ...)``; zeros for a parameter that the loss does not depend on."""
    found = getattr(parameter, "grad_sample", None)
    if isinstance(found, list):
        found = torch.cat(found)
    if found is None and parameter.grad is None:
        return torch.zeros(count, *parameter.shape, device=parameter.device, dtype=parameter.dtype)
    if found is None or found.shape != (count, *parameter.shape):
        got = "nothing" if found is None else tuple(found.shape)
        raise UnsafeModelError(
            f"Opacus gives {got} for a parameter of shape {tuple(parameter.shape)} and {count} "
            "examples: its layer is in eval(), is called in another way than as a layer, or has "
            "its batch on another axis. Put it into train(), freeze it by requires_grad_(False), "
            "or take SpeakerDP with one utterance a speaker, which can train anything"
        )
    own: Tensor = found.detach()
    return own


def _called_with(model: nn.Module, loss: Loss, batch: Any, count: int) -> tuple[Any, ...] | None:
    """What the loss calls the model with; None if it is not tensors by position."""
    calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
    copied = clone(model)
    copied.register_forward_pre_hook(lambda _, *given: calls.append(given), with_kwargs=True)
    loss(copied, batch)
    if len(calls) != 1 or calls[0][1] or not calls[0][0]:
        return None
    inputs = calls[0][0]
    return inputs if all(isinstance(x, Tensor) and len(x) == count for x in inputs) else None


def _norm(gradients: Sequence[Tensor]) -> Tensor:
    """``(B,)`` norms of whole gradients."""
    squares = [gradient.double().flatten(1).square().sum(1) for gradient in gradients]
    return torch.stack(squares).sum(0).sqrt().nan_to_num(nan=math.inf)
