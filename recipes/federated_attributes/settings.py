"""All that can be set, with what was used."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from recipes.common import checked

CONFIGS = Path(__file__).parent / "configs"


@dataclass(frozen=True)
class Plan:
    """A federated training.

    Attributes:
        rounds: How many.
        cohort: Probability that a speaker takes part in a round.
        local_steps: Of gradient descent on a client, on all of its examples.
        learning_rate: Of these.
        clipping_norm: Of a client's update.
        momentum: Of the server.
        hidden: Units of a hidden layer; 0 for none.
    """

    rounds: int = 20
    cohort: float = 0.5
    local_steps: int = 5
    learning_rate: float = 0.1
    clipping_norm: float = 0.5
    momentum: float = 0.9
    hidden: int = 0

    def as_run_config(self) -> dict[str, Any]:
        """In the words of the Flower app."""
        return {field.name.replace("_", "-"): getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True)
class Settings:
    """Of this recipe.

    Attributes:
        tasks: What is learnt; see ``tasks.py``.
        anonymize: Methods that the local data go through, "none" among them.
        seconds: Of each speaker at most.
        held_out: Speakers to test on besides those of the split "eval".
        most_clients: 0 for all.
        flower: Which of the trainings also run by Flower, as "task method"; "" for none.
        deployment_nodes: SuperNodes of ``--deployment``.
        deployment_speakers: Speakers of each of them.
        deployment_rounds: Rounds.
        deployment_noise: Noise multiplier.
        deployment_clipping_norm: Of a speaker's update.
        seeds: Of the trainings.
        resamples: Of the intervals.
    """

    tasks: tuple[str, ...] = ("sex", "sounds")
    anonymize: tuple[str, ...] = ("none", "voice_conversion")
    seconds: float = 30.0
    held_out: int = 40
    most_clients: int = 0
    flower: tuple[str, ...] = ("sex none",)
    deployment_nodes: int = 3
    deployment_speakers: int = 8
    deployment_rounds: int = 4
    deployment_noise: float = 2.0
    deployment_clipping_norm: float = 0.5
    seeds: tuple[int, ...] = (0, 1, 2)
    resamples: int = 1000


@dataclass(frozen=True)
class Config:
    """A configuration file."""

    name: str
    settings: Settings = field(default_factory=Settings)
    plan: Plan = field(default_factory=Plan)


def read(name: str, folder: Path = CONFIGS, kind: Any = Settings) -> Config:
    """Read a configuration; what it does not name stays as it is here.

    Args:
        name: Path of a YAML file, or the name of one in ``folder``.
        folder: With those of the recipe.
        kind: Of its settings.

    Raises:
        SystemExit: There is no such file, or what it sets is none.
    """
    path = next((p for p in (Path(name), folder / name) if p.is_file()), None)
    if path is None:
        known = ", ".join(sorted(p.name for p in folder.glob("*.yaml")))
        raise SystemExit(f"no configuration {name}: give a YAML file, or one of {known}")
    found = yaml.safe_load(path.read_text()) or {}
    if not isinstance(found, dict):
        raise SystemExit(f"{path.name}: lines of the form  setting: value  are accepted")
    plan = Plan(**checked(Plan, found.pop("plan", None) or {}, path.name))
    return Config(path.stem, kind(**checked(kind, found, path.name)), plan)
