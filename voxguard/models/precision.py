"""Half precision for training, where the machine is faster with it."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any

from voxguard.errors import ConfigurationError
from voxguard.models.optional import optional

PRECISIONS = ("auto", "float32", "bfloat16")
_LEAST_GAIN = 1.2  # what is nearly as fast is not worth the digits


def check_precision(precision: str) -> str:
    """Check the name of a precision.

    Raises:
        ConfigurationError: Not ``"auto"``, ``"float32"`` or ``"bfloat16"``.
    """
    if precision not in PRECISIONS:
        raise ConfigurationError(
            f"precision= takes one of {', '.join(PRECISIONS)}, got {precision!r}"
        )
    return precision


def autocast(device: str, precision: str = "auto") -> Any:
    """Context in which a network computes in that precision; weights and losses stay float32.

    Args:
        device: In torch's words.
        precision: ``"float32"``, ``"bfloat16"``, or ``"auto"``: the latter where it is faster. It
            may halve the time; the same seed then gives the same result only on machines of a kind.

    Example:
        >>> import torch
        >>> from voxguard.models.precision import autocast
        >>> with autocast("cpu", "bfloat16"):
        ...     print((torch.ones(2, 2) @ torch.ones(2, 2)).dtype)
        torch.bfloat16
    """
    torch = optional("torch", "eval", "training")
    kind = torch.device(device).type
    half = precision == "bfloat16" or (precision == "auto" and _half_is_fast(torch, kind))
    return torch.autocast(kind, dtype=torch.bfloat16, enabled=half)


def _half_is_fast(torch: Any, kind: str) -> bool:
    if kind == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    # Older torch has no way to ask; then it is float32.
    asked = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return kind == "cpu" and bool(asked()) and _half_wins()


@lru_cache(maxsize=1)
def _half_wins() -> bool:
    """Whether products are faster; some processors have the instruction and are slower by it."""
    torch = optional("torch", "eval", "training")

    def seconds(kind: Any) -> float:
        square = torch.ones(512, 512, dtype=kind)
        square @ square  # warms up
        times = []
        for _ in range(5):
            start = time.perf_counter()
            square @ square
            times.append(time.perf_counter() - start)
        return min(times)

    return seconds(torch.bfloat16) * _LEAST_GAIN < seconds(torch.float32)
