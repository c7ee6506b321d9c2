"""What is run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from recipes.common import checked
from voxguard.anonymizers.base import methods

CONFIGS = Path(__file__).parent / "configs"


@dataclass(frozen=True)
class Config:
    """A configuration file; its name is that of the results.

    Attributes:
        name: Of the file, without its ending.
        methods: Anonymizers, in voxguard's words.
        seeds: Each seeds the models and the draws of one repetition of everything but the audio.
        copies: Renderings of each recording with draws of their own: the first is trained and
            tested on, the others are the attacker's.
        most_clips: Of each word, speaker and split; 0 for all.
        hidden: Units of the recogniser.
        epochs: Of its training.
        pairs: Pairs of models on complementary halves of the clips, for membership inference.
        splits: Pairs of models on complementary halves of the speakers, likewise.
    """

    name: str
    methods: tuple[str, ...] = ("mcadams", "world", "voice_conversion")
    seeds: tuple[int, ...] = (0, 1, 2)
    copies: int = 3
    most_clips: int = 0
    hidden: int = 256
    epochs: int = 40
    pairs: int = 5
    splits: int = 10

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.methods) - set(methods())):
            raise SystemExit(f"no method {unknown[0]!r}; there are {', '.join(methods())}")
        if self.copies < 2 or self.pairs < 3 or self.splits < 3:
            raise SystemExit(
                "the attacker needs draws and reference models of his own: copies from 2, pairs "
                f"and splits from 3; got {self.copies}, {self.pairs} and {self.splits}"
            )


def read(name: str, seed: int | None = None) -> Config:
    """Read a configuration; what it does not name stays as it is here.

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
    found = yaml.safe_load(path.read_text()) or {}
    if not isinstance(found, dict):
        raise SystemExit(f"{path.name}: lines of the form  setting: value  are accepted")
    listed = {k: tuple(v) if isinstance(v, list) else v for k, v in found.items()}
    if seed is not None:
        listed["seeds"] = (seed,)
    return Config(path.stem, **checked(Config, listed, path.name))
