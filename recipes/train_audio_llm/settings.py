"""What is run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from recipes.common import checked
from recipes.train_audio_llm.wordings import KINDS, SAID, SEX, SPEAKER, WHICH, WRITTEN

CONFIGS = Path(__file__).parent / "configs"


@dataclass(frozen=True)
class Settings:
    """How a model is made.

    Attributes:
        seconds: Longest clip; of what is longer the model hears the beginning.
        mels: Bands of the spectrogram.
        width: Of encoder and decoder.
        layers: Of encoder and of decoder.
        vocabulary: Most tokens.
        kinds: What it is asked, some of ``KINDS`` in wordings.py.
        words: How many frequent words it is asked about most.
        aligned: Whether phones and times of words are had from pocketsphinx; without, a recording
            is one clip.
        recognised: Whether what has no transcript gets the phones that pocketsphinx hears.
        reading: Steps in which the encoder learns phones alone, or words where there are none.
        listening: Steps after these in which it learns phones, words, sex and voice.
        talking: Steps in which the decoder learns to answer.
        batch: Clips of a step.
        rate: Highest learning rate.
        refusals: Share of the questions without any speech that are answered with a refusal; the
            others are answered by a guess.
        dropout: In the encoder.
        most_speakers: Of each split; 0 for all.
        most_utterances: Of each speaker; 0 for all.
        seed: Of weights, clips and questions.
    """

    seconds: int = 6
    mels: int = 64
    width: int = 192
    layers: int = 4
    vocabulary: int = 2048
    kinds: tuple[str, ...] = (SEX, SPEAKER, WHICH, SAID, WRITTEN)
    words: int = 150
    aligned: bool = True
    recognised: bool = False
    reading: int = 0
    listening: int = 2400
    talking: int = 2400
    batch: int = 8
    rate: float = 1e-3
    refusals: float = 0.0
    dropout: float = 0.1
    most_speakers: int = 0
    most_utterances: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0.0 <= self.refusals <= 1.0 or not 0.0 <= self.dropout < 1.0:
            raise SystemExit("refusals is a share from 0 to 1, dropout one from 0 to below 1")
        if unknown := sorted(set(self.kinds) - set(KINDS)):
            raise SystemExit(f"no kind of question {unknown[0]!r}; there are {', '.join(KINDS)}")
        for name in ("seconds", "listening", "talking", "batch", "words"):
            if getattr(self, name) < 1:
                raise SystemExit(f"{name} takes 1 or more, got {getattr(self, name)}")
        if self.reading < 0:
            raise SystemExit(f"reading takes 0 or more, got {self.reading}")
        if self.width % 64:
            raise SystemExit(f"width is a multiple of 64, got {self.width}")

    @property
    def frames(self) -> int:
        """Of the model's window."""
        return 100 * self.seconds


@dataclass(frozen=True)
class Members:
    """What is planted for membership inference.

    Attributes:
        clips: Most clips of either kind; 0: none is planted.
        steps: Of training on the members.
        batch: Clips of a step.
        rate: Highest learning rate.
        seed: Of the choice.
    """

    clips: int = 0
    steps: int = 600
    batch: int = 16
    rate: float = 1e-3
    seed: int = 0


@dataclass(frozen=True)
class Config:
    """A configuration file; its name is that of the run.

    Attributes:
        name: Of the file, without its ending.
        asked: Most questions of each kind in the evaluation.
        settings: Of the model.
        members: Of what is planted.
    """

    name: str
    asked: int = 150
    settings: Settings = field(default_factory=Settings)
    members: Members = field(default_factory=Members)


def read(name: str, seed: int | None = None) -> Config:
    """Read a configuration; what it does not name stays as it is here.

    Args:
        name: Path of a YAML file, or the name of one in ``configs/``.
        seed: Instead of its own.

    Raises:
        SystemExit: It is not there, or holds something else.
    """
    path = next((p for p in (Path(name), CONFIGS / name) if p.is_file()), None)
    if path is None:
        known = ", ".join(sorted(p.name for p in CONFIGS.glob("*.yaml")))
        raise SystemExit(f"no configuration {name}: give a YAML file, or one of {known}")
    found: dict[str, Any] = yaml.safe_load(path.read_text()) or {}
    planted = found.pop("members", {}) if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(planted, dict):
        raise SystemExit(f"{path.name}: lines of the form  setting: value  are accepted")
    asked = found.pop("asked", Config.asked)
    if type(asked) is not int or asked < 1:
        raise SystemExit(f"{path.name}: asked takes a number from 1, got {asked!r}")
    if seed is not None:
        found["seed"] = seed
    return Config(
        path.stem,
        asked,
        Settings(**checked(Settings, found, path.name)),
        Members(**checked(Members, planted, f"{path.name}, members")),
    )
