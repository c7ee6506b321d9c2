"""What is learnt: examples with classes, from what was measured of the recordings.

``sex``     which sex speaks in three seconds. The worst case: a client has one class, and that
            class is the secret.
``sounds``  pause, unvoiced or voiced, of 10 ms. Every client has all classes; what an update tells
            about its speaker, it tells by accident.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from recipes.federated_attributes.app.federated_voices.speakers import Speakers
from recipes.federated_attributes.corpus import Utterance
from recipes.federated_attributes.features import FRAMES_S, measure, segments
from voxguard.dsp.pitch import SAMPLE_RATE
from voxguard.dsp.voice import synthetic_voice

CLASSES = {"sex": ("F", "M"), "sounds": ("pause", "unvoiced", "voiced")}
PIECE_S = 3.0
LEAST_FRAMES = 20  # with speech, of a piece
EVERY = 10  # of the frames, an example of the task "sounds"
CONTEXT = 4  # frames before and after that it sees

_PUBLIC_VOICES, _PUBLIC_S = 24, 3.0
_LIMIT = 4.0  # standard deviations

Measured = dict[str, npt.NDArray[Any]]


def examples(
    task: str, speakers: dict[str, list[Utterance]], folder: Path, seconds: float
) -> Speakers:
    """Examples of these speakers.

    Args:
        task: One of :data:`CLASSES`.
        speakers: Name to utterances.
        folder: With what was measured of each utterance.
        seconds: As in :func:`~recipes.federated_attributes.features.compute`.
    """
    rows: list[tuple[Any, int, int, int]] = []
    for number, said in enumerate(speakers.values()):
        for segment in segments(said, seconds):
            with np.load(folder / f"{segment.name}.npz", allow_pickle=False) as found:
                for x, y in _of(task, dict(found), segment.utterance.sex):
                    rows.append((x, y, number, segment.part))
    if mute := sorted(set(range(len(speakers))) - {row[2] for row in rows}):
        raise SystemExit(
            f"{len(mute)} speakers give no example of {task}, the first is "
            f"{list(speakers)[mute[0]]}: too short or too quiet; take them out of the manifest"
        )
    mean, deviation = _public_scale(task)
    x = (np.array([row[0] for row in rows]) - mean) / deviation
    y, who, part = (np.array([row[k] for row in rows], np.int64) for k in (1, 2, 3))
    return Speakers(
        tuple(speakers),
        tuple(said[0].sex for said in speakers.values()),
        np.clip(x, -_LIMIT, _LIMIT).astype(np.float32),
        y,
        who,
        part,
    )


def _of(task: str, measured: Measured, sex: str) -> Iterator[tuple[Any, int]]:
    bands, speech = measured["bands"].astype(np.float32), measured["speech"]
    if task == "sounds":
        level = bands[speech].mean()
        voiced = measured["f0_hz"] > 0.0
        for frame in range(CONTEXT, len(bands) - CONTEXT, EVERY):
            seen = bands[[frame - CONTEXT, frame, frame + CONTEXT]].ravel() - level
            yield seen, int(speech[frame]) + int(speech[frame] and voiced[frame])
        return
    count = max(1, int(len(bands) / (PIECE_S * FRAMES_S)))
    for places in np.array_split(np.arange(len(bands)), count):
        spoken = bands[places][speech[places]]
        if len(spoken) >= LEAST_FRAMES:
            mean = spoken.mean(axis=0)
            yield np.concatenate([mean - mean.mean(), spoken.std(axis=0)]), CLASSES[task].index(sex)


@lru_cache(maxsize=2)
def _public_scale(task: str) -> tuple[Any, Any]:
    """Mean and deviation of each feature over voices that nobody has.

    Those of the clients' own speech would be statistics of private data, released unaccounted.
    """
    seen = [
        x
        for number in range(_PUBLIC_VOICES)
        for x, _ in _of(
            task,
            measure(
                synthetic_voice(
                    seconds=_PUBLIC_S, sample_rate=SAMPLE_RATE, speaker=number, seed=number
                )
            ),
            "F",
        )
    ]
    return np.mean(seen, axis=0), np.std(seen, axis=0) + 1e-3
