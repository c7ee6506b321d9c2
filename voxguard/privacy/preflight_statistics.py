"""Layers that average over examples: over those of a batch, or over all that they have seen."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from voxguard.privacy.per_sample import OPACUS, Engine
from voxguard.privacy.preflight_report import MICROBATCH, Suspicion, said

Named = tuple[str, nn.Module]


def batch_norm(named: Named, engine: Engine) -> Iterator[Suspicion]:
    """Averages over the batch."""
    name, module = named
    if not isinstance(module, nn.modules.batchnorm._BatchNorm):
        return
    if not module.training and module.running_mean is not None:
        return  # frozen: a fixed affine map
    if isinstance(module, nn.SyncBatchNorm):
        yield said(
            name,
            "sync-batch-norm",
            "SyncBatchNorm averages over all processes, so over many people: each person's "
            "gradient depends on the others, and no clipping bounds what one of them does.",
            "Take GroupNorm, or BatchNorm with " + MICROBATCH + ".",
        )
    elif engine in OPACUS:
        yield said(
            name,
            "batch-norm",
            "BatchNorm normalises each example by the others of its batch: one person's data "
            "reaches the gradients of all, each clipped for itself, and the accounted epsilon does "
            "not hold. Its running statistics would leave with the model, without any noise.",
            "Take GroupNorm (another function: train anew, or tune on public data), or freeze it "
            "by eval() and requires_grad_(False), or take " + MICROBATCH + ".",
        )
    else:
        yield from _running_statistics(named, engine)


def instance_norm(named: Named, engine: Engine) -> Iterator[Suspicion]:
    """Averages of its own, unless it is to keep running ones."""
    if isinstance(named[1], nn.modules.instancenorm._InstanceNorm):
        yield from _running_statistics(named, engine)


def _running_statistics(named: Named, engine: Engine) -> Iterator[Suspicion]:
    name, module = named
    if not (module.training and getattr(module, "track_running_stats", False)):
        return
    if engine == "microbatch":
        yield said(
            name,
            "running-statistics",
            "Legal here: a batch is one speaker's. But its running statistics must not be updated "
            "from private data, since they would leave with the model without any noise; SpeakerDP "
            "puts them back after each pass.",
            "For inference take them from public data, or take GroupNorm; in a loop of your own "
            "set track_running_stats=False.",
            severity="warning",
        )
        return
    yield said(
        name,
        "running-statistics",
        f"{type(module).__name__} keeps running statistics: averages of private data that leave "
        "with the model without clipping or noise. The engine refuses to update them.",
        'Set track_running_stats=False, or take GroupNorm, or engine="microbatch".',
    )
