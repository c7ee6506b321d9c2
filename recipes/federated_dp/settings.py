"""All that can be set, with what was used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

CONFIGS = Path(__file__).parent / "configs"


@dataclass(frozen=True)
class Settings:
    """Of this recipe; how a training is done is in the ``plan``, as in ``federated_attributes``.

    Attributes:
        tasks: What is learnt; see ``recipes/federated_attributes/tasks.py``.
        epsilons: Speaker-level; infinity for clipping without noise.
        seconds: Of each speaker at most.
        held_out: Speakers to test on besides those of the split "eval".
        most_clients: 0 for all.
        flower: Whether the first seed of every epsilon is run by Flower too, for the first task.
        canaries: Of the audit.
        broken_noise: The noise of the audit's negative control, as a share of what is claimed.
        seeds: Of the trainings.
        resamples: Of the intervals.
    """

    tasks: tuple[str, ...] = ("sex", "sounds")
    epsilons: tuple[float, ...] = (float("inf"), 8.0, 4.0, 2.0, 1.0)
    seconds: float = 30.0
    held_out: int = 40
    most_clients: int = 0
    flower: bool = True
    canaries: int = 2000
    broken_noise: float = 0.25
    seeds: tuple[int, ...] = (0, 1, 2)
    resamples: int = 1000
