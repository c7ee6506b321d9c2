"""What a training is taken up from after an interruption."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from recipes.common import say


def save(path: Path, parts: Mapping[str, Any], **values: Any) -> None:
    """Write the states of the parts, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    torch.save({name: part.state_dict() for name, part in parts.items()} | values, unfinished)
    unfinished.rename(path)


def load(
    path: Path, parts: Mapping[str, Any], settings: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Put the states back into the parts; the values that were kept, or None where there are none.

    Raises:
        SystemExit: It is of a run with other settings.
    """
    if not path.exists():
        return None
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    began = state["settings"]
    other = [f"{name} was {began.get(name)!r} and is {now!r}" for name, now in settings.items()
             if began.get(name) != now]  # fmt: skip
    if other:
        raise SystemExit(
            f"{path} is of a run that began otherwise ({', '.join(other)}); name the configuration "
            "differently, or delete that file"
        )
    for name, part in parts.items():
        part.load_state_dict(state[name])
    say(f"{path.name}: goes on at step {state['step']}")
    return state
