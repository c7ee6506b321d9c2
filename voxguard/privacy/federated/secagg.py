"""The same training over secure aggregation: the server sees the sum, and no client's update."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from voxguard.errors import ConfigurationError
from voxguard.models.optional import optional
from voxguard.privacy.federated import aggregation
from voxguard.privacy.federated.aggregation import Arrays
from voxguard.privacy.federated.client import CLIPPING_NORM, FROZEN
from voxguard.privacy.federated.masks import strengthen
from voxguard.privacy.federated.server import Round
from voxguard.privacy.federated.strategy import SpeakerDPFedAvg

_LOG = logging.getLogger("flwr.voxguard")  # shown where Flower shows its own
_NAMES = "voxguard-names"
_BYSTANDER = "voxguard-bystander"
_MODULUS_BITS = 32
_WHY = "secure aggregation"


class SpeakerDPSecAgg(SpeakerDPFedAvg):
    """:class:`SpeakerDPFedAvg` over SecAgg+, as Flower 1.41 has it.

    Clients run the same app with the mod :func:`mask_update` in place of ``clip_update``. It clips
    the update, divides by the clipping norm, appends the bit for adaptive clipping and masks it
    all. The server gets the sum over the cohort, noises it, and divides by the fixed denominator.

    **Threat model.** An honest-but-curious server does not see single updates, as long as fewer
    clients than the threshold collude with it. It does see the exact sum, and it adds the noise:
    epsilon holds against whoever sees the models, not against the server. A server that cheats is
    not kept out: the public keys that it hands on are neither signed nor checked, so it can pose
    as everybody else. A client that cheats is not kept out either: nobody can check a masked
    update's norm, so clipping rests on the clients running the mod.

    What differs from Flower's own:

    - Flower draws masks from generators with a seed of 32 bits, which a curious server can search;
      here they come from SHAKE-256 with the whole of the key
      (:func:`~voxguard.privacy.federated.masks.strengthen`).
    - A round of fewer than three clients cannot be masked. Leaving it out would tell whether one
      more was there (and then the others' updates come with him): clients who were not drawn are
      asked to take part with an update of nothing, until there are three. The server knows who
      they are: where a single client was drawn, the sum *is* that client's update. Choose
      ``sampling_rate * population`` so that this is rare (at 10: one round in 2000).
    - A protocol that breaks off (too many dropped out) becomes a round of noise alone.
    - Updates are rounded to integers; how much longer that can make one is added to the noise.

    Attributes:
        least_nodes: A round is not begun with fewer connected.
        reconstruction_threshold: Share of the cohort that has to stay to the end, and that would
            have to collude.
    """

    least_nodes: ClassVar[int] = 3
    reconstruction_threshold: float = 2 / 3

    def _exchange(self, grid: Any, current: Round, config: Any, timeout: float) -> None:
        strengthen()
        legacy = optional("flwr.server", "fl", _WHY)
        flwr = optional("flwr.app", "fl", _WHY)
        workflow = optional("flwr.server.workflow", "fl", _WHY).SecAggPlusWorkflow
        constants = optional("flwr.server.workflow.constant", "fl", _WHY)
        members = self._members(grid, current)
        levels = _levels(len(members), self.population)
        inner = _Inner(self.arrays, dict(config), members, set(current.cohort))
        context = legacy.LegacyContext(
            flwr.Context(
                run_id=0, node_id=0, node_config={}, state=flwr.RecordDict(), run_config={}
            ),
            strategy=inner,
        )
        records = context.state
        records.config_records[constants.MAIN_CONFIGS_RECORD] = flwr.ConfigRecord(
            {constants.Key.CURRENT_ROUND: current.number}
        )
        records.array_records[constants.MAIN_PARAMS_RECORD] = flwr.ArrayRecord()
        workflow(
            num_shares=1.0,
            reconstruction_threshold=self.reconstruction_threshold,
            max_weight=1.0,
            clipping_range=1.0,  # of updates in clipping norms
            quantization_range=levels,
            modulus_range=2**_MODULUS_BITS,
            timeout=timeout,
        )(grid, context)
        size = sum(self.arrays[name].size for name in self._names)
        if inner.total is None:
            _LOG.warning("round %d: secure aggregation broke off, noise alone", current.number)
            inner.total = np.zeros(size + 1)
        total, start = {}, 0
        for name in self._names:
            shape, end = self.arrays[name].shape, start + self.arrays[name].size
            total[name] = inner.total[start:end].reshape(shape) * current.clipping_norm
            start = end
        # Bystanders added nothing at all; if one of them dropped out this is one too few.
        used = max(inner.survivors - (len(members) - len(current.cohort)), 0)
        self.finish_with_total(
            total,
            used=used,
            centred_bits=float(inner.total[-1]),
            # Rounding moves a coordinate by less than 2 / levels; the bit is only 1/2 long
            stretch=1 + 4 * math.sqrt(size) / levels,
        )

    def _members(self, grid: Any, current: Round) -> list[int]:
        """The cohort, and bystanders where it is too small to hide anyone."""
        cohort = set(current.cohort)
        others = sorted({int(node) for node in grid.get_node_ids()} - cohort)
        return [*current.cohort, *others[: max(0, self.least_nodes - len(cohort))]]


@dataclass
class _Node:
    """As much of a client proxy as the workflow looks at."""

    node_id: int


@dataclass
class _Inner:
    """As much of a legacy strategy as the workflow calls."""

    arrays: Arrays
    config: dict[str, Any]
    members: list[int]
    cohort: set[int]
    total: npt.NDArray[Any] | None = None
    survivors: int = 0
    failures: list[Any] = field(default_factory=list)

    def configure_fit(self, number: int, parameters: Any, manager: Any) -> list[Any]:
        common = optional("flwr.common", "fl", _WHY)
        sent = common.ndarrays_to_parameters(list(self.arrays.values()))
        plain: dict[str, Any] = {**self.config, _NAMES: json.dumps(list(self.arrays))}
        plain[FROZEN] = json.dumps(list(self.config[FROZEN]))  # a legacy config holds no lists
        return [
            (_Node(node), common.FitIns(sent, {**plain, _BYSTANDER: node not in self.cohort}))
            for node in self.members
        ]

    def aggregate_fit(self, number: int, results: list[Any], failures: list[Any]) -> Any:
        common = optional("flwr.common", "fl", _WHY)
        self.survivors = len(results)
        (mean,) = common.parameters_to_ndarrays(results[0][1].parameters)
        self.total = mean * self.survivors
        return None, {}


def mask_update(message: Any, context: Any, call_next: Callable[[Any, Any], Any]) -> Any:
    """Clip what a client has learnt, and mask it so that only a sum over clients can be read.

    For a ``ClientApp`` of the Message API, first in its list of mods, with
    :class:`SpeakerDPSecAgg` at the server. The app below sees an ordinary ``train`` message.

    Args:
        message: Of type ``train``; others are passed on untouched.
        context: The client's; the keys of a round under way are kept in its state.
        call_next: The next mod, or the app.

    Example:
        ``@app.train(mods=[mask_update])``
    """
    strengthen()
    protocol = optional("flwr.client.mod", "fl", _WHY).secaggplus_mod
    return protocol(message, context, lambda m, c: _clipped(m, c, call_next))


def _clipped(message: Any, context: Any, call_next: Callable[[Any, Any], Any]) -> Any:
    flwr = optional("flwr.app", "fl", _WHY)
    common = optional("flwr.common", "fl", _WHY)
    compat = optional("flwr.compat.common.recorddict_compat", "fl", _WHY)
    asked = compat.recorddict_to_fitins(message.content, keep_input=True)
    config = dict(asked.config)
    if CLIPPING_NORM not in config:
        raise ConfigurationError("the server sent no clipping norm; it takes SpeakerDPSecAgg")
    norm = float(config[CLIPPING_NORM])
    names = json.loads(config.pop(_NAMES))
    frozen = json.loads(config.pop(FROZEN))
    before = dict(zip(names, common.parameters_to_ndarrays(asked.parameters), strict=True))
    learned = aggregation.learned(before, frozen)
    if config.pop(_BYSTANDER):
        vector, reply = np.zeros(sum(before[name].size for name in learned) + 1), message
    else:
        record = flwr.ArrayRecord({name: flwr.Array(array) for name, array in before.items()})
        message.content = flwr.RecordDict(
            {"arrays": record, "config": flwr.ConfigRecord({**config, FROZEN: frozen})}
        )
        reply = call_next(message, context)
        if reply.has_error():
            raise ConfigurationError(f"the client failed: {reply.error.reason}")
        (record,) = reply.content.array_records.values()
        after = {name: array.numpy() for name, array in record.items()}
        update, fits = aggregation.clip(aggregation.update_between(before, after, learned), norm)
        parts = [update[name].ravel() / norm for name in learned]
        vector = np.concatenate([*parts, [0.5 if fits else -0.5]])
    result = common.FitRes(
        common.Status(common.Code.OK, ""), common.ndarrays_to_parameters([vector]), 1, {}
    )
    reply.content = compat.fitres_to_recorddict(result, keep_input=True)
    return reply


def _levels(members: int, population: int) -> int:
    """Steps of the rounding: as fine as sums of so many leave room for, and at most 2^22.

    Example:
        >>> _levels(4, 100) == 2**22, _levels(4, 100_000) == 2**15
        (True, True)
    """
    most = max(members, population) + 1
    return int(2 ** min(22, _MODULUS_BITS - math.ceil(math.log2(most))))
