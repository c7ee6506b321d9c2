"""Step 1: what the network hears and is to say, one file an utterance; can be interrupted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from recipes.common import told
from recipes.train_voice_conversion.corpus import Utterance
from voxguard.arrays import Samples
from voxguard.audio import read as read_audio
from voxguard.audio import resample
from voxguard.dsp.envelope import log_mel_envelope
from voxguard.dsp.pitch import SAMPLE_RATE, track_f0
from voxguard.errors import VoxguardError
from voxguard.models.dvector import DVectorModel
from voxguard.models.optional import optional

Floats = npt.NDArray[np.float32]


def extract(utterances: list[Utterance], folder: Path, device: str = "cpu") -> None:
    """Write envelope, pitch, aperiodicity and d-vector of each utterance."""
    folder.mkdir(parents=True, exist_ok=True)
    waiting = [u for u in utterances if not (folder / f"{u.name}.npz").exists()]
    if not waiting:
        return
    encoder = DVectorModel(device=device)
    for utterance in told("features", waiting):
        samples = load(utterance.path)
        f0 = track_f0(samples)
        target = folder / f"{utterance.name}.npz"
        unfinished = target.with_suffix(".part.npz")
        np.savez(
            unfinished,
            mel=log_mel_envelope(samples, f0).astype(np.float16),
            f0=f0,
            aperiodicity=aperiodicity(samples, f0).astype(np.float16),
            vector=encoder.embed(samples).astype(np.float32),
        )
        unfinished.rename(target)


def load(path: Path) -> Samples:
    """Samples at 16 kHz, mono, ``(n,)``."""
    try:
        samples, rate = read_audio(path)
        mono = resample(np.atleast_2d(samples), rate, SAMPLE_RATE)[0].astype(np.float32)
    except VoxguardError as error:
        raise SystemExit(f"{path}: {error}") from None
    if not mono.any():
        raise SystemExit(f"{path}: digital silence; leave it out of manifest.csv")
    return mono


def aperiodicity(samples: Samples, f0: Floats) -> Floats:
    """Level of noise at 3 kHz in dB every 10 ms, by D4C; 0 where unvoiced."""
    world = optional("pyworld", "eval", "the aperiodicity")
    times = np.arange(len(f0)) * 0.01
    voiced = f0.astype(np.float64)
    share = world.d4c(samples.astype(np.float64), voiced, times, SAMPLE_RATE)
    coded = world.code_aperiodicity(share, SAMPLE_RATE)[:, 0]
    level: Floats = np.where(f0 > 0, np.clip(coded, -60.0, 0.0), 0.0).astype(np.float32)
    return level
