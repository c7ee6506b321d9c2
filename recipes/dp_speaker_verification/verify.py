"""Equal error rates: of the test speakers, and of private speakers who were left out."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from recipes.dp_speaker_verification.network import Encoder
from recipes.dp_speaker_verification.speech import Speech
from voxguard.attacks.backends.base import create_backend
from voxguard.attacks.verification import ScoreMatrix, verify
from voxguard.evaluation.manifest import ENROLMENT, TRIAL
from voxguard.metrics import bootstrap_speakers, eer

Figure = dict[str, Any]


def test_speakers(encoder: Encoder, speech: Speech, device: str) -> Figure:
    """Enrolment against trials, cosine of vectors; the interval is over speakers."""
    with torch.inference_mode():
        vectors = np.stack(
            [encoder(frames.to(device))[0].double().cpu().numpy() for _, frames in speech.test]
        )
    rows = {
        role: [i for i, (u, _) in enumerate(speech.test) if u.role == role]
        for role in (ENROLMENT, TRIAL)
    }
    who = {role: [speech.test[i][0].speaker for i in places] for role, places in rows.items()}
    ids = [speech.test[i][0].id for i in rows[TRIAL]]
    return _figure(vectors[rows[ENROLMENT]], who[ENROLMENT], vectors[rows[TRIAL]], who[TRIAL], ids)


def strangers(encoder: Encoder, speech: Speech, names: list[str], device: str) -> Figure:
    """Segments of the first half of what each says against those of the second.

    More people than the test has, of the population that is trained on, and easier: within one
    recording the room is the same. One segment between the halves is left out, so none overlap.
    """
    halves: tuple[list[Any], list[Any]] = ([], [])
    who: tuple[list[str], list[str]] = ([], [])
    for name in names:
        segments = speech.private[name]
        middle = len(segments) // 2
        if middle < 1 or len(segments) < 3:
            continue
        with torch.inference_mode():
            vectors = encoder(torch.stack(segments).to(device)).double().cpu().numpy()
        for side, part in enumerate((vectors[:middle], vectors[middle + 1 :])):
            halves[side].extend(part)
            who[side].extend([name] * len(part))
    ids = [f"{name} {number}" for number, name in enumerate(who[1])]
    return _figure(np.stack(halves[0]), who[0], np.stack(halves[1]), who[1], ids)


def _figure(
    enrolment: Any, enrolled: list[str], trials: Any, tried: list[str], ids: list[str]
) -> Figure:
    matrix: ScoreMatrix = verify(create_backend("cosine"), enrolment, enrolled, trials, tried, ids)
    interval = bootstrap_speakers(
        eer, matrix.scores, matrix.enrolled, matrix.trial_speakers, seed=0
    )
    return interval.figure()
