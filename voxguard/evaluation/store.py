"""Keeps vectors and trained encoders, which are nearly all of an evaluation's cost."""

from __future__ import annotations

import hashlib
import io
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from voxguard.attacks.encoders import Encoder
from voxguard.attacks.encoders.joined import Joined
from voxguard.attacks.recording import Recording
from voxguard.audio.publish import output_error
from voxguard.errors import AudioError, ConfigurationError, VoxguardError
from voxguard.evaluation.manifest import Exclusion
from voxguard.utility.recognisers import Recogniser

Vectors = npt.NDArray[np.float64]
Tell = Callable[[float, float | None], None]


@dataclass(frozen=True)
class Embedded:
    """Vectors ``(n, d)`` and the recordings that they are of."""

    vectors: Vectors
    recordings: tuple[Recording, ...]

    @property
    def speakers(self) -> list[str]:
        """Speaker of each row."""
        return [recording.speaker for recording in self.recordings]


class Store:
    """Vectors by encoder and content, in memory and in a folder.

    Vectors of original speech are voiceprints: the folder is as sensitive as the recordings.

    Attributes:
        excluded: Recordings that an encoder could not use.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._memory: dict[tuple[str, str], Vectors] = {}
        self.excluded: list[Exclusion] = []

    def embed(self, encoder: Encoder, recordings: Sequence[Recording], tell: Tell) -> Embedded:
        """Vectors of all recordings that the encoder can use; the others are excluded.

        Raises:
            ConfigurationError: The encoder could use none of the recordings.
            VoxguardError: It gave something that is not a finite vector.
        """
        vectors, kept = [], []
        for number, recording in enumerate(recordings):
            tell(number, len(recordings))
            try:
                vectors.append(self._one(encoder, recording))
            except AudioError as error:
                reason = f"{encoder.name} cannot use it: {error}"
                self.excluded.append(Exclusion(recording.id, recording.speaker, reason))
            else:
                kept.append(recording)
        if not kept:
            last = self.excluded[-1].reason if self.excluded else "there are none"
            raise ConfigurationError(f"{encoder.name} could use none of the recordings: {last}")
        return Embedded(np.stack(vectors), tuple(kept))

    def trained(self, encoder: Encoder, recordings: Sequence[Recording], tell: Tell) -> Encoder:
        """The encoder trained on the recordings, or as it was trained on them before."""
        if not encoder.trainable:
            return encoder
        if isinstance(encoder, Joined):  # its parts may have been trained for attacks of their own
            return encoder.with_parts([self.trained(p, recordings, tell) for p in encoder.parts])
        content = "".join(_content(encoder, one) + one.speaker for one in recordings)
        name = _hash(f"{encoder.name} {encoder.options} {content}")[:24]
        path = self._folder / "encoders" / name
        if path.exists():
            try:
                return encoder.restore(path)
            except (ConfigurationError, OSError):
                path.unlink()
        fitted = encoder.fit(recordings, progress=lambda share: tell(share, 1.0))
        with output_error(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        fitted.save(path)
        return fitted

    def text(self, recogniser: Recogniser, recording: Recording) -> str:
        """What a recogniser hears; kept like a vector."""
        name = _hash(f"{recogniser.fingerprint} {recording.digest}")[:32]
        path = self._folder / "texts" / f"{name}.txt"
        if recording.digest and path.exists():
            return path.read_text("utf-8")
        heard = recogniser.transcribe(recording.samples())
        if recording.digest:
            _publish(path, heard.encode("utf-8"))
        return heard

    def _one(self, encoder: Encoder, recording: Recording) -> Vectors:
        if isinstance(encoder, Joined):
            return encoder.join([self._one(part, recording) for part in encoder.parts])
        if encoder.reads_transcript and not recording.transcript.strip():
            raise AudioError("no transcript")
        key = (encoder.fingerprint, _content(encoder, recording))
        if recording.digest and key in self._memory:
            return self._memory[key]
        path = self._folder / "vectors" / key[0][:24] / f"{key[1]}.npy"
        vector = _load(path) if recording.digest else None
        if vector is None:
            vector = np.asarray(encoder.embed(recording), dtype=np.float64)
            if vector.ndim != 1 or not np.isfinite(vector).all():
                raise VoxguardError(
                    f"{encoder.name} gave a vector of shape {vector.shape} with "
                    f"{int((~np.isfinite(vector)).sum())} non-finite values for {recording.id}; "
                    "scores made of it would mean nothing"
                )
            if recording.digest:
                buffer = io.BytesIO()
                np.save(buffer, vector, allow_pickle=False)
                _publish(path, buffer.getvalue())
        if recording.digest:
            self._memory[key] = vector
        return vector


def _content(encoder: Encoder, recording: Recording) -> str:
    """Names what the encoder gets to see of a recording."""
    if encoder.reads_transcript and recording.digest:
        return _hash(f"{recording.digest} {recording.transcript}")
    return recording.digest


def _load(path: Path) -> Vectors | None:
    try:
        vector: Vectors = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return vector


def _publish(path: Path, content: bytes) -> None:
    """Whole or not at all; unlike a result it need not survive a power cut: no sync."""
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    with output_error(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        part.replace(path)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
