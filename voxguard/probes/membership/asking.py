"""All clips, as a model is to hear each: asked once, kept at once, given up in time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from voxguard.audiollm import name_of
from voxguard.errors import AudioError, ConfigurationError, ModelError, NonFiniteAudioError
from voxguard.evaluation.manifest import Utterance
from voxguard.probes.data import Heard
from voxguard.probes.membership.clips import Clips
from voxguard.probes.membership.record import ScoreRecord
from voxguard.probes.membership.scores import DIRECTIONS
from voxguard.probes.membership.two_stage import SELF, TRANSCRIPT, Sureness, two_stage

Array = npt.NDArray[np.float64]
Progress = Callable[[int, int], None]

_TEXTS = (SELF, TRANSCRIPT)


@dataclass(frozen=True, eq=False)
class Asked:
    """What a model was asked.

    Attributes:
        vectors: ``(n, 30)`` of each system and text that was asked for; NaN where there are no
            scores.
        counts: Clips that were scored and that failed, by system, text and side.
        reasons: Of the failures, each once.
    """

    vectors: dict[tuple[str, str], Array]
    counts: dict[str, int]
    reasons: tuple[str, ...]


def ask_all(
    model: Any,
    clips: Clips,
    ways: Sequence[Heard],
    record: ScoreRecord,
    *,
    prompt: str,
    give_up_after: int = 5,
    progress: Progress | None = None,
) -> Asked:
    """Score each clip as it is heard in each way.

    Args:
        model: With ``score``.
        clips: Whose texts are scored.
        ways: Of hearing them.
        record: Keeps what comes; what it holds is not asked again, what failed before is.
        prompt: What is asked.
        give_up_after: Clips in a row on which the model fails before the run stops.
        progress: Is called with how many are done, and of how many.

    Raises:
        ConfigurationError: The model cannot be used as configured.
        ModelError: The model has gone. What it gave is in the record.
    """
    empty = np.full((len(clips), len(DIRECTIONS)), np.nan)
    spoken = any(utterance.transcript for utterance in clips.utterances)
    texts = _TEXTS if spoken else (SELF,)
    vectors = {(way.name, text): empty.copy() for way in ways for text in texts}
    counts: Counter[str] = Counter()
    reasons: dict[str, None] = {}
    in_a_row, done = 0, 0
    for row, (key, utterance) in enumerate(zip(clips.keys, clips.utterances, strict=True)):
        side = "members" if clips.member[row] else "non_members"
        for way in ways:
            place = record.place(key, way.name, way.about(), prompt, utterance.transcript)
            sureness = record.found(place)
            if sureness is None or not sureness.final:
                sureness, of_the_model = _asked(model, way, utterance, prompt)
                record.add(place, sureness)
                in_a_row = in_a_row + 1 if of_the_model else 0
                if in_a_row >= give_up_after:
                    raise _gone(model, in_a_row, sureness, record)
            for text, vector in sureness.vectors.items():
                vectors[way.name, text][row] = vector
                counts[f"scored/{way.name}/{text}/{side}"] += 1
            for text, reason in sureness.failed.items():
                counts[f"failed/{way.name}/{text}/{side}"] += 1
                reasons[reason] = None
            done += 1
            if progress is not None:
                progress(done, len(clips) * len(ways))
    return Asked(vectors, dict(counts), tuple(reasons))


def _asked(model: Any, way: Heard, utterance: Utterance, prompt: str) -> tuple[Sureness, bool]:
    """Scores, or why there are none, and whether the model is to blame."""
    texts = _TEXTS if utterance.transcript else (SELF,)
    try:
        samples, rate = _heard(way, utterance)
    except AudioError as error:
        reason = f"the clip could not be used: {error}"
        return Sureness({}, dict.fromkeys(texts, reason)), False
    try:
        found = two_stage(model, samples, rate, transcript=utterance.transcript, prompt=prompt)
    except ConfigurationError:
        raise
    except Exception as error:  # a model is anybody's code
        reason = f"{type(error).__name__}: {error}"
        return Sureness({}, dict.fromkeys(texts, reason)), True
    return found, not found.vectors and not found.final


def _heard(way: Heard, utterance: Utterance) -> tuple[Any, int]:
    audio = way.audio(utterance)
    samples, rate = audio() if audio else (None, 16_000)
    if samples is not None and not np.isfinite(samples).all():
        raise NonFiniteAudioError(f"NaN or infinity in what {way.name} gives")
    return samples, rate


def _gone(model: Any, times: int, last: Sureness, record: ScoreRecord) -> ModelError:
    where = f" in {record.path}" if record.path else ""
    return ModelError(
        f"{name_of(model)} failed {times} times in a row, the last time with: "
        f"{next(iter(last.failed.values()))}. What it has given is kept{where}; run again to go on"
    )
