"""Training on voices without memorising them: accounting, preflight, DP training, audit.

    accounting      epsilon of subsampled Gaussian releases, the noise an epsilon needs
    ledger          the persisted account of one training, with a hard stop
    preflight       which layers of a model break DP, and a check of per-sample gradients
    example_level   DP-SGD with one example as the unit, on Opacus
    speaker_level   DP-SGD with one speaker as the unit
    audit           a lower bound on epsilon from experiment, which a bug cannot talk its way out of
    federated       clients of Flower as the unit

The public names are loaded when they are first used; torch, Opacus and Flower with them.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from voxguard.errors import MissingExtraError

if TYPE_CHECKING:
    from voxguard.privacy.accounting import (
        Mechanism,
        default_delta,
        epsilon,
        noise_multiplier_for,
        population_for,
    )
    from voxguard.privacy.audit import audit_speaker_dp
    from voxguard.privacy.audit_bound import EpsilonBound, most_certifiable
    from voxguard.privacy.audit_clopper_pearson import clopper_pearson
    from voxguard.privacy.audit_families import Releases
    from voxguard.privacy.audit_one_run import one_run
    from voxguard.privacy.canaries import GradientCanaries, InputCanaries
    from voxguard.privacy.example_level import ExampleDP
    from voxguard.privacy.federated import SpeakerDPFedAvg
    from voxguard.privacy.ledger import BudgetExceededError, Ledger
    from voxguard.privacy.preflight import Finding, Preflight, UnsafeModelError, preflight
    from voxguard.privacy.speaker_level import SpeakerDP

_HOME = {
    "BudgetExceededError": "ledger",
    "EpsilonBound": "audit_bound",
    "ExampleDP": "example_level",
    "Finding": "preflight",
    "GradientCanaries": "canaries",
    "InputCanaries": "canaries",
    "Ledger": "ledger",
    "Mechanism": "accounting",
    "Preflight": "preflight",
    "Releases": "audit_families",
    "SpeakerDP": "speaker_level",
    "SpeakerDPFedAvg": "federated",
    "UnsafeModelError": "preflight",
    "audit_speaker_dp": "audit",
    "clopper_pearson": "audit_clopper_pearson",
    "default_delta": "accounting",
    "epsilon": "accounting",
    "most_certifiable": "audit_bound",
    "noise_multiplier_for": "accounting",
    "one_run": "audit_one_run",
    "population_for": "accounting",
    "preflight": "preflight",
}

# What the names below may lack, and the extra that brings it.
_EXTRA = {"dp_accounting": "dp", "flwr": "fl", "opacus": "dp", "ray": "fl", "torch": "dp"}

__all__ = [
    "BudgetExceededError",
    "EpsilonBound",
    "ExampleDP",
    "Finding",
    "GradientCanaries",
    "InputCanaries",
    "Ledger",
    "Mechanism",
    "Preflight",
    "Releases",
    "SpeakerDP",
    "SpeakerDPFedAvg",
    "UnsafeModelError",
    "audit_speaker_dp",
    "clopper_pearson",
    "default_delta",
    "epsilon",
    "most_certifiable",
    "noise_multiplier_for",
    "one_run",
    "population_for",
    "preflight",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'voxguard.privacy' has no attribute {name!r}")
    try:
        value = getattr(import_module(f"voxguard.privacy.{_HOME[name]}"), name)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _EXTRA:
            raise
        raise MissingExtraError(package, _EXTRA[package], f"voxguard.privacy.{name}") from None
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)


class _Package(ModuleType):
    """A submodule may bear the name of the function in it: the function keeps the name.

    An import binds a submodule in its package. ``from voxguard.privacy import preflight`` would
    give the function or the module, depending on what was imported before.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOME and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
