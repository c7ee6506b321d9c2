"""What a speaker-level DP training is taken up from: everything that decides its next step."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from voxguard.errors import ConfigurationError, OutputError

if TYPE_CHECKING:
    from voxguard.privacy.speaker_level import SpeakerDP

__all__ = ["restore", "save"]

_FORMAT = "voxguard speaker-level DP 1"


def save(trainer: SpeakerDP, path: Path) -> None:
    """Write a checkpoint, whole or not at all, readable by its owner only.

    It holds the key of sampling and noise, which takes the noise off every update: never publish
    it.

    Args:
        trainer: Between two steps.
        path: The file; replaced if it is there.

    Raises:
        OutputError: It cannot be written.
    """
    state = {
        "format": _FORMAT,
        "step": trainer.steps_done,
        "key": trainer._key.hex(),
        "run": trainer.run,
        "settings": trainer.settings(),
        **{name: part.state_dict() for name, part in _parts(trainer).items()},
    }
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            torch.save(state, stream)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise OutputError(
            f"the checkpoint {path} could not be written ({error.strerror or error})"
        ) from None


def restore(trainer: SpeakerDP, path: Path) -> bool:
    """Put a trainer where a checkpoint was written; one that is further already stays.

    Args:
        trainer: Made as the one that wrote it.
        path: The file.

    Returns:
        Whether there is one.

    Raises:
        ConfigurationError: It is damaged, or of another training.
    """
    if not path.exists():
        return False
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        fits = state["format"] == _FORMAT
    except Exception as error:  # a damaged file fails in many ways
        raise ConfigurationError(
            f"the checkpoint {path} cannot be read ({type(error).__name__}); restore it from a "
            "copy. Beginning anew spends the budget a second time and takes a new ledger"
        ) from error
    _check(trainer, state, fits, path)
    if trainer.steps_done >= state["step"] and trainer.steps_done > 0:
        return True
    try:
        for name, part in _parts(trainer).items():
            part.load_state_dict(state[name])
    except (KeyError, RuntimeError, ValueError) as error:
        raise ConfigurationError(
            f"the checkpoint {path} is of another model, optimizer or scheduler "
            f"({str(error).splitlines()[0]}); make the trainer as it was made"
        ) from None
    trainer.steps_done = state["step"]
    trainer._key = bytes.fromhex(state["key"])
    trainer._run = state["run"]
    return True


def _check(trainer: SpeakerDP, state: dict[str, Any], fits: bool, path: Path) -> None:
    found, own = state.get("settings", {}), trainer.settings()
    differ = [f"{name} was {found.get(name)!r} and is {own[name]!r}" for name in own
              if found.get(name) != own[name]]  # fmt: skip
    if not fits or differ:
        raise ConfigurationError(
            f"the checkpoint {path} is of another training ("
            f"{'; '.join(differ) or state.get('format')}): repeating its steps otherwise would "
            "release them twice; go on as it began, or begin with a new checkpoint and ledger"
        )
    bound = trainer._seeded or trainer.steps_done > 0
    if bound and state["key"] != trainer._key.hex():
        raise ConfigurationError(
            f"the checkpoint {path} is of a run with another seed; take that one, or None"
        )


def _parts(trainer: SpeakerDP) -> dict[str, Any]:
    parts = {"model": trainer.model, "optimizer": trainer.optimizer, "scheduler": trainer.scheduler}
    return {name: part for name, part in parts.items() if part is not None}
