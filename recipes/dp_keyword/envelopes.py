"""What is computed of a recording once: its log mel envelope, kept by content."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from recipes.common import told
from voxguard.arrays import Samples
from voxguard.audio import read, resample
from voxguard.dsp.envelope import log_mel_envelope
from voxguard.dsp.pitch import SAMPLE_RATE, track_f0
from voxguard.errors import VoxguardError
from voxguard.models.normalization import measure

Floats = npt.NDArray[np.float32]

_VERSION = b"1"  # goes up when the same recording gives other figures


def envelope(samples: Samples, sample_rate: int) -> Floats:
    """Log mel envelope of a clip at the level of its speech.

    Args:
        samples: ``(n,)`` or ``(channels, n)``.
        sample_rate: Hz.

    Returns:
        ``(frames, 80)`` every 10 ms: natural log of power over the mean power of the speech.
    """
    mono = resample(np.atleast_2d(samples), sample_rate, SAMPLE_RATE).mean(axis=0)
    mel = log_mel_envelope(mono, track_f0(mono))
    return mel - np.float32(measure(mel).level)


def envelopes(paths: Sequence[Path], folder: Path, what: str = "envelopes") -> list[Floats]:
    """Of recordings, computed where they are not in the folder.

    Raises:
        SystemExit: A recording cannot be read, or is silent.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return [_kept(path, folder) for path in told(what, paths)]


def _kept(path: Path, folder: Path) -> Floats:
    try:
        content = path.read_bytes()
        target = folder / f"{hashlib.sha256(_VERSION + content).hexdigest()[:32]}.npy"
        if target.exists():
            found: Floats = np.load(target).astype(np.float32)
            return found
        samples, rate = read(path)
        if not np.any(samples):
            raise SystemExit(f"{path}: digital silence; leave it out")
        made = envelope(samples, rate).astype(np.float16)
    except (OSError, VoxguardError) as error:
        raise SystemExit(f"{path}: {error}") from None
    unfinished = target.with_suffix(".part")
    with unfinished.open("wb") as file:
        np.save(file, made)
    unfinished.rename(target)
    return made.astype(np.float32)
