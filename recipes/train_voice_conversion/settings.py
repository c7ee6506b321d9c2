"""All that can be set, with what was used."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import yaml

from recipes.common import checked
from voxguard.models.network import NetworkShape

CONFIGS = Path(__file__).parent / "configs"

# Unseen in training, and what every choice in this recipe was made on.
DEV_SPEAKERS = ("5789", "6848", "7367", "7859")


@dataclass(frozen=True)
class Settings:
    """Of a training run.

    Attributes:
        steps: Optimiser steps.
        reading_steps: Steps before those, in which the encoder learns to read phones only.
        batch: Chunks of 2.56 s in a step.
        learning_rate: At its highest.
        causal: Train the network for live signals.
        teacher: Run in the same work folder whose codes a network for live signals learns to find;
            "" for one that finds its own.
        decoder_from: From which share of its steps on the decoder learns, too.
        ahead: Frames of 10 ms that such a network hears before what it is to say.
        start_from: Run in the same work folder whose weights are the start; "" for random ones.
        continuous_steps: Steps before the quantiser comes in.
        kept_levels: How often so many levels of the quantiser are kept: 1 to all, and none of it.
        segments: Least and most segments a second over which content is averaged before it is
            quantised, drawn for each sample; from 50 on all codes stay as they are.
        differences: Weight of the envelope's differences in time and frequency.
        phones: Weight of reading phones from content.
        confusion: Weight of the speaker's not being read from it.
        apart: The speakers' reader learns from first halves of recordings, and the content of
            second halves is not to tell it the speaker: the words of a recording are no trait.
        unbounded: Reverse the adversary's gradient instead, which has no bound.
        consistency: Weight of two views having one content.
        self_conversion: How often the second view is the model's own conversion.
        self_from: From which share of the steps on.
        converted: Weight of words being heard in another voice as in the speaker's own; the first
            view is then said in another voice, and not in its own.
        critic: Weight of the critic's opinion.
        critic_from: From which share of the steps on.
        recognised: Learn phones from recognised words too, where there is no transcript.
        few: Share of the chunks that come from speakers of one or two recordings.
        dropout: Share of the channels that each block of the encoder misses.
        masked_bands: Most neighbouring bands that a view lacks.
        seed: Of everything.
        width: Channels of the network.
        dilations: Of the blocks of the encoder, and of the decoder.
        codebooks: Entries of each level of the quantiser.
        dev_speakers: Speakers who are not trained on but measured.
        most_speakers: Of a split, the dev speakers first; 0 for all.
        most_utterances: Of a speaker; 0 for all.
        log_every: Steps between two lines of the log.
        save_every: Steps between two checkpoints.
    """

    steps: int = 7000
    reading_steps: int = 3000
    batch: int = 10
    learning_rate: float = 7e-4
    causal: bool = False
    teacher: str = ""
    decoder_from: float = 0.0
    ahead: int = 0
    start_from: str = ""
    continuous_steps: int = 250
    kept_levels: tuple[float, ...] = (0.25, 0.25, 0.25, 0.15, 0.10)
    segments: tuple[float, ...] = (50.0, 50.0)
    differences: float = 1.0
    phones: float = 1.0
    confusion: float = 0.15
    apart: bool = False
    unbounded: bool = False
    consistency: float = 0.3
    self_conversion: float = 0.5
    self_from: float = 0.2
    converted: float = 0.0
    critic: float = 0.1
    critic_from: float = 0.75
    recognised: bool = False
    few: float = 0.4
    dropout: float = 0.0
    masked_bands: int = 0
    seed: int = 0
    width: int = 256
    dilations: tuple[int, ...] = (1, 2, 4, 1, 2, 4, 1)
    codebooks: tuple[int, ...] = (512, 256, 256, 256)
    dev_speakers: tuple[str, ...] = DEV_SPEAKERS
    most_speakers: int = 0
    most_utterances: int = 0
    log_every: int = 50
    save_every: int = 250

    def __post_init__(self) -> None:
        for name, run in (("start_from", self.start_from), ("teacher", self.teacher)):
            if Path(run).name != run:
                raise SystemExit(
                    f"{name} takes the name of a run in the work folder, got {run!r}: "
                    "it is exported with the weights, and a path would tell of this machine"
                )
        if self.teacher and not self.causal:
            raise SystemExit(
                "teacher goes with causal: true; recordings are learnt from themselves"
            )
        if self.ahead not in ((0, 1) if self.teacher else (0,)):
            raise SystemExit(f"ahead takes 0, or 1 where there is a teacher; got {self.ahead}")
        if self.apart and self.batch < 2:
            raise SystemExit("apart takes a batch of 2 chunks or more, one of either half")

    @property
    def shape(self) -> NetworkShape:
        """The network that is trained."""
        return NetworkShape(
            width=self.width,
            codebooks=self.codebooks,
            encoder=self.dilations,
            decoder=self.dilations,
            causal=self.causal,
            ahead=self.ahead,
        )


@dataclass(frozen=True)
class Evaluation:
    """How weights are looked at.

    Attributes:
        levels: Levels of the quantiser that pass; 0 for no quantiser.
        segments: So many stretches of content a second; 0 for all codes as they are.
        intonation: Correlation of the new pitch contour with the speaker's.
        tempo: How far durations are changed.
        utterances: Of each speaker.
        others: Speakers who are not attacked, for the attacker to learn from.
        piece_seconds: Their recordings are cut into pieces of at least this length.
        content_steps: Of the training of those who attack and read the content alone.
        seed: Of the draws and intervals.
    """

    levels: int = 3
    segments: float = 0.0
    intonation: float = 0.8
    tempo: float = 0.0
    utterances: int = 10
    others: int = 120
    piece_seconds: float = 4.0
    content_steps: int = 600
    seed: int = 0


@dataclass(frozen=True)
class Config:
    """A configuration file; its name is that of the run."""

    name: str
    settings: Settings = field(default_factory=Settings)
    evaluation: Evaluation = field(default_factory=Evaluation)


def read(name: str) -> Config:
    """Read a configuration; what it does not name stays as it is here.

    Args:
        name: Path of a YAML file, or the name of one in ``configs/``.
    """
    path = next((p for p in (Path(name), CONFIGS / name) if p.is_file()), None)
    if path is None:
        known = ", ".join(sorted(p.name for p in CONFIGS.glob("*.yaml")))
        raise SystemExit(f"no configuration {name}: give a YAML file, or one of {known}")
    found = yaml.safe_load(path.read_text()) or {}
    if not isinstance(found, dict):
        raise SystemExit(f"{path.name}: lines of the form  setting: value  are accepted")
    evaluation = Evaluation(**checked(Evaluation, found.pop("evaluation", None) or {}, path.name))
    settings = Settings(**checked(Settings, found, path.name))
    if len(settings.kept_levels) != len(settings.codebooks) + 1:
        raise SystemExit(
            f"{path.name}: kept_levels takes one number a codebook and one for no quantiser, "
            f"{len(settings.codebooks) + 1}; got {len(settings.kept_levels)}"
        )
    return Config(path.stem, settings, evaluation)
