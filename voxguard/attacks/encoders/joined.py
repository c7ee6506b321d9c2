"""Several encoders as one: an attacker who uses all that a recording tells."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from voxguard.attacks.encoders.base import Encoder, Progress, Vector, create_encoder, digest_of
from voxguard.attacks.recording import Recording
from voxguard.errors import ConfigurationError

_VERSION = 1


class Joined(Encoder):
    """The vectors of several encoders side by side, each at unit length.

    Attackers that each find a little may find much together: voice, melody, level and words fail on
    different recordings. Compared by their cosine, joined vectors have the mean of the cosines (the
    sum rule). WCCN and PLDA learn how far each can be relied on, and what they have in common.

    Args:
        of: Two encoders or more: a name, or ``{"encoder": name, "options": {...}}``.

    Attributes:
        parts: The encoders.

    Raises:
        ConfigurationError: Fewer than two encoders, or one that is not described like this.

    References:
        J. Kittler et al., "On combining classifiers", IEEE TPAMI, 1998.

    Example:
        >>> import voxguard
        >>> from voxguard.attacks.encoders import create_encoder
        >>> from voxguard.attacks.recording import Recording
        >>> recording = Recording("a-1", "a", lambda: voxguard.synthetic_voice(seconds=2.0))
        >>> both = create_encoder("joined", of=["level", {"encoder": "prosody"}])
        >>> both.embed(recording).shape == (4 + both.parts[1].embed(recording).size,)
        True
    """

    name: ClassVar[str] = "joined"

    def __init__(self, *, of: Sequence[str | Mapping[str, Any]]) -> None:
        self.of = _described(of)
        self.parts = tuple(create_encoder(one["encoder"], **one["options"]) for one in self.of)
        self.trainable = any(part.trainable for part in self.parts)
        self.reads_transcript = any(part.reads_transcript for part in self.parts)

    def with_parts(self, parts: Sequence[Encoder]) -> Self:
        """The same of encoders that are trained; this one stays as it was."""
        joined = copy.copy(self)
        joined.__dict__.pop("fingerprint", None)
        joined.parts = tuple(parts)
        return joined

    def fit(self, recordings: Sequence[Recording], *, progress: Progress | None = None) -> Self:
        """Train those of the encoders that can be trained; see the base class."""
        if not self.trainable:
            return super().fit(recordings, progress=progress)
        tell = progress or (lambda share: None)
        count = len(self.parts)
        return self.with_parts(
            [
                part.fit(recordings, progress=lambda share, n=n: tell((n + share) / count))  # type: ignore[misc]
                if part.trainable
                else part
                for n, part in enumerate(self.parts)
            ]
        )

    def embed(self, recording: Recording) -> Vector:
        """Vector of an utterance.

        Returns:
            ``(d,)`` of unit length; ``d`` is the sum of those of the encoders.

        Raises:
            AudioError: One of the encoders cannot use the recording.
            ConfigurationError: One of them has not been trained.
        """
        return self.join([part.embed(recording) for part in self.parts])

    def join(self, vectors: Sequence[Vector]) -> Vector:
        """One vector of those that the encoders gave, in their order."""
        unit = [vector / max(float(np.linalg.norm(vector)), 1e-12) for vector in vectors]
        joined: Vector = np.concatenate(unit) / np.sqrt(len(unit))
        return joined

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the encoders' fingerprints and the version of the code."""
        return digest_of(self.name, _VERSION, [part.fingerprint for part in self.parts])

    def save(self, path: Path) -> None:
        """Write a folder with a file for each encoder that was trained; see the base class."""
        if not self.trainable:
            super().save(path)
        path.mkdir(parents=True, exist_ok=True)
        for number, part in enumerate(self.parts):
            if part.trainable:
                part.save(path / str(number))

    def restore(self, path: Path) -> Self:
        """Give the trained encoder that was saved; see the base class."""
        if not self.trainable:
            return super().restore(path)
        return self.with_parts(
            [
                part.restore(path / str(number)) if part.trainable else part
                for number, part in enumerate(self.parts)
            ]
        )


def _described(of: Any) -> list[dict[str, Any]]:
    if isinstance(of, str) or not isinstance(of, Sequence) or len(of) < 2:
        raise ConfigurationError(f"joined takes two encoders or more, got of={of!r}")
    described = []
    for one in of:
        full = {"encoder": one} if isinstance(one, str) else one
        if not isinstance(full, Mapping) or not {"encoder"} <= set(full) <= {"encoder", "options"}:
            raise ConfigurationError(
                "joined takes names of encoders, or {encoder: name, options: {...}}; "
                f"got {one!r}"
            )
        options: Any = full.get("options") or {}
        described.append({"encoder": full["encoder"], "options": dict(options)})
    return described
