"""A client's part of a round, on numpy alone: Flower's client calls it, and so does the sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from voxguard.privacy.federated.aggregation import clip, learned, update_between

from . import model
from .speakers import Speakers


def local_round(
    before: model.Arrays,
    speakers: Speakers,
    numbers: Sequence[int],
    config: Mapping[str, Any],
    norm: float,
) -> model.Arrays:
    """What a node makes of the model that it was sent.

    Of several speakers it is the mean of what each would make of it, each clipped on its own, so
    that one with much to say does not drown the others.
    """
    trained = [
        model.train(
            before,
            *speakers.of(number),
            steps=int(config["local-steps"]),
            learning_rate=float(config["learning-rate"]),
        )
        for number in numbers
    ]
    if len(trained) == 1:
        return trained[0]
    names = learned(before)
    updates = [clip(update_between(before, after, names), norm)[0] for after in trained]
    return {
        name: (before[name] + sum(update[name] for update in updates) / len(updates)).astype(
            before[name].dtype
        )
        for name in names
    }
