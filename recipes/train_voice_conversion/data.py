"""Batches: chunks of normalised envelopes in two perturbed views, and what is to come out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from recipes.train_voice_conversion.corpus import Utterance
from recipes.train_voice_conversion.labels import UNKNOWN
from recipes.train_voice_conversion.perturb import perturbed
from voxguard.models.normalization import floored, measure
from voxguard.models.prosody import pitch_features

CHUNK = 256  # frames of 10 ms

Array = npt.NDArray[Any]


@dataclass
class Recorded:
    """An utterance in memory."""

    raw: Array  # log mel envelope as it was recorded
    mel: Array  # floored, at the level of its speech
    level: float
    mean: Array
    spread: Array
    pitch: Array  # (3, frames)
    aperiodicity: Array
    vector: Array
    speaker: int
    phones: Array


@dataclass
class Batch:
    """Tensors of one step; ``(batch, channels, frames)``."""

    first: torch.Tensor
    second: torch.Tensor
    mean: torch.Tensor
    spread: torch.Tensor
    mel: torch.Tensor
    aperiodicity: torch.Tensor
    pitch: torch.Tensor
    vector: torch.Tensor
    speaker: torch.Tensor
    phones: torch.Tensor
    late: torch.Tensor  # (batch,), whether of the second half of its recording

    @property
    def plain(self) -> torch.Tensor:
        """What the encoder hears of the chunks if they are not perturbed."""
        return (self.mel - self.mean) / self.spread

    def to(self, device: str) -> Batch:
        """The same on a device."""
        return Batch(**{name: part.to(device) for name, part in vars(self).items()})


def load(utterances: list[Utterance], work: Path, *, recognised: bool = False) -> list[Recorded]:
    """Read the features of all utterances that are long enough for a chunk.

    Args:
        utterances: Of the corpus.
        work: Folder that keeps everything between the steps.
        recognised: Know phones also where there is no transcript.
    """
    names = {name: k for k, name in enumerate(sorted({u.speaker for u in utterances}))}
    out = []
    for utterance in utterances:
        features = work / "features" / f"{utterance.name}.npz"
        if not features.exists():
            raise SystemExit(f"{features} is missing: run --step features first")
        with np.load(features) as found:
            raw, f0 = found["mel"].astype(np.float32), found["f0"]
            noise, vector = found["aperiodicity"].astype(np.float32), found["vector"]
        if len(raw) < CHUNK + 1:
            continue
        statistics = measure(raw)
        labels = work / "labels" / f"{utterance.name}.npy"
        known = labels.exists() and (recognised or utterance.transcript.split())
        phones = np.load(labels) if known else np.full(len(raw), UNKNOWN, np.int8)
        out.append(
            Recorded(
                raw.astype(np.float16),
                floored(raw - np.float32(statistics.level)).astype(np.float16),
                statistics.level,
                statistics.mean,
                statistics.spread,
                pitch_features(f0),
                noise / 10.0,
                vector,
                names[utterance.speaker],
                phones,
            )
        )
    return out


class Batches:
    """Random chunks without end, in turn of the first and of the second half of a recording.

    Args:
        recorded: Where they come from.
        size: Of a batch.
        seed: Whole numbers of at least 0; the same give the same batches.
        few: Share of the chunks that come from speakers of one or two recordings.
        masked_bands: Most neighbouring bands that a view lacks.
    """

    def __init__(
        self,
        recorded: list[Recorded],
        size: int,
        seed: int | Sequence[int],
        *,
        few: float = 0.4,
        masked_bands: int = 0,
    ) -> None:
        if not recorded:
            raise SystemExit(f"no recording is longer than {CHUNK / 100:.2f} s, a training chunk")
        counts = np.bincount([r.speaker for r in recorded])
        lone = np.array([counts[r.speaker] < 3 for r in recorded])
        weights = np.where(lone, few / max(lone.sum(), 1), (1 - few) / max((~lone).sum(), 1))
        self._p = weights / weights.sum()
        self._recorded, self._size, self._masked = recorded, size, masked_bands
        self._rng = np.random.default_rng(seed)

    def __next__(self) -> Batch:
        chosen = self._rng.choice(len(self._recorded), self._size, p=self._p)
        return _stacked([self._chunk(k, n % 2) for n, k in enumerate(chosen)])

    def view(self, k: int, start: int) -> Array:
        """What the encoder is to hear of a chunk of recording ``k``, ``(bands, CHUNK)``."""
        r = self._recorded[k]
        mel = r.mel[start : start + CHUNK].astype(np.float32)
        return perturbed(mel, r.mean, r.spread, self._rng, self._masked)

    def _chunk(self, k: int, half: int) -> tuple[Array, ...]:
        r = self._recorded[k]
        last, middle = len(r.mel) - CHUNK, len(r.mel) // 2
        # those of one half share no words with those of the other, if the recording is long enough
        starts = (0, max(1, middle - CHUNK)) if half == 0 else (min(middle, last - 1), last)
        start = int(self._rng.integers(*starts))
        here = slice(start, start + CHUNK)
        mel = r.mel[here].astype(np.float32)
        vector = r.vector + 0.01 * self._rng.standard_normal(len(r.vector)).astype(np.float32)
        return (
            self.view(k, start),
            self.view(k, start),
            r.mean[:, None],
            r.spread[:, None],
            mel.T,
            r.aperiodicity[None, here],
            r.pitch[:, here],
            vector / np.linalg.norm(vector),
            np.asarray(r.speaker, np.int64),
            r.phones[here].astype(np.int64),
            np.asarray(half == 1),
        )


def _stacked(chunks: list[tuple[Array, ...]]) -> Batch:
    columns = (np.stack(column) for column in zip(*chunks, strict=True))
    return Batch(*(torch.from_numpy(np.ascontiguousarray(column)) for column in columns))
