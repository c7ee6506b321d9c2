"""What a speaker encoder is trained on: labelled features, crops of them, and held-out parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voxguard.attacks.recording import Recording
from voxguard.errors import ConfigurationError

Frames = npt.NDArray[np.floating]
Labels = npt.NDArray[np.intp]


class FeatureCache:
    """Features of recordings, kept as far as they fit and computed anew else.

    Args:
        compute: Gives ``(frames, bands)`` of a recording.
        budget_mib: How much is kept.

    Example:
        >>> import numpy as np
        >>> from voxguard.attacks.encoders.sampling import FeatureCache
        >>> cache = FeatureCache(lambda recording: np.zeros((100, 40), np.float32))
        >>> cache(None).shape
        (100, 40)
    """

    def __init__(
        self, compute: Callable[[Recording], Frames], *, budget_mib: float = 2048.0
    ) -> None:
        self._compute = compute
        self._left = budget_mib * 2**20
        self._kept: dict[int, tuple[Recording, Frames]] = {}

    def __call__(self, recording: Recording) -> Frames:
        """Features of a recording, ``(frames, bands)``."""
        kept = self._kept.get(id(recording))
        if kept is not None:
            return kept[1]
        frames = self._compute(recording).astype(np.float32)
        if frames.nbytes <= self._left:
            self._left -= frames.nbytes
            self._kept[id(recording)] = (recording, frames)
        return frames


@dataclass(frozen=True)
class Labelled:
    """Recordings with their speakers as numbers.

    Args:
        recordings: At least one.
        labels: Of each, from 0.
        speakers: Their names, sorted.
    """

    recordings: tuple[Recording, ...]
    labels: Labels
    speakers: tuple[str, ...]

    @classmethod
    def of(cls, recordings: Sequence[Recording], least_speakers: int, what: str) -> Labelled:
        """Number the speakers.

        Raises:
            ConfigurationError: Too few of them.
        """
        names = np.asarray([recording.speaker for recording in recordings], dtype=str)
        speakers, labels = np.unique(names, return_inverse=True)
        if len(speakers) < least_speakers:
            raise ConfigurationError(
                f"{what} is trained on at least {least_speakers} speakers, got {len(speakers)}"
            )
        return cls(tuple(recordings), labels, tuple(speakers.tolist()))

    def chosen(self, mask: npt.NDArray[np.bool_]) -> Labelled:
        """Only some of the recordings; speakers are numbered anew."""
        kept = tuple(r for r, keep in zip(self.recordings, mask, strict=True) if keep)
        return Labelled.of(kept, 1, "a part")


def crop(frames: Frames, length: int, rng: np.random.Generator) -> Frames:
    """A random stretch; what is shorter is repeated.

    Args:
        frames: ``(n, bands)``, ``n`` at least 1.
        length: In frames.
        rng: Where from.

    Returns:
        ``(length, bands)``.

    Example:
        >>> import numpy as np
        >>> from voxguard.attacks.encoders.sampling import crop
        >>> crop(np.arange(3)[:, None], 5, np.random.default_rng(1)).size
        5
    """
    if len(frames) < length:
        start = int(rng.integers(len(frames)))
        return frames[(start + np.arange(length)) % len(frames)]
    start = int(rng.integers(len(frames) - length + 1))
    return frames[start : start + length]
