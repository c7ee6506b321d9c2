"""What speaker-level DP checks before it begins."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from voxguard.errors import ConfigurationError
from voxguard.privacy.ledger import Ledger

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer

__all__ = ["check_figures", "check_ledger", "check_speakers", "trainable"]


def check_figures(
    noise_multiplier: float,
    sampling_rate: float,
    clipping_norm: float,
    utterances: int,
    seed: int | None,
) -> None:
    """Refuse figures that no guarantee can rest on."""
    if not 0.0 <= noise_multiplier < math.inf:
        raise ConfigurationError(
            f"noise_multiplier= takes a number of at least 0, got {noise_multiplier!r}"
        )
    if not 0.0 < sampling_rate <= 1.0:
        raise ConfigurationError(f"sampling_rate= lies above 0 up to 1, got {sampling_rate!r}")
    if not 0.0 < clipping_norm < math.inf:
        raise ConfigurationError(f"clipping_norm= takes a number above 0, got {clipping_norm!r}")
    if isinstance(utterances, bool) or not isinstance(utterances, int) or utterances < 1:
        raise ConfigurationError(f"utterances= takes an integer of at least 1, got {utterances!r}")
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int) or seed < 0):
        raise ConfigurationError(f"seed= takes None or an integer of at least 0, got {seed!r}")


def check_speakers(speakers: Mapping[str, Sequence[Any]]) -> None:
    """Refuse speakers of whom there is nothing to draw."""
    if silent := [name for name, said in speakers.items() if not len(said)]:
        raise ConfigurationError(
            f"{len(silent)} of {len(speakers)} speakers have no utterances; leave them out"
        )


def check_ledger(ledger: Ledger, population: int, noise_multiplier: float) -> None:
    """Refuse a ledger of another unit or population, and one that no step would be charged to."""
    if (ledger.unit, ledger.population) != ("speaker", population):
        raise ConfigurationError(
            f"the ledger is for {ledger.population} units of kind {ledger.unit}, the training "
            f"for {population} of kind speaker; open one for these"
        )
    if noise_multiplier == 0.0 and ledger.max_epsilon < math.inf:
        raise ConfigurationError(
            f"without noise epsilon is infinite, and the ledger allows {ledger.max_epsilon:g}; "
            "take a noise multiplier above 0, or a ledger without a limit"
        )


def trainable(model: nn.Module, optimizer: Optimizer) -> list[nn.Parameter]:
    """Parameters of the model that require a gradient; all that is optimized is among them."""
    found = [p for p in model.parameters() if p.requires_grad]
    known = {id(p) for p in model.parameters()}
    optimized = [p for group in optimizer.param_groups for p in group["params"]]
    if strangers := [p for p in optimized if id(p) not in known]:
        raise ConfigurationError(
            f"the optimizer holds {len(strangers)} parameters that are not in the model and would "
            "never be trained: put all of them into one module, a classifier's too"
        )
    if not found:
        raise ConfigurationError("no parameter of the model requires a gradient")
    return found
