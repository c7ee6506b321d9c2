"""What a run over a corpus is asked to do, in a form that goes to every worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from voxguard.errors import ConfigurationError

if TYPE_CHECKING:
    from voxguard.anonymizers.base import Anonymizer

Kind = Literal["folder", "manifest", "webdataset", "parquet"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Maker:
    """How every worker makes its anonymizer, once.

    A secret key does not travel: each worker reads the key file, which must lie at the same path on
    every machine (as a Kubernetes secret does).

    Args:
        method: Name of the method; see :func:`voxguard.methods`.
        options: Of the method.
        key_file: Holds a secret key: the same speaker then sounds the same from every worker.
        seed: For research only, weakens privacy.
        scope: How long a speaker keeps one pseudo-voice.
        session: Names the session, for the scope of that name.

    Example:
        >>> from voxguard.corpus import Maker
        >>> Maker("mcadams", {"lpc_order": 18})().lpc_order
        18
    """

    method: str = "voice_conversion"
    options: Mapping[str, Any] = field(default_factory=dict)
    key_file: str | Path | None = None
    seed: int | None = None
    scope: Literal["utterance", "session", "corpus"] | None = None
    session: str | None = None

    def __call__(self) -> Anonymizer:
        """Make it.

        Raises:
            ConfigurationError: The method, an option or the key cannot be used.
        """
        from voxguard.anonymizers.base import create
        from voxguard.pseudonym import read_key

        given = {"seed": self.seed, "scope": self.scope, "session": self.session}
        randomness: dict[str, Any] = {k: v for k, v in given.items() if v is not None}
        if self.key_file is not None:
            randomness["key"] = read_key(self.key_file)
        return create(self.method, **self.options, **randomness)

    @property
    def repeatable(self) -> bool:
        """Whether every worker, and every later run, draws the same voice for the same name."""
        return self.key_file is not None or self.seed is not None


@dataclass(frozen=True)
class Settings:
    """Where from, where to, and what goes along.

    Attributes:
        source: Folder, file, or address that fsspec knows.
        target: Folder, or address.
        source_kind: How the source is read.
        target_kind: How the target is written.
        speaker_from: ``"folder"``: the folder that a recording lies in names its speaker.
        speaker_column: Column or field that names the speaker; is not carried on by that.
        audio_column: Column of Parquet files that holds the audio.
        keep: Columns, fields or extensions that are carried on; nothing else is.
        max_seconds: Longest recording that is accepted; bounds the memory of a worker.
        unit_items: Most recordings in a unit of a listing.
        unit_bytes: Most bytes in one, so that units take about equally long.
    """

    source: str
    target: str
    source_kind: Kind
    target_kind: Kind
    speaker_from: Literal["none", "folder"] = "none"
    speaker_column: str | None = None
    audio_column: str = "audio"
    keep: tuple[str, ...] = ()
    max_seconds: float = 7200.0
    unit_items: int = 256
    unit_bytes: int = 64_000_000

    def __post_init__(self) -> None:
        for what, kind in (("source", self.source_kind), ("target", self.target_kind)):
            if kind not in KINDS:
                raise ConfigurationError(f"a {what} is one of {', '.join(KINDS)}, got {kind!r}")
        if not self.max_seconds > 0:
            raise ConfigurationError(f"max_seconds= takes seconds above 0, got {self.max_seconds}")
        if self.unit_items < 1 or self.unit_bytes < 1:
            raise ConfigurationError("a unit holds at least one recording and one byte")
        has_columns = self.source_kind != "folder"
        if (self.keep or self.speaker_column) and not has_columns:
            raise ConfigurationError(
                "a folder has no columns to keep or to name speakers by; a manifest CSV has, and "
                "speaker_from='folder' takes the speaker from the folder's name"
            )
        if self.speaker_from == "folder" and has_columns:
            raise ConfigurationError(
                f"speakers of a {self.source_kind} are named by a column; say which with "
                "speaker_column"
            )
        from voxguard.files.scan import audio_suffixes

        for name in self.keep:
            audio = self.source_kind == "parquet" and name == self.audio_column
            if audio or (
                self.source_kind == "webdataset" and f".{name.lower()}" in audio_suffixes()
            ):
                raise ConfigurationError(f"{name!r} is audio, and raw audio is never kept")

    @property
    def names_speakers(self) -> bool:
        """Whether recordings have speakers who are known by name."""
        return self.speaker_from == "folder" or self.speaker_column is not None

    @property
    def max_bytes(self) -> int:
        """Largest file that can hold a recording that is not too long, in float samples."""
        from voxguard.files.memory import DENSE

        return int(self.max_seconds * DENSE * 4) + (1 << 20)

    def describe(self) -> dict[str, Any]:
        """What decides the result, and names neither places nor people."""
        return {
            "source_kind": self.source_kind,
            "target_kind": self.target_kind,
            "speaker_from": self.speaker_from,
            "speaker_column": self.speaker_column,
            "audio_column": self.audio_column,
            "keep": list(self.keep),
            "max_seconds": self.max_seconds,
            "unit_items": self.unit_items,
            "unit_bytes": self.unit_bytes,
        }
