"""Per-sample gradients, by the engines that train with them and by brute force."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from voxguard.models.optional import optional
from voxguard.privacy.engines import create_engine
from voxguard.privacy.preflight_subject import Subject, same_draws

Engine = Literal["hooks", "functorch", "ghost", "microbatch", "vectorised"]

OPACUS: tuple[Engine, ...] = ("hooks", "functorch", "ghost")

Loss = Callable[[Any], Tensor]
Gradients = dict[str, Tensor | None]


def cotangents(subject: Subject, output: Any, loss: Loss | None) -> list[Tensor]:
    """Gradient of the summed losses by the outputs: with it, any loss is a weighted sum.

    Args:
        subject: What is examined.
        output: The model's output for all examples.
        loss: ``(n,)`` losses or their mean from an output; None for a random projection.
    """
    rows = subject.rows(output)
    if loss is None:
        chance = torch.Generator().manual_seed(0)
        # Another one for each example: in a sum of equal ones, mixing could cancel out.
        return [torch.randn(row.shape, generator=chance).to(row) for row in rows]
    for row in rows:
        if not row.requires_grad:
            row.requires_grad_()
    value = loss(output)
    total = value.sum() if value.dim() else value * subject.n
    found = torch.autograd.grad(total, rows, allow_unused=True)
    return [
        torch.zeros_like(row) if g is None else g.detach()
        for row, g in zip(rows, found, strict=True)
    ]


def per_sample_gradients(subject: Subject, engine: Engine, weights: list[Tensor]) -> Gradients:
    """Gradients as the engine computes them.

    In ``"microbatch"`` and ``"vectorised"`` the unit is a group of examples (a speaker's
    utterances); here unit i is example i with the next one.

    Args:
        subject: What is examined.
        engine: Which engine; ``"ghost"`` gives norms.
        weights: See :func:`cotangents`.

    Returns:
        For each trainable parameter ``(n, *shape)`` (``"ghost"``: ``(n,)``), None if there is none.
    """
    if engine in OPACUS:
        return _by_opacus(subject, engine, weights)
    return _by_our_own(subject, engine, weights)


def brute_force(subject: Subject, index: list[list[int]], weights: list[Tensor]) -> Gradients:
    """One unit at a time, each through a model of its own that has seen nothing before."""
    return _stacked([_unit_gradient(subject, u, weights) for u in index])


def row_by_row(subject: Subject, weights: list[Tensor]) -> Gradients:
    """The reference for a model that draws: one loss at a time, through one batch and one draw."""
    model = subject.fresh()
    rows = subject.run(model, subject.all)
    found = []
    for i in subject.all:
        model.zero_grad(set_to_none=True)
        one = _weighted([row[i] for row in rows], [w[i] for w in weights])
        torch.autograd.backward(one, retain_graph=True)
        found.append(_taken(model))
    return _stacked(found)


def units(subject: Subject) -> list[list[int]]:
    """Groups that stand for speakers: each example with the next one."""
    return [[i, (i + 1) % subject.n] for i in subject.all]


def _unit_gradient(subject: Subject, index: list[int], weights: list[Tensor]) -> dict[str, Tensor]:
    model = subject.fresh()
    rows = subject.run(model, index)
    torch.autograd.backward(_weighted(rows, [w[index] for w in weights]) / len(index))
    return _taken(model)


def _weighted(rows: Sequence[Tensor], weights: Sequence[Tensor]) -> Tensor:
    return torch.stack([(r * w).sum() for r, w in zip(rows, weights, strict=True)]).sum()


def _taken(model: nn.Module) -> dict[str, Tensor]:
    """Gradients as they lie; a parameter that was not used has none, so zero."""
    return {
        name: torch.zeros_like(p) if p.grad is None else p.grad.detach().clone()
        for name, p in model.named_parameters()
        if p.requires_grad
    }


def _stacked(found: list[dict[str, Tensor]]) -> Gradients:
    return {name: torch.stack([one[name] for one in found]) for name in found[0]}


def quiet(subject: Subject) -> Subject:
    """Without dropout: the draws of vmap are not those of a loop."""
    model = subject.fresh()
    for module in model.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.p = 0.0
        elif isinstance(getattr(module, "dropout", None), float):
            vars(module)["dropout"] = 0.0
    return replace(subject, model=model)


def _by_our_own(subject: Subject, engine: Engine, weights: list[Tensor]) -> Gradients:
    """By the engines of SpeakerDP, as it runs them."""
    model = subject.fresh()
    batched = [subject.is_batched(x) for x in subject.inputs]

    def weighted(model: nn.Module, batch: list[list[Tensor]]) -> Tensor:
        own = iter(batch[0])
        inputs = [next(own) if b else x for x, b in zip(subject.inputs, batched, strict=True)]
        same_draws()
        rows = subject.rows(model(*inputs))
        return _weighted(rows, batch[1]) / len(rows[0])

    batches = [
        [
            [x for x, b in zip(subject.examples(unit), batched, strict=True) if b],
            [w[unit] for w in weights],
        ]
        for unit in units(subject)
    ]
    running = create_engine(engine, model, weighted)
    calls = [
        running.gradients(batches[start : start + running.at_once])[1]
        for start in range(0, subject.n, running.at_once)
    ]
    names = [name for name, p in model.named_parameters() if p.requires_grad]
    return {name: torch.cat(parts) for name, *parts in zip(names, *calls, strict=True)}


def _by_opacus(subject: Subject, engine: Engine, weights: list[Tensor]) -> Gradients:
    grad_sample = optional("opacus.grad_sample", "dp", f"the engine {engine!r}")
    model = subject.fresh()
    wrapped = (
        grad_sample.GradSampleModuleFastGradientClipping(model, loss_reduction="sum")
        if engine == "ghost"
        else grad_sample.GradSampleModule(
            model, loss_reduction="sum", force_functorch=engine == "functorch"
        )
    )
    torch.autograd.backward(_weighted(subject.run(wrapped, subject.all), weights))
    attribute = "_norm_sample" if engine == "ghost" else "grad_sample"
    return {
        name: _one_tensor(getattr(p, attribute, None))
        for name, p in model.named_parameters()
        if p.requires_grad
    }


def _one_tensor(value: Any) -> Tensor | None:
    """Opacus takes a list of gradients for that many batches, one after the other."""
    found: Tensor | None = torch.cat(value) if isinstance(value, list) else value
    return None if found is None else found.detach()
