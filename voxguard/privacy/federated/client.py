"""Mods for a Flower client: its update is clipped where the data are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from voxguard.errors import ConfigurationError
from voxguard.models.optional import optional
from voxguard.privacy.federated import aggregation

CLIPPING_NORM = "voxguard-clipping-norm"
FROZEN = "voxguard-frozen"
UNCLIPPED = "voxguard-unclipped"


def clip_update(message: Any, context: Any, call_next: Callable[[Any, Any], Any]) -> Any:
    """Clip what a client has learnt before it leaves the device, and send nothing else.

    For a ``ClientApp`` of the Message API, first in its list of mods, with
    :class:`~voxguard.privacy.federated.strategy.SpeakerDPFedAvg` at the server. Of the reply only
    the arrays go out, clipped, and one bit: whether they fitted as they were. Metrics (losses,
    counts of examples) are removed, since nothing noises them; what is not trained goes out as it
    came in.

    Args:
        message: Of type ``train``; others are passed on untouched.
        context: The client's.
        call_next: The next mod, or the app.

    Raises:
        ConfigurationError: The server sent no clipping norm.

    Example:
        ``@app.train(mods=[clip_update])``
    """
    if message.metadata.message_type.split(".")[0] != "train":
        return call_next(message, context)
    flwr = optional("flwr.app", "fl", "a client's clipping")
    (record,) = message.content.array_records.values()
    before = {name: np.array(array.numpy()) for name, array in record.items()}
    config = _plan(message.content.config_records.values())
    norm, frozen = float(config[CLIPPING_NORM]), list(config.get(FROZEN, []))
    reply = call_next(message, context)
    if reply.has_error():
        return reply
    (record,) = reply.content.array_records.values()
    after = {name: array.numpy() for name, array in record.items()}
    names = aggregation.learned(before, frozen)
    update, fits = aggregation.clip(aggregation.update_between(before, after, names), norm)
    clipped = {
        name: np.asarray(old + update[name], old.dtype) if name in update else old
        for name, old in before.items()
    }
    arrays = flwr.ArrayRecord({name: flwr.Array(array) for name, array in clipped.items()})
    reply.content = flwr.RecordDict(
        {"arrays": arrays, "metrics": flwr.MetricRecord({UNCLIPPED: int(fits)})}
    )
    return reply


def _plan(configs: Any) -> Any:
    for config in configs:
        if CLIPPING_NORM in config:
            return config
    raise ConfigurationError(
        "the server sent no clipping norm; its strategy has to be SpeakerDPFedAvg"
    )
