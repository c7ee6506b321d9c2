"""Log filterbank energies of every recording, computed once and kept in the work folder."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from recipes.common import told
from voxguard.audio import read as read_audio
from voxguard.audio import resample
from voxguard.errors import VoxguardError
from voxguard.evaluation.manifest import Utterance
from voxguard.models.ecapa import BANDS
from voxguard.models.optional import optional
from voxguard.models.short import repeated

SAMPLE_RATE, FRAMES_PER_SECOND = 16_000, 100

Frames = npt.NDArray[np.float16]


class Features:
    """Frames of recordings, ``(frames, 80)`` in dB, without their mean over time.

    Args:
        folder: Where they are kept. They are voiceprints: treat them as the recordings.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: dict[str, Frames] = {}

    def compute(self, utterances: Sequence[Utterance]) -> None:
        """Of those that are not there yet; can be interrupted."""
        self._folder.mkdir(parents=True, exist_ok=True)
        waiting = [u for u in utterances if not self._path(u).exists()]
        if not waiting:
            return
        torch = optional("torch", "train", "the filterbank")
        lobes = optional("speechbrain.lobes.features", "train", "the filterbank")
        filterbank = lobes.Fbank(n_mels=BANDS)
        for utterance in told("features", waiting):
            samples = np.array(repeated(_load(utterance.path)))
            with torch.inference_mode():
                frames = filterbank(torch.from_numpy(samples)[None])[0].numpy()
            target = self._path(utterance)
            unfinished = target.with_suffix(".part.npy")
            np.save(unfinished, (frames - frames.mean(axis=0)).astype(np.float16))
            unfinished.rename(target)

    def __call__(self, utterance: Utterance) -> Frames:
        """``(frames, 80)`` of one that was computed."""
        if utterance.id not in self._kept:
            self._kept[utterance.id] = np.load(self._path(utterance))
        return self._kept[utterance.id]

    def _path(self, utterance: Utterance) -> Path:
        # Ids of a corpus may hold slashes, and two corpora may share ids.
        name = hashlib.sha256(f"{utterance.path}\n{utterance.id}".encode()).hexdigest()[:24]
        return self._folder / f"{name}.npy"


def _load(path: Path) -> npt.NDArray[np.float32]:
    try:
        samples, rate = read_audio(path)
        mono = resample(np.atleast_2d(samples), rate, SAMPLE_RATE)[0].astype(np.float32)
    except VoxguardError as error:
        raise SystemExit(f"{path}: {error}") from None
    if not mono.any():
        raise SystemExit(f"{path}: digital silence; leave it out of the manifest")
    return mono
