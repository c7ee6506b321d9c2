"""All that can be set, with what was used."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import yaml

CONFIGS = Path(__file__).parent / "configs"
UNITS, STARTS, TRAINED = ("speaker", "example"), ("random", "public"), ("all", "last")
LOSSES = ("strangers", "classes")


@dataclass(frozen=True)
class Method:
    """One way to train; a row of the table for each epsilon.

    Attributes:
        name: What its runs are called.
        unit: ``"speaker"`` or ``"example"``: what one unit of the guarantee is. An example is one
            segment of speech.
        start: ``"random"`` weights, or those that were trained on the ``"public"`` speakers.
        trained: ``"all"`` layers, or the ``"last"``, behind the pooling over time.
        loss: ``"strangers"``: segments of a speaker against those of public ones, for speakers.
            ``"classes"``: a class for each private speaker.
        steps: Releases.
        sampling_rate: Chance of a unit to be in a step.
        clipping_norm: Greatest gradient norm of a unit.
        learning_rate: Of Adam.
        utterances: Segments drawn of a speaker in a step; 1 where the unit is the example.
        engine: ``"microbatch"`` or ``"vectorised"``, where the unit is the speaker.
        epsilons: Instead of those of the settings.
    """

    name: str
    unit: str
    start: str
    trained: str
    loss: str
    steps: int
    sampling_rate: float
    clipping_norm: float = 1.0
    learning_rate: float = 0.001
    utterances: int = 4
    engine: str = "microbatch"
    epsilons: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for what, accepted in (
            ("unit", UNITS), ("start", STARTS), ("trained", TRAINED), ("loss", LOSSES)
        ):  # fmt: skip
            if getattr(self, what) not in accepted:
                raise SystemExit(
                    f"method {self.name}: {what} takes {' or '.join(accepted)}, "
                    f"got {getattr(self, what)!r}"
                )
        if self.loss == "strangers" and (self.unit != "speaker" or self.utterances < 2):
            raise SystemExit(
                f"method {self.name}: against strangers, segments of a speaker are compared with "
                "each other: unit takes speaker, and utterances 2 or more; got "
                f"{self.unit} and {self.utterances}"
            )


@dataclass(frozen=True)
class Settings:
    """Of all runs.

    Attributes:
        public_split: Value of the column ``split`` of those among whom the public speakers are;
            ``""``: anybody.
        public_speakers: How many of them are public, by lot.
        recordings: Most recordings of a speaker who is trained on; 0 for all.
        audited: Share of the private speakers who are in the training by the toss of a coin: those
            who are out are the attacker's non-members, and strangers to verify.
        segment_s: Length of a segment.
        hop_s: Distance between the starts of two segments where the unit is the speaker; where it
            is the example, segments do not overlap.
        test_s: Most seconds of a recording that is verified.
        channels: Of the convolutions.
        embedding: Size of the speaker's vector.
        attention: Channels of the pooling's attention.
        groups: Of the group normalisation.
        margin: Off the cosine of the right class.
        scale: Of the cosines, against strangers.
        scale_classes: Of the cosines, among classes.
        public_segments: Of each public speaker, as strangers in the loss.
        pretraining_steps: On the public speakers.
        pretraining_batch: Segments in such a step.
        pretraining_rate: Its learning rate at the highest.
        seeds: One whole set of runs for each.
        epsilons: ``.inf`` for without noise.
        practical_epsilon: What the population column is about.
        canaries: Of the white-box audit; 0 leaves it out.
        audit_epsilon: The claim that the audit is held against.
        reproducible: Whether sampling and noise come from the seed. Whoever knows it can take the
            noise off: for figures only, not for a model that leaves the house.
        checkpoint_every: Steps between checkpoints.
    """

    public_split: str = "train"
    public_speakers: int = 20
    recordings: int = 24
    audited: float = 0.4
    segment_s: float = 2.0
    hop_s: float = 1.0
    test_s: float = 6.0
    channels: int = 32
    embedding: int = 64
    attention: int = 16
    groups: int = 1
    margin: float = 0.2
    scale: float = 10.0
    scale_classes: float = 30.0
    public_segments: int = 8
    pretraining_steps: int = 400
    pretraining_batch: int = 32
    pretraining_rate: float = 0.004
    seeds: tuple[int, ...] = (0, 1, 2)
    epsilons: tuple[float, ...] = (math.inf, 100.0, 50.0, 20.0, 8.0, 4.0, 2.0, 1.0)
    practical_epsilon: float = 8.0
    canaries: int = 2000
    audit_epsilon: float = 1.0
    reproducible: bool = True
    checkpoint_every: int = 20


@dataclass(frozen=True)
class Config:
    """A configuration file; its name is that of the folder of its runs."""

    name: str
    settings: Settings
    methods: tuple[Method, ...]

    def as_dict(self) -> dict[str, Any]:
        """For the record, and to be compared with that of another day."""
        return {"settings": asdict(self.settings), "methods": [asdict(m) for m in self.methods]}

    def only(self, *, methods: list[str] | None, seeds: list[int] | None) -> Config:
        """Some of the runs.

        Raises:
            SystemExit: There is no method of that name.
        """
        known = [method.name for method in self.methods]
        if unknown := sorted(set(methods or ()) - set(known)):
            raise SystemExit(f"no method {unknown[0]!r} in {self.name}; there are {known}")
        kept = tuple(m for m in self.methods if not methods or m.name in methods)
        chosen = tuple(seeds) if seeds else self.settings.seeds
        return replace(self, methods=kept, settings=replace(self.settings, seeds=chosen))


def read(name: str) -> Config:
    """Read a configuration; what it does not name stays as it is here.

    Args:
        name: Path of a YAML file, or the name of one in ``configs/``.

    Raises:
        SystemExit: There is none, or it says what is not accepted.
    """
    path = next((p for p in (Path(name), CONFIGS / name) if p.is_file()), None)
    if path is None:
        known = ", ".join(sorted(p.name for p in CONFIGS.glob("*.yaml")))
        raise SystemExit(f"no configuration {name}: give a YAML file, or one of {known}")
    found = yaml.safe_load(path.read_text()) or {}
    if not isinstance(found, dict) or not isinstance(found.get("methods"), list):
        raise SystemExit(f"{path.name}: takes settings, and a list of methods")
    methods = tuple(_made(Method, m, path.name) for m in found.pop("methods"))
    if len({method.name for method in methods}) < len(methods):
        raise SystemExit(f"{path.name}: each method takes a name of its own")
    return Config(path.stem, _made(Settings, found, path.name), methods)


def _made(cls: Any, found: Any, where: str) -> Any:
    if not isinstance(found, dict):
        raise SystemExit(f"{where}: lines of the form  setting: value  are accepted")
    kinds = {f.name: str(f.type).partition("[")[0] for f in fields(cls)}
    values = {}
    for name, value in found.items():
        if name not in kinds:
            raise SystemExit(f"{where}: no setting {name!r}; there are {', '.join(kinds)}")
        kind = kinds[name]
        if kind == "float" and type(value) is int:
            value = float(value)
        elif kind == "tuple" and isinstance(value, list):
            number = float if name == "epsilons" else int
            value = tuple(number(part) for part in value)
        if type(value).__name__ != kind:
            raise SystemExit(f"{where}: {name} takes a {kind}, got {value!r}")
        values[name] = value
    try:
        return cls(**values)
    except TypeError as error:
        raise SystemExit(f"{where}: {error}") from None
