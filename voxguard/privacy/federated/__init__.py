"""Federated training with a client, or a speaker, as the privacy unit, on Flower.

    aggregation   clip, sum, noise: what decides the sensitivity, on numpy arrays alone
    adaptive      the clipping norm that follows a quantile of the update norms
    server        one private round after the other; ledger, restart; knows no Flower
    strategy      SpeakerDPFedAvg, for Flower's Message API
    client        the mod that clips where the data are
    secagg        the same over secure aggregation (SecAgg+)
    runtime       ``flwr run`` offline, without telemetry, without a daemon left behind
    deployment    SuperLink and SuperNodes on loopback, with TLS and node authentication

Nothing here imports Flower before it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voxguard.privacy.federated.adaptive import AdaptiveClipping
    from voxguard.privacy.federated.client import clip_update
    from voxguard.privacy.federated.deployment import Deployment
    from voxguard.privacy.federated.runtime import (
        Run,
        RunFailedError,
        quiet_environment,
        run_simulation,
    )
    from voxguard.privacy.federated.secagg import SpeakerDPSecAgg, mask_update
    from voxguard.privacy.federated.server import PrivateServer, Reply
    from voxguard.privacy.federated.strategy import SpeakerDPFedAvg

_HOME = {
    "AdaptiveClipping": "adaptive",
    "Deployment": "deployment",
    "PrivateServer": "server",
    "Reply": "server",
    "Run": "runtime",
    "RunFailedError": "runtime",
    "SpeakerDPFedAvg": "strategy",
    "SpeakerDPSecAgg": "secagg",
    "clip_update": "client",
    "mask_update": "secagg",
    "quiet_environment": "runtime",
    "run_simulation": "runtime",
}

__all__ = [
    "AdaptiveClipping",
    "Deployment",
    "PrivateServer",
    "Reply",
    "Run",
    "RunFailedError",
    "SpeakerDPFedAvg",
    "SpeakerDPSecAgg",
    "clip_update",
    "mask_update",
    "quiet_environment",
    "run_simulation",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'voxguard.privacy.federated' has no attribute {name!r}")
    value = getattr(import_module(f"voxguard.privacy.federated.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
