"""What runs on a client: it trains on what it holds, and sends nothing but a clipped update."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from flwr.app import Array, ArrayRecord, Context, Message, RecordDict
from flwr.clientapp import ClientApp

from voxguard.privacy.federated import clip_update, mask_update
from voxguard.privacy.federated.client import CLIPPING_NORM

from .local import local_round
from .speakers import Speakers

app = ClientApp()


def guard(message: Message, context: Context, call_next: Any) -> Message:
    """Clip, and mask if the run is over secure aggregation."""
    mod = mask_update if context.run_config["secure-aggregation"] else clip_update
    return mod(message, context, call_next)


@app.train(mods=[guard])
def train(message: Message, context: Context) -> Message:
    """Train for the speaker of this node, or for each of those that it holds."""
    sent = message.content["arrays"]
    before = {name: np.array(array.numpy()) for name, array in sent.items()}
    speakers, numbers = _held(context)
    norm = float(message.content["config"][CLIPPING_NORM])
    after = local_round(before, speakers, numbers, context.run_config, norm)
    return Message(
        content=RecordDict(
            {"arrays": ArrayRecord({name: Array(array) for name, array in after.items()})}
        ),
        reply_to=message,
    )


def _held(context: Context) -> tuple[Speakers, list[int]]:
    """A SuperNode is told where its data are; a simulated node is one speaker of a common file."""
    if "data" in context.node_config:
        speakers = _read(str(context.node_config["data"]))
        return speakers, list(range(len(speakers.names)))
    number = int(context.node_config["partition-id"])
    if trace := str(context.run_config["trace"]):
        (Path(trace) / f"{context.node_id}").write_text(str(number))
    return _read(str(context.run_config["data"])), [number]


@lru_cache(maxsize=2)
def _read(path: str) -> Speakers:
    return Speakers.read(path)
