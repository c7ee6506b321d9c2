"""DP-FedAvg as a strategy for Flower's Message API."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import numpy as np

from voxguard.errors import ConfigurationError
from voxguard.models.optional import optional
from voxguard.privacy.federated.aggregation import Arrays
from voxguard.privacy.federated.client import CLIPPING_NORM, FROZEN, UNCLIPPED
from voxguard.privacy.federated.server import PrivateServer, Reply, Round
from voxguard.privacy.ledger import BudgetExceededError

_LOG = logging.getLogger("flwr.voxguard")  # shown where Flower shows its own


class SpeakerDPFedAvg(PrivateServer):
    """Federated averaging with client- or speaker-level DP, for a ``ServerApp`` of Flower 1.41.

    Options, mechanism and threat model are those of
    :class:`~voxguard.privacy.federated.server.PrivateServer`. Clients are ordinary: a ``ClientApp``
    that answers ``train`` messages with its arrays. They are clipped on the server; put
    :func:`~voxguard.privacy.federated.client.clip_update` among the client's mods to have them
    clipped before they leave the device as well.

    What clients report about themselves (losses, counts of examples) is not noised, so it is
    neither used nor gathered, and there is no evaluation on clients. Evaluate on the server, on
    data that are not to be protected.

    Differences from the wrappers that Flower 1.41 has: a client that fails or drops out does not
    take the round with it; counts of examples do not move the sensitivity; sampling is Poisson and
    accounted with amplification; adaptive clipping converges.

    Example:
        A ``ServerApp``; runs where Flower is installed::

            @app.main()
            def main(grid, context):
                with Ledger(folder / "ledger.json", unit="client", population=100,
                            max_epsilon=8.0) as ledger:
                    strategy = SpeakerDPFedAvg(
                        noise_multiplier=1.2, sampling_rate=0.1, population=100,
                        clipping_norm=0.5, ledger=ledger, state=folder / "model.npz",
                    )
                    result = strategy.start(
                        grid=grid, initial_arrays=ArrayRecord(arrays), num_rounds=50,
                        evaluate_fn=evaluate,
                    )
    """

    least_nodes: ClassVar[int] = 1

    def start(
        self,
        grid: Any,
        initial_arrays: Any,
        num_rounds: int = 3,
        timeout: float = 3600,
        train_config: Any = None,
        evaluate_fn: Callable[[int, Any], Any] | None = None,
        *,
        wait_for: int = 1,
        wait_s: float = 600.0,
    ) -> Any:
        """Train, from where ledger and state are to ``num_rounds`` in all, or to the budget.

        Args:
            grid: As the ``ServerApp`` gets it.
            initial_arrays: An ``ArrayRecord``.
            num_rounds: In all, those before a restart included.
            timeout: Seconds that a round waits for its replies. Who is later has dropped out.
            train_config: A ``ConfigRecord`` for the clients; the number of the round
                (``server-round``) and the clipping norm are put in.
            evaluate_fn: Called with round and ``ArrayRecord`` before the first round of this
                process and after each; returns a ``MetricRecord`` or None.
            wait_for: Number of connected nodes to wait for before the first round.
            wait_s: Seconds to wait for them, and, in later rounds, for as many as it cannot do
                without.

        Returns:
            Flower's ``Result``: ``arrays``, ``evaluate_metrics_serverapp``; and, by round, epsilon
            and the clipping norm in ``train_metrics_clientapp``. When the ledger's limit stops
            training it holds what there is, and the log says so.

        Raises:
            ConfigurationError: No nodes came; state, ledger and model disagree.
            MissingExtraError: Flower is not installed.
        """
        flwr = optional("flwr.app", "fl", "a federated strategy")
        result = optional("flwr.serverapp.strategy", "fl", "a federated strategy").Result()
        self.open({name: np.array(array.numpy()) for name, array in initial_arrays.items()})
        result.arrays = _record(self.arrays)
        if self.rounds:
            _LOG.info("going on after round %d", self.rounds)
        self._evaluate(evaluate_fn, result)
        least = max(wait_for, self.least_nodes)
        while self.rounds < num_rounds:
            connected = _connected(grid, least, wait_s)
            least = self.least_nodes
            try:
                current = self.begin_round(connected)
            except BudgetExceededError as error:
                _LOG.warning("training stops after round %d: %s", self.rounds, error)
                break
            config = flwr.ConfigRecord(dict(train_config or {}))
            config["server-round"] = current.number
            config[CLIPPING_NORM] = current.clipping_norm
            config[FROZEN] = sorted(self.frozen)
            self._exchange(grid, current, config, timeout)
            result.arrays = _record(self.arrays)
            figures = {"clipping-norm": current.clipping_norm, "epsilon": self.ledger.epsilon()}
            result.train_metrics_clientapp[self.rounds] = flwr.MetricRecord(figures)
            self._tell(current, figures["epsilon"])
            self._evaluate(evaluate_fn, result)
        return result

    def _exchange(self, grid: Any, current: Round, config: Any, timeout: float) -> None:
        """Ask the cohort, and finish the round with what comes back."""
        flwr = optional("flwr.app", "fl", "a federated strategy")
        content = flwr.RecordDict({"arrays": _record(self.arrays), "config": config})
        messages = [
            flwr.Message(content=content, message_type=flwr.MessageType.TRAIN, dst_node_id=node)
            for node in current.cohort
        ]
        # Not asked with no messages: that is a call over the network for nothing.
        answers = list(grid.send_and_receive(messages, timeout=timeout)) if messages else []
        replies, lost = _read(answers)
        silent = {node: "no reply in time" for node in current.cohort if node not in replies}
        current.lost = {**silent, **lost}
        self.finish_round(replies)

    def _tell(self, current: Round, epsilon: float) -> None:
        """In the server's log, which is the operator's: numbers of clients are not private."""
        _LOG.info(
            "round %d: %d asked, %d used, epsilon %.3f, clipping norm %.4g",
            current.number,
            len(current.cohort),
            current.replied,
            epsilon,
            current.clipping_norm,
        )
        if current.cohort and not current.replied:  # noise alone, which looks like training
            reasons = sorted(set(current.lost.values())) or ["no reason is known"]
            _LOG.warning("round %d: no update could be used: %s", current.number, reasons[0])

    def _evaluate(self, evaluate_fn: Callable[[int, Any], Any] | None, result: Any) -> None:
        if evaluate_fn is not None:
            metrics = evaluate_fn(self.rounds, result.arrays)
            if metrics is not None:
                result.evaluate_metrics_serverapp[self.rounds] = metrics


def _record(arrays: Arrays) -> Any:
    flwr = optional("flwr.app", "fl", "a federated strategy")
    return flwr.ArrayRecord({name: flwr.Array(array) for name, array in arrays.items()})


def _connected(grid: Any, least: int, wait_s: float) -> list[int]:
    """The nodes that are there, once there are enough of them."""
    until = time.monotonic() + wait_s
    while len(nodes := [int(node) for node in grid.get_node_ids()]) < least:
        if time.monotonic() > until:
            raise ConfigurationError(
                f"{len(nodes)} nodes were connected within {wait_s:g} s, {least} are "
                "needed; start SuperNodes, or wait longer (wait_for, wait_s)"
            )
        time.sleep(1.0)
    return nodes


def _read(answers: Iterable[Any]) -> tuple[dict[int, Reply], dict[int, str]]:
    """What is in the messages, and why nothing is in some; one that is broken is lost alone."""
    replies: dict[int, Reply] = {}
    lost: dict[int, str] = {}
    for answer in answers:
        node = answer.metadata.src_node_id
        if answer.has_error():
            lost[node] = str(answer.error.reason).strip()[-200:]  # the end of a traceback says it
            continue
        try:
            (record,) = answer.content.array_records.values()
            arrays = {name: array.numpy() for name, array in record.items()}
            bits = [
                metrics[UNCLIPPED]
                for metrics in answer.content.metric_records.values()
                if UNCLIPPED in metrics
            ]
            replies[node] = Reply(arrays, bool(bits[0]) if bits else None)
        except Exception as error:  # what a client sends can be broken in any way
            lost[node] = f"{type(error).__name__}: its reply could not be read"
    return replies, lost
