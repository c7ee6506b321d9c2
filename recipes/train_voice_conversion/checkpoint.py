"""What a run is taken up from after an interruption."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from recipes.train_voice_conversion.settings import Settings

FILE, LOG = "checkpoint.pt", "log.jsonl"


def save(folder: Path, parts: Mapping[str, Any], **values: Any) -> None:
    """Write the states of the parts, whole or not at all."""
    state = {name: part.state_dict() for name, part in parts.items()}
    unfinished = folder / "checkpoint.part"
    torch.save(state | values, unfinished)
    unfinished.rename(folder / FILE)


def load(folder: Path) -> dict[str, Any] | None:
    """The state of a run, on the CPU; None where it has none."""
    path = folder / FILE
    if not path.exists():
        return None
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def restore(parts: Mapping[str, Any], state: Mapping[str, Any], where: Path) -> None:
    """Put states back into the parts."""
    for name, part in parts.items():
        try:
            part.load_state_dict(state[name])
        except (KeyError, RuntimeError, ValueError) as error:
            raise SystemExit(
                f"{where / FILE} does not fit: another network or other speakers "
                f"({name}: {str(error).splitlines()[0]}); take another work folder"
            ) from None


def check_settings(found: Mapping[str, Any], settings: Settings, where: Path) -> None:
    """Refuse to go on with a run under other settings than it began with."""
    began, now = asdict(Settings(**found)), asdict(settings)
    other = [f"{name} was {began[name]!r} and is {now[name]!r}" for name in now
             if began[name] != now[name]]  # fmt: skip
    if other:
        raise SystemExit(
            f"{where} holds a run that began otherwise ({', '.join(other)}); name the "
            "configuration differently, or delete that folder"
        )


class Log:
    """``log.jsonl`` of a run: what came out, now and then."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOG

    def cut(self, done: Mapping[str, int]) -> float:
        """Drop what came after the checkpoint; the seconds that were spent until then."""
        lines = read_log(self._path)
        kept = [x for x in lines if all(x.get(name, 0) <= at for name, at in done.items())]
        self._path.write_text("".join(json.dumps(line) + "\n" for line in kept))
        return max((line.get("seconds", 0.0) for line in kept), default=0.0)

    def write(self, line: Mapping[str, float | None]) -> None:
        """Add a line."""
        with self._path.open("a") as file:
            file.write(json.dumps(line) + "\n")


def read_log(path: Path) -> list[dict[str, Any]]:
    """The lines of a log; what a killed process left of a line is not one."""
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]
