"""What is run: every line of a configuration is one or several trainings."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from recipes.common import checked

CONFIGS = Path(__file__).parent / "configs"
_CHOICES = {
    "unit": ("example", "user"),
    "front_end": ("kernel", "encoded", "both", "bands"),
    "canary": ("label", "gradient"),
}


@dataclass(frozen=True)
class Run:
    """One training.

    Attributes:
        unit: What is hidden: one ``"example"``, or all of one ``"user"``.
        user_clips: Clips of a pseudo-user, cut from one speaker's; 0: users are the speakers.
        clips: Of a user, in each step.
        front_end: What the model sees; ``"bands"`` goes with a convolutional network that learns
            its own features, all others with a linear model.
        epsilon: The limit; infinity: no noise and no clipping.
        delta: 0 for the population to the power -1.1.
        steps: Of the optimizer.
        sampling_rate: Chance of a unit to be in a step.
        clipping_norm: Most that one unit's gradient is long.
        learning_rate: Constant.
        momentum: Of stochastic gradient descent.
        average_from: From which share of the steps on the weights are averaged.
        canaries: How many units are canaries, in or out by the toss of a coin; 0 for none.
        canary: ``"label"``: units with wrong labels, found by the finished model. ``"gradient"``:
            added units that the released updates are searched for; for users.
        dev: Test on the split that settings are chosen on, and do not train on it.
        seed: Of weights, users, canaries, sampling and noise. For research: a model that is to be
            published is trained with seed -1, the operating system's entropy.
    """

    unit: str = "example"
    user_clips: int = 5
    clips: int = 5
    front_end: str = "kernel"
    epsilon: float = math.inf
    delta: float = 0.0
    steps: int = 60
    sampling_rate: float = 1.0
    clipping_norm: float = 0.5
    learning_rate: float = 30.0
    momentum: float = 0.0
    average_from: float = 0.5
    canaries: int = 0
    canary: str = "label"
    dev: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name, accepted in _CHOICES.items():
            if getattr(self, name) not in accepted:
                raise SystemExit(
                    f"{name} is one of {', '.join(accepted)}; got {getattr(self, name)!r}"
                )
        if self.canaries and self.canary == "gradient" and self.unit != "user":
            raise SystemExit("canaries of the kind gradient are for the unit user")
        if self.canaries and self.seed < 0:
            raise SystemExit("canaries spoil a model that is to be published: take a seed from 0")

    @property
    def name(self) -> str:
        """Of its files: what it is about, and a digest of all settings."""
        digest = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()
        kind = f"-{self.canary}" if self.canaries else ""
        return (
            f"{self.unit}-{self.front_end}-eps{self.epsilon:g}{kind}-seed{self.seed}-{digest[:8]}"
        )


@dataclass(frozen=True)
class Config:
    """A configuration file; its name is that of the results.

    Attributes:
        name: Of the file, without its ending.
        runs: All trainings.
        most_clips: Of each word, speaker and split; 0 for all.
        batch: Examples of one backward pass.
        tensorboard: Whether to log, where TensorBoard is installed.
    """

    name: str
    runs: tuple[Run, ...]
    most_clips: int = 0
    batch: int = 512
    tensorboard: bool = True


def read(name: str, seed: int | None = None) -> Config:
    """Read a configuration.

    In an entry of ``runs`` a list stands for one training with each of its values, and with each
    pair of two lists. ``seeds`` are those of all entries that have none.

    Args:
        name: Path of a YAML file, or the name of one in ``configs/``.
        seed: Instead of all seeds in it.

    Raises:
        SystemExit: It is not there, or holds something else.
    """
    path = next((p for p in (Path(name), CONFIGS / name) if p.is_file()), None)
    if path is None:
        known = ", ".join(sorted(p.name for p in CONFIGS.glob("*.yaml")))
        raise SystemExit(f"no configuration {name}: give a YAML file, or one of {known}")
    found = yaml.safe_load(path.read_text())
    if not isinstance(found, dict) or not isinstance(found.get("runs"), list):
        raise SystemExit(f"{path.name}: a list of trainings under  runs:  is needed")
    seeds = found.pop("seeds", [0])
    entries: list[dict[str, Any]] = [{"seed": seeds, **entry} for entry in found.pop("runs")]
    if seed is not None:
        entries = [entry | {"seed": seed} for entry in entries]
    runs = [
        Run(**checked(Run, dict(zip(entry, values, strict=True)), path.name))
        for entry in entries
        for values in product(*(v if isinstance(v, list) else [v] for v in entry.values()))
    ]
    return Config(path.stem, tuple(dict.fromkeys(runs)), **checked(Config, found, path.name))
