"""A Flower app of a few numbers, as a folder, or on a grid whose nodes live in this process."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np

_PROJECT = """
[project]
name = "tiny"
version = "1.0.0"
dependencies = []

[tool.flwr.app]
publisher = "voxguard"

[tool.flwr.app.components]
serverapp = "tiny.server:app"
clientapp = "tiny.client:app"

[tool.flwr.app.config]
out = ""
"""

# Every client has its own direction; that of node 1 is long. Counts of examples differ wildly.
CLIENT = """
import time
from pathlib import Path

import numpy as np
from flwr.app import Array, ArrayRecord, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from voxguard.privacy.federated import clip_update, mask_update

app = ClientApp()


def either(message, context, call_next):
    masked = "secaggplus_configs" in message.content.config_records
    return (mask_update if masked else clip_update)(message, context, call_next)


@app.train(mods=[either])
def train(message, context):
    node = int(context.node_config["partition-id"])
    config = message.content["config"]
    if node == int(config.get("fails", -1)):
        raise RuntimeError("on purpose")
    if node == int(config.get("hangs", -1)):
        (Path(config["signs"]) / "hanging").touch()
        time.sleep(600)
    arrays = {name: array.numpy() for name, array in message.content["arrays"].items()}
    arrays["w"] = arrays["w"] + np.float32([[0.1 * (node + 1), 5.0 * (node == 1), -0.2]])
    arrays["b"] = np.asarray(arrays["b"] + 0.05 * node)
    arrays["seen"] = np.asarray(arrays["seen"] + 1)
    metrics = MetricRecord({"num-examples": 10**node, "loss": 1.0})
    record = ArrayRecord({name: Array(array) for name, array in arrays.items()})
    return Message(RecordDict({"arrays": record, "metrics": metrics}), reply_to=message)
"""


def write_app(folder: Path, server: str) -> Path:
    """The app.

    Args:
        folder: Where.
        server: Source of the module that defines the ServerApp.
    """
    (folder / "tiny").mkdir(parents=True)
    (folder / "pyproject.toml").write_text(_PROJECT)
    (folder / "tiny" / "__init__.py").write_text("")
    (folder / "tiny" / "client.py").write_text(CLIENT)
    (folder / "tiny" / "server.py").write_text(server)
    return folder


INITIAL = {"w": np.zeros((1, 3), np.float32), "b": np.zeros(()), "seen": np.array(7)}


def update_of(node: int) -> np.ndarray:
    """What node number so and so does to w and b in a round."""
    return np.array([0.1 * (node + 1), 5.0 * (node == 1), -0.2, 0.05 * node])


class LocalGrid:
    """Carries messages to the client app, and its replies back, without a network in between.

    The app, its mods and the messages are the real ones; a node that raises gives an error message,
    as in Flower's simulation.
    """

    def __init__(self, nodes: int) -> None:
        from flwr.app import Context, RecordDict
        from flwr.supercore.task_identity import TaskIdentity

        TaskIdentity.task_id, TaskIdentity.run_id, TaskIdentity.node_id = 1, 1, 1
        scope: dict = {}
        exec(CLIENT, scope)  # noqa: S102 -- the same source that write_app writes
        self.app = scope["app"]
        self.contexts = {
            1000 + node: Context(
                run_id=1,
                node_id=1000 + node,
                node_config={"partition-id": node},
                state=RecordDict(),
                run_config={},
            )
            for node in range(nodes)
        }
        self.sent: list = []

    def get_node_ids(self) -> list[int]:
        return list(self.contexts)

    def send_and_receive(self, messages, *, timeout=None):
        from flwr.app import Error, Message

        replies = []
        for message in messages:
            message = copy.deepcopy(message)
            node = message.metadata.dst_node_id
            try:
                reply = self.app(message, self.contexts[node])
            except Exception as error:
                reply = Message(Error(2, str(error)), reply_to=message)
            replies.append(reply)
            self.sent.append(copy.deepcopy(reply))
        return replies
