"""The corpus as tensors: segments of speakers, whole recordings to verify."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from recipes.dp_speaker_verification.corpus import Corpus
from recipes.dp_speaker_verification.features import FRAMES_PER_SECOND, Features, Frames
from recipes.dp_speaker_verification.settings import Settings
from voxguard.evaluation.manifest import Utterance


class Speech:
    """What is trained on, in segments ``(frames, 80)`` float32 of one length.

    Args:
        corpus: Who says what.
        features: Of all of its recordings.
        settings: Say how it is cut.
    """

    def __init__(self, corpus: Corpus, features: Features, settings: Settings) -> None:
        self.corpus = corpus
        self._features = features
        self._settings = settings

    @cached_property
    def public(self) -> dict[str, list[Tensor]]:
        """Segments of the public speakers."""
        return self._cut_all(self.corpus.public, self._settings.segment_s)

    @cached_property
    def private(self) -> dict[str, list[Tensor]]:
        """Segments of the private speakers that overlap, to be drawn from."""
        return self._cut_all(self.corpus.private, self._settings.hop_s)

    @cached_property
    def examples(self) -> dict[str, list[Tensor]]:
        """Segments of the private speakers that do not overlap: no speech is in two of them."""
        return self._cut_all(self.corpus.private, self._settings.segment_s)

    @cached_property
    def test(self) -> list[tuple[Utterance, Tensor]]:
        """Recordings to verify, ``(1, frames, 80)``, of at most `test_s`."""
        most = round(self._settings.test_s * FRAMES_PER_SECOND)
        return [(u, _tensor(self._features(u)[:most])[None]) for u in self.corpus.test]

    def strangers(self) -> Tensor:
        """``(n, frames, 80)``: as many segments of each public speaker, evenly spread."""
        count = self._settings.public_segments
        return torch.stack([s for said in self.public.values() for s in spread(said, count)])

    def _cut_all(self, spoken: dict[str, list[Utterance]], hop_s: float) -> dict[str, list[Tensor]]:
        length = round(self._settings.segment_s * FRAMES_PER_SECOND)
        hop = round(hop_s * FRAMES_PER_SECOND)
        return {
            name: [_tensor(s) for u in theirs for s in cut(self._features(u), length, hop)]
            for name, theirs in spoken.items()
        }


def cut(frames: Frames, length: int, hop: int) -> list[Frames]:
    """Segments of one length; what is too short for one is repeated until it is.

    Example:
        >>> import numpy as np
        >>> [s[:, 0].tolist() for s in cut(np.arange(5.0)[:, None], 2, 1)]
        [[0.0, 1.0], [1.0, 2.0], [2.0, 3.0], [3.0, 4.0]]
        >>> [s[:, 0].tolist() for s in cut(np.arange(2.0)[:, None], 3, 1)]
        [[0.0, 1.0, 0.0]]
    """
    if len(frames) < length:
        frames = np.resize(frames, (length, *frames.shape[1:]))
    return [frames[at : at + length] for at in range(0, len(frames) - length + 1, hop)]


def spread(segments: Sequence[Tensor], count: int) -> list[Tensor]:
    """So many of them, evenly spread; repeated where there are fewer."""
    places = np.linspace(0, len(segments) - 1, count).round().astype(int)
    return [segments[place] for place in places]


def _tensor(frames: Frames) -> Tensor:
    return torch.from_numpy(np.asarray(frames, dtype=np.float32))
