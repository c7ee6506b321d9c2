"""Step 4: the averaged weights at half precision, as a file that voxguard loads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from recipes.train_voice_conversion import checkpoint
from recipes.train_voice_conversion.data import Recorded
from recipes.train_voice_conversion.settings import Settings
from voxguard.models.shipped import save

FORMAT = 1


def finished(folder: Path) -> dict[str, Any]:
    """The checkpoint of a run that has come to its end."""
    state = checkpoint.load(folder)
    if state is None:
        raise SystemExit(f"{folder / checkpoint.FILE} is missing: run --step train first")
    steps = Settings(**state["settings"]).steps
    if state["step"] < steps:
        raise SystemExit(
            f"{folder} has done {state['step']} of {steps} steps: run --step train again"
        )
    return state


def export(state: dict[str, Any], training: list[Recorded], target: Path) -> str:
    """Write the file; its SHA-256 is returned.

    Args:
        state: Checkpoint of a training run.
        training: What it was trained on, for what a live signal is taken for at its start.
        target: The safetensors file.
    """
    arrays = {k: v.to(torch.float16).numpy() for k, v in state["average"].items()}
    metadata: dict[str, Any] = {
        "format": FORMAT,
        "shape": Settings(**state["settings"]).shape.as_dict(),
        "steps": state["step"],
        "settings": state["settings"],
        "population": population(training),
    }
    unfinished = target.with_suffix(".part")
    sha256 = save(unfinished, arrays, metadata)
    unfinished.rename(target)
    return sha256


def population(training: list[Recorded]) -> dict[str, list[float]]:
    """Level, and mean and spread of the envelope, over all speakers."""
    mean = np.mean([r.mean for r in training], axis=0)
    spread = np.sqrt(np.mean([r.spread**2 + (r.mean - mean) ** 2 for r in training], axis=0))
    return {
        "level": [round(float(np.mean([r.level for r in training])), 3)],
        "mean": [round(float(x), 3) for x in mean],
        "spread": [round(float(x), 3) for x in spread],
    }
