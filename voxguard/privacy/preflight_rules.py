"""Layers that are known to break DP, or an engine: what is wrong, why, and what to take instead.

A rule that is *certain* is reported whenever it applies. The others name what may have made an
engine fail: they are reported only if it does fail, so a layer that a newer Opacus can do, or that
stands where it does no harm, is not refused.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from voxguard.privacy.per_sample import OPACUS, Engine
from voxguard.privacy.preflight_report import MICROBATCH, MODEL, Suspicion, said
from voxguard.privacy.preflight_statistics import Named, batch_norm, instance_norm

Rule = Callable[[Named, Engine], Iterator[Suspicion]]


def suspicions(model: nn.Module, engine: Engine, repeated: set[str]) -> list[Suspicion]:
    """All that the rules say about a model.

    Args:
        model: In the mode of training.
        engine: What it is to be trained with.
        repeated: Names of the layers that are called more than once in a forward pass.
    """
    found = list(_frozen(model))
    for name, module in model.named_modules():
        for rule in _RULES:
            found += rule((name or MODEL, module), engine)
    if engine == "ghost":
        found += _shared(model, repeated)
    return found


def _padding(named: Named, engine: Engine) -> Iterator[Suspicion]:
    name, module = named
    if engine not in ("hooks", "ghost") or type(module) not in (nn.Conv1d, nn.Conv2d, nn.Conv3d):
        return
    padded: Any = module._reversed_padding_repeated_twice
    if module.padding_mode == "zeros" or not any(padded) or not module.weight.requires_grad:
        return
    consequence = (
        "the norms that it clips by are too small, so more than the clipping norm passes and the "
        "accounted epsilon does not hold"
        if engine == "ghost"
        else "its gradient is wrong, without a word; DP holds, since the wrong one is clipped"
    )
    yield said(
        name,
        "padding-mode",
        f"Opacus takes every convolution for zero-padded; with padding_mode="
        f'"{module.padding_mode}" {consequence}.',
        f'Pad outside: functional.pad(x, ..., mode="{module.padding_mode}") before a convolution '
        'with padding=0, or take padding_mode="zeros", engine="functorch", or '
        f"{MICROBATCH}.",
    )


def _in_place(named: Named, engine: Engine) -> Iterator[Suspicion]:
    name, module = named
    if engine in OPACUS and getattr(module, "inplace", False) is True:
        yield said(
            name,
            "in-place",
            "It overwrites its input, which Opacus's hooks keep for the per-sample gradient: torch "
            "refuses in the forward pass.",
            "Set inplace=False.",
            certain=False,
        )


def _normed_weight(named: Named, engine: Engine) -> Iterator[Suspicion]:
    name, module = named
    for hook in module._forward_pre_hooks.values():
        if isinstance(hook, WeightNorm) and engine != "microbatch":
            yield said(
                name,
                "old-weight-norm",
                "torch.nn.utils.weight_norm makes the weight by a hook, from parameters that the "
                "layer's own per-sample gradient does not know.",
                "Take torch.nn.utils.parametrizations.weight_norm.",
                certain=False,
            )
    if engine in OPACUS and _is_spectral(module):
        yield said(
            name,
            "spectral-norm",
            "Spectral normalisation keeps its power iteration in buffers, and Opacus takes no "
            "trainable layer with buffers.",
            "Leave it out and clip (DP clips gradients already), take "
            "torch.nn.utils.parametrizations.weight_norm, or " + MICROBATCH + ".",
            certain=False,
        )


def _is_spectral(module: nn.Module) -> bool:
    old = any(isinstance(h, SpectralNorm) for h in module._forward_pre_hooks.values())
    return old or type(module).__name__ == "_SpectralNorm"


def _recurrent(named: Named, engine: Engine) -> Iterator[Suspicion]:
    name, module = named
    if isinstance(module, nn.RNNBase) and engine != "microbatch" and _trainable(module):
        kind = type(module).__name__
        yield said(
            name,
            "recurrent",
            f"nn.{kind} is one fused operation, whose gradient neither Opacus (functorch included) "
            "nor vmap can take apart by example.",
            f"Take opacus.layers.DP{kind} (the same function, and it loads the same weights), or "
            f"{MICROBATCH}.",
            certain=False,
        )


def _attention(named: Named, engine: Engine) -> Iterator[Suspicion]:
    name, module = named
    if isinstance(module, nn.MultiheadAttention) and engine != "microbatch" and _trainable(module):
        yield said(
            name,
            "attention",
            "nn.MultiheadAttention computes from its weights in one function with three inputs; "
            "Opacus's hooks see one of them.",
            "Take opacus.layers.DPMultiheadAttention with batch_first=False (True is another "
            "function in Opacus 1.6), attention made of nn.Linear, or " + MICROBATCH + ".",
            certain=False,
        )
    if type(module).__name__ == "DPMultiheadAttention" and _heads_are_mixed_up(module):
        yield said(
            name,
            "batch-first-attention",
            "DPMultiheadAttention with batch_first=True puts heads and time in the wrong order: it "
            "is not the function of nn.MultiheadAttention, and weights that were trained in that "
            "one are worth nothing (opacus#825).",
            "Take batch_first=False and transpose around it.",
        )


def _heads_are_mixed_up(attention: Any) -> bool:
    """Whether the order of the axes changes what comes out."""
    if not attention.batch_first:
        return False
    first = copy.deepcopy(attention).eval()
    last = copy.deepcopy(first)
    last.batch_first = False
    for part in last.modules():
        if hasattr(part, "batch_first"):
            part.batch_first = False
    weight: Tensor = first.out_proj.weight
    q, k, v = (
        torch.randn(2, 3, size).to(weight) for size in (first.embed_dim, first.kdim, first.vdim)
    )
    with torch.no_grad():
        one = first(q, k, v)[0]
        two = last(q.transpose(0, 1), k.transpose(0, 1), v.transpose(0, 1))[0].transpose(0, 1)
    return not torch.allclose(one, two, rtol=1e-3, atol=1e-5)


def _buffers(named: Named, engine: Engine) -> Iterator[Suspicion]:
    name, module = named
    if engine not in OPACUS or not _trainable(module) or not any(True for _ in module.buffers()):
        return
    known = isinstance(module, nn.modules.batchnorm._NormBase)
    if not (known or any(map(_is_spectral, module.modules()))):
        yield said(
            name,
            "layer-with-buffers",
            "It has parameters and buffers, its own or of a layer in it, and Opacus takes no such "
            "layer: a buffer could hold private data.",
            "Move the parameters into a layer without buffers, make constants of the buffers "
            "(plain attributes), or take " + MICROBATCH + ".",
            certain=False,
        )


def _dropout(named: Named, engine: Engine) -> Iterator[Suspicion]:
    name, module = named
    drops = isinstance(module, nn.modules.dropout._DropoutNd) and module.p > 0
    if drops and module.training and engine == "vectorised":
        yield said(
            name,
            "dropout",
            "Each speaker needs a mask of its own: SpeakerDP calls vmap with "
            'randomness="different" for that. Gradients were compared with dropout off.',
            'In a loop of your own do likewise; randomness="same" gives all speakers one mask.',
            severity="warning",
        )


def _frozen(model: nn.Module) -> Iterator[Suspicion]:
    if not any(p.requires_grad for p in model.parameters()):
        yield said(
            MODEL,
            "all-frozen",
            "No parameter requires a gradient: nothing would be trained, and epsilon be spent.",
            "Call requires_grad_() on what is to be trained, before the private optimizer is made.",
        )


def _shared(model: nn.Module, repeated: set[str]) -> Iterator[Suspicion]:
    """Ghost clipping takes the norms of the uses for the norm of their sum."""
    owners: dict[int, set[str]] = {}
    for name, module in model.named_modules():
        for parameter in module._parameters.values():
            if parameter is not None and parameter.requires_grad:
                owners.setdefault(id(parameter), set()).add(name)
    tied = {name for names in owners.values() if len(names) > 1 for name in names}
    for name, module in model.named_modules():
        if name in tied or (name in repeated and _trainable(module)):
            yield said(
                name or MODEL,
                "shared-parameters",
                "Its parameters are used more than once (tied weights, or a layer called twice), "
                "and ghost clipping gets only the norm of each use, not of their sum.",
                'Take engine="hooks" or "functorch", which add the uses up, or untie them.',
                certain=False,
            )


def _trainable(module: nn.Module) -> bool:
    return any(p.requires_grad for p in module.parameters(recurse=False))


_RULES: tuple[Rule, ...] = (
    batch_norm,
    instance_norm,
    _padding,
    _in_place,
    _normed_weight,
    _recurrent,
    _attention,
    _buffers,
    _dropout,
)
