"""What is evaluated and how, as data: a protocol is a YAML file that anyone can read and repeat."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from voxguard.errors import ConfigurationError

Knowledge = Literal["unprotected", "ignorant", "lazy-informed", "semi-informed"]
KNOWLEDGE: tuple[Knowledge, ...] = get_args(Knowledge)
SCHEMA = "voxguard.protocol/1"
_SHIPPED = Path(__file__).parent / "protocols"


@dataclass(frozen=True)
class DataPlan:
    """Which part of the data is what.

    Attributes:
        manifest: CSV or folder, relative to the data folder; ``""``: the data folder itself.
        synthetic: ``{speakers, utterances, seconds}`` of voices that voxguard makes, instead.
        evaluate: Columns and values that select who is attacked; empty: see ``train_share``.
        train: Columns and values that select whom the attacker trains on.
        train_share: Where nothing is selected: the share of speakers that the attacker gets.
        enrolment: Utterances per speaker for enrolment, where the data name no roles.
        minimum_s: Recordings shorter than this are excluded.
        sessions: ``"any"`` or ``"cross"``: mated trials only from sessions that no enrolment
            utterance of the speaker is from.
    """

    manifest: str = ""
    synthetic: Mapping[str, Any] = field(default_factory=dict)
    evaluate: Mapping[str, Any] = field(default_factory=dict)
    train: Mapping[str, Any] = field(default_factory=dict)
    train_share: float = 0.5
    enrolment: int = 5
    minimum_s: float = 0.5
    sessions: Literal["any", "cross"] = "any"


@dataclass(frozen=True)
class AttackerPlan:
    """One encoder, and the back-ends that compare its vectors.

    Attributes:
        encoder: A name of :data:`voxguard.attacks.encoders.encoders`.
        backends: Names of back-ends; each with each knowledge is one attacker of the panel, but
            for a semi-informed one of which no part can be trained.
        knowledge: What the attacker knows.
        options: Of the encoder.
        name: What the report calls the encoder with these options; by default as the encoder.
    """

    encoder: str
    backends: tuple[str, ...] = ("cosine",)
    knowledge: tuple[Knowledge, ...] = KNOWLEDGE
    options: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""

    @property
    def called(self) -> str:
        """What the report calls the encoder."""
        return self.name or self.encoder


@dataclass(frozen=True)
class AttributePlan:
    """Labels that are inferred from the voice.

    Attributes:
        columns: Label columns; ``age`` is put into bands.
        features: Names of encoders.
        utterances_per_speaker: At most so many.
        evaluate: Columns and values that select the utterances; empty: all.
    """

    columns: tuple[str, ...] = ()
    features: tuple[str, ...] = ("dvector", "acoustic")
    utterances_per_speaker: int = 10
    evaluate: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class UtilityPlan:
    """What is measured of what is lost.

    Attributes:
        recogniser: Of the word error rate: ``"pocketsphinx"``, ``"faster-whisper:MODEL"`` ...;
            ``""``: none.
        wer_utterances: At most so many trial utterances are transcribed, evenly over the speakers.
        stress_wer_utterances: As many again for each stress axis; 0: none.
        pitch: Whether to measure the pitch correlation.
        quality: ``"dnsmos"`` or ``""``.
        emotion: The label column for the emotion UAR, or ``""``.
    """

    recogniser: str = ""
    wer_utterances: int = 60
    stress_wer_utterances: int = 20
    pitch: bool = True
    quality: str = ""
    emotion: str = ""


@dataclass(frozen=True)
class Protocol:
    """An evaluation, written down.

    Attributes:
        name: What results made by it are called.
        version: Changes whenever figures change their meaning.
        description: For the report.
        data: See :class:`DataPlan`.
        attackers: The panel.
        level: ``"utterance"``: a draw for every utterance; ``"speaker"``: one pseudo-speaker per
            speaker and role (needs a voxguard anonymizer).
        train_draws: Renderings of each training utterance that the semi-informed attacker makes.
        segment_s: Back-ends are trained on training utterances cut into pieces of about this
            length.
        lengths: Conversation lengths of the sweep, in trial utterances.
        populations: Population sizes of the sweep.
        attributes: See :class:`AttributePlan`.
        utility: See :class:`UtilityPlan`.
        subgroups: Label columns by which every figure is split.
        stress: Axes such as ``"noise:10"``, ``"telephone"``.
        probe_voices: Pseudo-voices in the probe that tells whether an attacker hears the target.
        resamples: Of the bootstrap.
        seed: Of everything that the evaluator itself draws. It is never given to an anonymizer.

    Example:
        >>> from voxguard.evaluation import Protocol
        >>> Protocol.read("smoke").name
        'smoke'
    """

    name: str
    version: int = 1
    description: str = ""
    data: DataPlan = DataPlan()
    attackers: tuple[AttackerPlan, ...] = ()
    level: Literal["utterance", "speaker"] = "utterance"
    train_draws: int = 1
    segment_s: float = 6.0
    lengths: tuple[int, ...] = (1, 3, 5, 10)
    populations: tuple[int, ...] = (2, 5, 10, 20, 50, 100)
    attributes: AttributePlan = AttributePlan()
    utility: UtilityPlan = UtilityPlan()
    subgroups: tuple[str, ...] = ()
    stress: tuple[str, ...] = ()
    probe_voices: int = 6
    resamples: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.attackers:
            raise ConfigurationError(f"protocol {self.name!r} names no attackers")
        limits = {
            "train_draws": (self.train_draws, 1),
            "probe_voices": (self.probe_voices, 2),
            "resamples": (self.resamples, 100),
            "data.enrolment": (self.data.enrolment, 1),
        }
        for name, (value, least) in limits.items():
            if value < least:
                raise ConfigurationError(
                    f"protocol {self.name!r}: {name} is at least {least}, got {value}"
                )
        for name, sizes, smallest in (
            ("lengths", self.lengths, 1),
            ("populations", self.populations, 2),
        ):
            if any(size < smallest for size in sizes):
                raise ConfigurationError(
                    f"protocol {self.name!r}: {name} are at least {smallest}, got {list(sizes)}"
                )
        if not self.segment_s > 0:
            raise ConfigurationError(
                f"protocol {self.name!r}: segment_s is above 0, got {self.segment_s}"
            )
        names = [
            f"{knowledge}/{plan.called}/{backend}"
            for plan in self.attackers
            for knowledge in plan.knowledge
            for backend in plan.backends
        ]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ConfigurationError(
                f"protocol {self.name!r}: two attackers are called {twice[0]!r}; give one of the "
                "encoders a name of its own"
            )
        if not 0 < self.data.train_share < 1:
            raise ConfigurationError(
                f"protocol {self.name!r}: data.train_share lies between 0 and 1, got "
                f"{self.data.train_share}"
            )

    @classmethod
    def read(cls, source: str | Path) -> Protocol:
        """Read a protocol that voxguard ships, by name, or any YAML file.

        Raises:
            ConfigurationError: No such protocol or file, or a setting that is not known.
        """
        path = Path(source)
        if path.suffix not in (".yaml", ".yml"):
            path = _SHIPPED / f"{source}.yaml"
            if not path.is_file():
                raise ConfigurationError(
                    f"no protocol {str(source)!r}; voxguard ships {', '.join(shipped())}, and any "
                    "YAML file can be named"
                )
        import yaml

        try:
            content = yaml.safe_load(path.read_text("utf-8"))
        except OSError as error:
            raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{path} is not YAML: {error}") from None
        if not isinstance(content, dict) or content.pop("schema", None) != SCHEMA:
            raise ConfigurationError(f"{path} is not a protocol: it begins with schema: {SCHEMA}")
        protocol: Protocol = _build(cls, content, str(path))
        return protocol

    @property
    def settings(self) -> dict[str, Any]:
        """Everything that was set, as JSON types."""
        return dataclasses.asdict(self)


def shipped() -> list[str]:
    """Names of the protocols that come with voxguard."""
    return sorted(path.stem for path in _SHIPPED.glob("*.yaml"))


_PARTS: dict[str, Any] = {
    "data": DataPlan,
    "attributes": AttributePlan,
    "utility": UtilityPlan,
}


def _build(cls: Any, content: Any, where: str) -> Any:
    if not isinstance(content, dict):
        raise ConfigurationError(f"{where} takes named settings, got {content!r}")
    fields = get_type_hints(cls)
    values = {}
    for name, value in content.items():
        if name not in fields:
            raise ConfigurationError(f"{where}: no setting {name!r}; known: {', '.join(fields)}")
        inner = f"{where}: {name}"
        if name == "attackers":
            values[name] = tuple(_build(AttackerPlan, entry, inner) for entry in value or ())
        elif name in _PARTS:
            values[name] = _build(_PARTS[name], value, inner)
        else:
            values[name] = _typed(value, fields[name], inner)
    try:
        return cls(**values)
    except TypeError as error:
        raise ConfigurationError(f"{where}: {error}") from None


def _typed(value: Any, kind: Any, where: str) -> Any:
    """Check one setting against its annotation."""
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise ConfigurationError(f"{where} takes {', '.join(get_args(kind))}; got {value!r}")
        return value
    if get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise ConfigurationError(f"{where} takes a list, got {value!r}")
        return tuple(_typed(one, get_args(kind)[0], where) for one in value)
    accepted = {float: (int, float), Mapping[str, Any]: (dict,)}.get(kind, (kind,))
    if (isinstance(value, bool) and kind is not bool) or not isinstance(value, accepted):
        name = getattr(kind, "__name__", str(kind))
        raise ConfigurationError(f"{where} takes {name}, got {value!r}")
    return value
