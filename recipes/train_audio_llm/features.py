"""Step: log-mel spectrograms by the model's own feature extractor, one file an utterance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from transformers import WhisperFeatureExtractor

from recipes.common import told
from recipes.train_audio_llm.corpus import Utterance
from recipes.train_voice_conversion.features import load
from voxguard.arrays import Samples

Mel = npt.NDArray[np.float16]

FRAMES_A_SECOND = 100
_RANGE = 2.0  # from the loudest to the floor: 80 dB, as Whisper scales them


def extractor(mels: int, seconds: int) -> WhisperFeatureExtractor:
    """The feature extractor of the model."""
    return WhisperFeatureExtractor(feature_size=mels, chunk_length=seconds)


def extract(utterances: list[Utterance], hear: WhisperFeatureExtractor, folder: Path) -> None:
    """Write ``(frames, mels)`` of each utterance; what is there already is not made again."""
    folder.mkdir(parents=True, exist_ok=True)
    waiting = [u for u in utterances if not (folder / f"{u.name}.npy").exists()]
    for utterance in told("features", waiting) if waiting else ():
        target = folder / f"{utterance.name}.npy"
        unfinished = target.with_suffix(".part.npy")
        np.save(unfinished, spectrogram(load(utterance.path), hear))
        unfinished.rename(target)


def spectrogram(samples: Samples, hear: WhisperFeatureExtractor) -> Mel:
    """``(frames, mels)`` of ``(n,)`` samples at 16 kHz, of any length."""
    missing = -len(samples) % hear.hop_length  # the last frame counts, however short it is
    made: Any = hear(
        np.pad(samples, (0, missing)),
        sampling_rate=hear.sampling_rate,
        truncation=False,
        padding="longest",
        return_tensors="np",
    )
    mel: Mel = made["input_features"][0].T.astype(np.float16)
    return mel


def window(mel: Mel, start: int, end: int, frames: int) -> npt.NDArray[np.float32]:
    """A part of a spectrogram as the extractor would give it, ``(mels, frames)``.

    Args:
        mel: ``(frames, mels)``.
        start: First frame.
        end: Behind its last frame, at most ``frames`` further on.
        frames: Of the model's window; the rest is silence.
    """
    part = mel[start:end].astype(np.float32)
    floor = part.max() - _RANGE if len(part) else -_RANGE
    out = np.full((mel.shape[1], frames), floor, np.float32)
    out[:, : len(part)] = np.maximum(part, floor).T
    return out


def silence(mels: int, frames: int) -> npt.NDArray[np.float32]:
    """What the extractor makes of digital silence, ``(mels, frames)``."""
    return np.full((mels, frames), (np.log10(1e-10) + 4.0) / 4.0, np.float32)
