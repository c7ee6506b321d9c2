"""A course of steps that can be killed at any time, and comes out as if it had not been."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from recipes.common import duration, say
from recipes.train_audio_llm import checkpoint

_KEPT_EVERY_S, _TOLD_EVERY_S = 30.0, 20.0
_RISE = 0.08  # share of the steps in which the learning rate rises
_MOST = 1.0  # norm of a gradient

Losses = dict[str, Tensor]


def run(
    path: Path,
    parts: Mapping[str, Any],
    learning: Iterable[Tensor],
    step_losses: Callable[[np.random.Generator], Losses],
    settings: Mapping[str, Any],
    *,
    steps: int,
    rate: float,
    seed: int,
) -> float:
    """Take the steps that are missing.

    Every step has a seed of its own, so that a course that is taken up again is the same course.

    Args:
        path: Of the checkpoint.
        parts: Modules whose states belong to it.
        learning: The parameters that change.
        step_losses: Gives the losses of a step, whose sum falls.
        settings: That it depends on; a checkpoint of other ones is refused.
        steps: Of the whole course.
        rate: Highest learning rate.
        seed: Of everything that is random.

    Returns:
        Seconds that it took, with those before an interruption.
    """
    changed = [p for p in learning if p.requires_grad]
    optimizer = torch.optim.AdamW(changed, lr=rate, betas=(0.9, 0.98), weight_decay=0.01)
    everything = {**parts, "optimizer": optimizer}
    state = checkpoint.load(path, everything, settings)
    done = int(state["step"]) if state else 0
    spent = before = float(state["seconds"]) if state else 0.0
    began = kept = told = time.monotonic()
    means: dict[str, float] = {}
    for step in range(done, steps):
        torch.manual_seed(seed * 1_000_003 + step)
        for group in optimizer.param_groups:
            group["lr"] = rate * _share(step / steps)
        losses = step_losses(np.random.default_rng([seed, step]))
        total = torch.stack(list(losses.values())).sum()
        optimizer.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(changed, _MOST)
        optimizer.step()
        for name, loss in losses.items():
            value = float(loss.detach())
            means[name] = 0.98 * means.get(name, value) + 0.02 * value
        now = time.monotonic()
        if now - told > _TOLD_EVERY_S or step + 1 == steps:
            told = now
            said = ", ".join(f"{name} {value:.3f}" for name, value in means.items())
            left = (now - began) / (step + 1 - done) * (steps - step - 1)
            say(f"{path.stem}: step {step + 1} of {steps}, {said}, {duration(left)} left")
        if now - kept > _KEPT_EVERY_S or step + 1 == steps:
            kept = now
            spent = before + now - began
            values = {"step": step + 1, "seconds": spent, "settings": dict(settings)}
            checkpoint.save(path, everything, **values)
    return spent


def _share(done: float) -> float:
    """Of the learning rate: it rises, and falls as a cosine to nearly nothing."""
    if done < _RISE:
        return (done + 1e-3) / _RISE
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (done - _RISE) / (1 - _RISE)))
