"""What a client's device computes of its recordings: log-mel bands, pitch, speech or pause."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from recipes.common import told
from recipes.federated_attributes.corpus import Utterance
from voxguard import create
from voxguard.audio import read, resample
from voxguard.dsp.envelope import FFT, log_mel
from voxguard.dsp.pitch import HOP, SAMPLE_RATE, track_f0
from voxguard.dsp.timbre import active

BANDS = 40
FRAMES_S = SAMPLE_RATE // HOP

_WINDOW = np.hanning(401)[:-1].astype(np.float32)  # 25 ms
_FLOOR = 1e-10

Floats = npt.NDArray[np.float32]


def measure(samples: Any) -> dict[str, npt.NDArray[Any]]:
    """Log-mel bands, F0 and activity of ``(n,)`` float32 samples at 16 kHz, every 10 ms.

    Returns:
        ``bands`` ``(frames, 40)`` natural log of power, ``f0_hz`` ``(frames,)`` with 0 where
        unvoiced, ``speech`` ``(frames,)`` whether anybody speaks.
    """
    frames = len(samples) // HOP + 1
    padded = np.pad(np.asarray(samples, np.float32), (len(_WINDOW) // 2, len(_WINDOW)))
    framed = np.lib.stride_tricks.sliding_window_view(padded, len(_WINDOW))[::HOP][:frames]
    power = np.abs(np.fft.rfft(framed * _WINDOW, FFT)) ** 2
    fine = log_mel(np.log(power + _FLOOR).astype(np.float32))
    return {
        "bands": fine.reshape(frames, BANDS, -1).mean(axis=2).astype(np.float16),
        "f0_hz": track_f0(samples).astype(np.float32),
        "speech": active(np.log(power.mean(axis=1) + _FLOOR)),
    }


@dataclass(frozen=True)
class Segment:
    """Part of a recording: half of what is used of a speaker.

    Attributes:
        utterance: The recording.
        start_s: Where it begins; what is before belongs to the other half.
        seconds: How long it is at most.
        part: 0 or 1: which half.
    """

    utterance: Utterance
    start_s: float
    seconds: float
    part: int

    @property
    def name(self) -> str:
        """Of the file with what is measured of it."""
        return f"{self.utterance.name}.{self.part}"


def segments(said: list[Utterance], seconds: float) -> list[Segment]:
    """Two segments of a speaker, of half of the seconds each at most.

    Of the first and the last recording in the order of their names: where names begin with the
    session, as LibriSpeech's do, these are two sessions. Who has but one recording has it cut in
    the middle, so that each half is anonymized on its own.
    """
    first, *_, last = sorted([*said, *said], key=lambda utterance: utterance.name)
    length = seconds / 2
    if first is not last:
        return [Segment(first, 0.0, length, 0), Segment(last, 0.0, length, 1)]
    length = min(length, duration_s(first.path) / 2)
    return [Segment(first, 0.0, length, 0), Segment(first, length, length, 1)]


def compute(
    speakers: dict[str, list[Utterance]], folder: Path, *, method: str, seconds: float, seed: int
) -> None:
    """Anonymize and measure, unless it is done; what was interrupted goes on where it was.

    Args:
        speakers: Everybody.
        folder: Gets a file for each segment.
        method: Name of an anonymizer, or "none".
        seconds: Of each speaker at most; see :func:`segments`.
        seed: Of the pseudo-voices. Every segment has its own.
    """
    todo = [
        (segment, target)
        for said in speakers.values()
        for segment in segments(said, seconds)
        if not (target := folder / f"{segment.name}.npz").exists()
    ]
    if not todo:
        return
    folder.mkdir(parents=True, exist_ok=True)
    anonymize = _anonymizer(method, seed)
    for segment, target in told(f"features, {method}", todo):
        made = measure(anonymize(load(segment), segment.name))
        unfinished = target.with_suffix(".part")
        with unfinished.open("wb") as file:
            np.savez(file, **made)
        unfinished.rename(target)


def duration_s(path: Path) -> float:
    """Of a recording.

    Raises:
        SystemExit: It cannot be read.
    """
    try:
        return float(soundfile.info(path).duration)
    except soundfile.LibsndfileError as error:
        raise SystemExit(f"{path}: {error}") from error


def load(segment: Segment) -> Floats:
    """``(n,)`` at 16 kHz.

    Raises:
        SystemExit: It cannot be read, or holds less than half a second of sound.
    """
    path = segment.utterance.path
    try:
        samples, rate = read(path)
    except (OSError, ValueError) as error:
        raise SystemExit(f"{path}: {error}") from error
    begin, count = round(segment.start_s * rate), round(segment.seconds * rate)
    mono = samples.mean(axis=0)[begin : begin + count]
    if rate != SAMPLE_RATE:
        mono = resample(mono[None], rate, SAMPLE_RATE)[0]
    if len(mono) < SAMPLE_RATE // 2 or not mono.any():
        raise SystemExit(f"{path}: digital silence, or less than a second")
    return mono


def _anonymizer(method: str, seed: int) -> Callable[[Any, str], Any]:
    if method == "none":
        return lambda samples, name: samples
    anonymizer = create(method, seed=seed, scope="utterance")
    return lambda samples, name: anonymizer(samples, SAMPLE_RATE, utterance=name)
