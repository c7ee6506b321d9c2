"""What every encoder is, and how one is made by name."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from voxguard.attacks.options import make, option_defaults
from voxguard.attacks.recording import Recording
from voxguard.errors import ConfigurationError
from voxguard.registry import Registry

Vector = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.float64]
Progress = Callable[[float], None]


class Encoder(ABC):
    """Audio, text or prosody of an utterance becomes one vector.

    Options are keyword-only, checked on construction, and kept in attributes of the same name.
    """

    name: ClassVar[str]
    trainable: bool = False
    reads_transcript: bool = False

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """Hash, in hex, of all that decides the vectors: weights, settings, version of the code.

        Two encoders with one fingerprint give the same vectors, so it names what is cached.
        """

    @abstractmethod
    def embed(self, recording: Recording) -> Vector:
        """Turn an utterance into a vector.

        Args:
            recording: Of any length that the encoder takes.

        Returns:
            ``(d,)`` float64, finite; ``d`` is the same for every recording.

        Raises:
            AudioError: The audio cannot be read, or holds too little for this encoder.
            ConfigurationError: The encoder needs something that the recording lacks, or has not
                been trained.
            MissingExtraError: A package that the encoder runs on is not installed.
        """

    def fit(self, recordings: Sequence[Recording], *, progress: Progress | None = None) -> Self:
        """Train on utterances whose speakers are known.

        Args:
            recordings: For a semi-informed attacker, anonymized; several with the same speaker.
            progress: Called with the fraction that is done, from 0 to 1.

        Returns:
            A trained encoder; this one stays as it was. The same recordings and ``seed`` give the
            same.

        Raises:
            ConfigurationError: Too few speakers or utterances, or an encoder that is not trainable.
        """
        raise ConfigurationError(f"the {self.name} encoder is not trainable; use it as it is")

    def save(self, path: Path) -> None:
        """Write what training gave, so that a run that was killed need not repeat it.

        Raises:
            ConfigurationError: The encoder is not trainable, or has not been trained.
        """
        raise ConfigurationError(f"the {self.name} encoder is not trainable: nothing to save")

    def restore(self, path: Path) -> Self:
        """Give the trained encoder that :meth:`save` wrote.

        Returns:
            A trained encoder; this one stays as it was.

        Raises:
            ConfigurationError: The file is no such, or was trained with other options than those of
                this encoder.
        """
        raise ConfigurationError(f"the {self.name} encoder is not trainable: nothing to restore")

    @property
    def options(self) -> dict[str, Any]:
        """The options in force."""
        return {name: getattr(self, name) for name in option_defaults(type(self))}

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        return f"{type(self).__name__}({shown})"


def digest_of(*parts: Any) -> str:
    """Hash of bytes, arrays, and anything that JSON can say, in hex.

    Example:
        >>> from voxguard.attacks.encoders.base import digest_of
        >>> digest_of("cosine", 1) == digest_of("cosine", 1) != digest_of("cosine", 2)
        True
    """
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            said = f"{part.dtype.str}{part.shape}".encode() + np.ascontiguousarray(part).tobytes()
        elif isinstance(part, bytes):
            said = part
        else:
            said = json.dumps(part, sort_keys=True, default=str).encode()
        digest.update(len(said).to_bytes(8, "little") + said)
    return digest.hexdigest()


encoders: Registry[Encoder] = Registry(
    "encoder",
    "voxguard.encoders",
    {
        "acoustic": "voxguard.attacks.features:Acoustic",
        "dvector": "voxguard.attacks.encoders.dvector:DVector",
        "dvector-finetuned": "voxguard.attacks.encoders.dvector_finetuned:FineTunedDVector",
        "ecapa": "voxguard.attacks.encoders.ecapa:Ecapa",
        "joined": "voxguard.attacks.encoders.joined:Joined",
        "level": "voxguard.attacks.encoders.level:Level",
        "prosody": "voxguard.attacks.encoders.prosody:Prosody",
        "speechbrain": "voxguard.attacks.encoders.hub:SpeechBrainEncoder",
        "transcript": "voxguard.attacks.encoders.transcript:Transcript",
        "transformers": "voxguard.attacks.encoders.hub:TransformersEncoder",
    },
)


def create_encoder(name: str, **options: Any) -> Encoder:
    """Make an encoder by name.

    Args:
        name: ``"dvector"``, ``"dvector-finetuned"``, ``"ecapa"``, ``"speechbrain"``,
            ``"transformers"``, ``"prosody"``, ``"level"``, ``"transcript"``, ``"joined"`` (several
            of these as one), or one that a package announces in the entry-point group
            ``voxguard.encoders``.
        **options: Its own.

    Raises:
        UnknownNameError: No such encoder.
        ConfigurationError: No such option, or a value that it does not take.
        MissingExtraError: A package that it runs on is not installed.

    Example:
        >>> from voxguard.attacks.encoders import create_encoder
        >>> create_encoder("prosody").name
        'prosody'
    """
    return make(encoders, name, options)
