"""The course of a training for TensorBoard, where it is installed."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from recipes.federated_attributes.app.federated_voices import model
from recipes.federated_attributes.app.federated_voices.speakers import Speakers


def log(folder: Path, models: Sequence[model.Arrays], held_out: Speakers) -> None:
    """Write the balanced accuracy after each round; nothing without TensorBoard.

    Args:
        folder: Of the run; ``tensorboard --logdir`` takes the one that it is in.
        models: Before the first round and after each.
        held_out: Whom they are tested on.
    """
    if find_spec("tensorboard") is None or find_spec("torch") is None:
        return
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(folder)) as writer:
        for number, arrays in enumerate(models):
            right = model.probabilities(arrays, held_out.x).argmax(axis=1) == held_out.y
            recalls = [right[held_out.y == k].mean() for k in np.unique(held_out.y)]
            writer.add_scalar("balanced accuracy", float(np.mean(recalls)), number)
