"""What one example can do to another: found by exchanging one, whatever the layer is called."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from voxguard.privacy.per_sample import OPACUS, Engine, Loss, cotangents, per_sample_gradients
from voxguard.privacy.preflight_report import LOSS, MODEL, Finding
from voxguard.privacy.preflight_subject import Subject, tensors

_WHY = (
    "Then one person's data reaches the gradients of others, each clipped for itself, and the sum "
    "moves by more than the clipping norm: the epsilon that is accounted does not hold."
)


def leaking_layers(subject: Subject) -> list[str]:
    """Names of the layers in which changing one example changes another; none is good."""
    before = _watched(subject, subject.all)
    for j in subject.all:
        after = _watched(subject, subject.changed(j))
        if any(map(partial(_others_moved, subject, j), before.rows, after.rows)):
            return _culprits(subject, j, before.calls, after.calls) or [MODEL]
    return []


def mixing(layer: str) -> Finding:
    """What is said about a layer that leaks, and that no rule knows."""
    return Finding(
        layer,
        "batch-mixing",
        "error",
        f"What comes out for one example changes when another example is exchanged. {_WHY}",
        "Compute with each example alone: statistics over time or channels, not over the batch; or "
        'take speaker-level DP with engine="microbatch", where a batch is one speaker\'s.',
    )


def loss_mixes(subject: Subject, loss: Loss | None, weights: list[Tensor]) -> list[Finding]:
    """Whether a loss of one example depends on the output of another; the model does not leak."""
    if loss is None:
        return []
    for j in subject.all:
        output = subject.called(subject.fresh(), subject.changed(j))
        after = cotangents(subject, output, loss)
        if any(map(partial(_others_moved, subject, j), weights, after)):
            return [
                Finding(
                    LOSS,
                    "loss-mixing",
                    "error",
                    "The loss of one example changes with the output of another, as contrastive "
                    f"and triplet losses over a batch do. {_WHY}",
                    "Take a loss of each example alone (cross-entropy, additive margin softmax), "
                    'or engine="microbatch", where a batch is one speaker\'s.',
                )
            ]
    return []


def gradient_leaks(subject: Subject, engine: Engine, weights: list[Tensor]) -> bool:
    """Whether exchanging one example, and its loss, changes the engine's gradients for another."""
    before = per_sample_gradients(subject, engine, weights)
    for j in subject.all:
        index = subject.changed(j)
        other = [torch.where(_rows_like(w, subject.n) == j, -2 * w, w) for w in weights]
        after = per_sample_gradients(subject.with_examples(index), engine, other)
        for name, one in before.items():
            two = after[name]
            if one is None or two is None or len(one) != subject.n or len(two) != subject.n:
                continue
            if _others_moved(subject, j, one, two):
                return True
    return False


def private_buffers(subject: Subject, engine: Engine, told: set[str]) -> list[Finding]:
    """Buffers that take up data in a forward pass, in layers that are not told of already.

    Counters, and whatever else changes in the same way for all data, are left alone.
    """
    before = dict(subject.model.named_buffers())
    states = []
    for index in (subject.all, [0] * subject.n, [subject.n - 1] * subject.n):
        model = subject.fresh()
        with torch.no_grad():
            subject.called(model, index)
        states.append(dict(model.named_buffers()))
    first, *others = states
    layers = {
        name.rpartition(".")[0] or MODEL
        for name, value in first.items()
        if not _same(value, before.get(name))
        and any(not _same(value, other.get(name)) for other in others)
    }
    return [_private_buffer(layer, engine) for layer in sorted(layers - told)]


def _private_buffer(layer: str, engine: Engine) -> Finding:
    message = "A forward pass writes what it saw into a buffer"
    if engine in OPACUS:
        return Finding(
            layer,
            "private-buffer",
            "error",
            f"{message}: it leaves with the model, without clipping or noise.",
            "Keep no statistics of private data: compute them in each example, fix them from "
            'public data, or take SpeakerDP, which puts buffers back (engine="microbatch").',
        )
    return Finding(
        layer,
        "private-buffer",
        "warning",
        f"{message}. SpeakerDP puts buffers back after each pass, so they stay as they are now.",
        "Fix them from public data; a loop of your own must put them back as well.",
    )


def _rows_like(weight: Tensor, n: int) -> Tensor:
    """Number of its row, for each element."""
    return torch.arange(n, device=weight.device).reshape(-1, *[1] * (weight.dim() - 1))


def _same(a: Tensor, b: Tensor | None) -> bool:
    return b is not None and a.shape == b.shape and torch.equal(a, b)


def _others_moved(subject: Subject, j: int, before: Tensor, after: Tensor) -> bool:
    """Whether a row other than ``j`` differs, beyond rounding."""
    if before.shape != after.shape:
        return True  # even the length of one's output tells of another
    keep = [i for i in subject.all if i != j]
    tolerance = 1e-9 if before.dtype == torch.float64 and subject.exact else 1e-5
    scale = before.abs().max().clamp_min(torch.finfo(before.dtype).tiny)
    moved = (before[keep] - after[keep]).abs().max() / scale
    return not bool(moved <= tolerance)


_Call = tuple[str, list[Tensor], list[Tensor]]


@dataclass(frozen=True)
class _Watched:
    rows: list[Tensor]
    calls: list[_Call]


def _watched(subject: Subject, index: list[int]) -> _Watched:
    """A forward pass, with what went into each layer and what came out, inner layers first."""
    model = subject.fresh()
    entered: dict[str, list[list[Tensor]]] = {}
    calls: list[_Call] = []

    def entering(name: str, _: nn.Module, inputs: Any, named: Any) -> None:
        entered.setdefault(name, []).append(_copies([inputs, named]))

    def leaving(name: str, _: nn.Module, __: Any, output: Any) -> None:
        if entered.get(name):
            calls.append((name, entered[name].pop(), _copies(output)))

    for name, module in model.named_modules():
        module.register_forward_pre_hook(partial(entering, name), with_kwargs=True)
        module.register_forward_hook(partial(leaving, name))
    with torch.no_grad():
        rows = [row.clone() for row in subject.run(model, index)]
    return _Watched(rows, calls)


def _copies(value: Any) -> list[Tensor]:
    return [x.detach().clone() for x in tensors(value) if x.is_floating_point()]


def _culprits(subject: Subject, j: int, before: list[_Call], after: list[_Call]) -> list[str]:
    """Where others move on the way out although they did not on the way in."""
    found: list[str] = []
    for (name, *old), (same, *new) in zip(before, after, strict=False):
        if name != same or any(_within(inner, name) for inner in found):
            continue
        came, left = (
            any(
                a.shape != b.shape or (len(a) == subject.n and _others_moved(subject, j, a, b))
                for a, b in zip(one, two, strict=False)
                if a.dim() and b.dim()
            )
            for one, two in zip(old, new, strict=True)
        )
        if left and not came and name not in found:
            found.append(name)
    return [name or MODEL for name in found]


def _within(inner: str, outer: str) -> bool:
    return not outer or inner.startswith(f"{outer}.")
