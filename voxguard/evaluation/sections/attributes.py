"""What the voice still tells of its speaker: sex, age, accent, emotion, or any labelled column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from voxguard.attacks.attribute_results import AttributeResult
from voxguard.attacks.attributes import age_band, infer_attribute
from voxguard.attacks.encoders import create_encoder
from voxguard.attacks.features import Acoustic
from voxguard.attacks.profiles import profile_uniqueness
from voxguard.errors import ConfigurationError
from voxguard.evaluation.context import Context
from voxguard.evaluation.manifest import Utterance
from voxguard.evaluation.system import NoAnonymization
from voxguard.utility.emotion import emotion_uar

Json = dict[str, Any]
Vectors = npt.NDArray[np.float64]
_AGE = "age"


@dataclass(frozen=True)
class Voices:
    """Utterances, and their vectors by one encoder.

    Attributes:
        utterances: ``n`` of them.
        original: ``(n, d)``.
        anonymized: ``(n, d)``; None where nothing is anonymized.
    """

    utterances: Sequence[Utterance]
    original: Vectors
    anonymized: Vectors | None

    @cached_property
    def speakers(self) -> list[str]:
        """Speaker of each."""
        return [u.speaker for u in self.utterances]

    def column(self, name: str) -> list[str]:
        """Label of each; ages in bands; empty where not known."""
        values = [u.labels.get(name, "") for u in self.utterances]
        return [age_band(value) for value in values] if name == _AGE else values


def attributes(context: Context) -> Json:
    """Attribute attackers, and how unique the profiles are that they make."""
    plan = context.protocol.attributes
    known = {name for u in _everyone(context) for name in u.labels}
    if absent := [name for name in plan.columns if name not in known]:
        context.notes.append(f"not inferred, for want of labels: {', '.join(absent)}")
    columns = [name for name in plan.columns if name in known]
    entries: list[Json] = []
    profiles: list[Json] = []
    for features in plan.features if columns else ():
        voices = _listen(context, features)
        results = _infer(context, voices, columns)
        entries += [result.as_dict(features) for result in results]
        profiles += _profiles(results, features)
    return {"attributes": entries, "profiles": profiles}


def emotion(context: Context) -> list[Json]:
    """How well emotion is still recognised by classifiers for original speech."""
    column = context.protocol.utility.emotion
    if not column or isinstance(context.system, NoAnonymization):
        return []
    voices = _listen(context, Acoustic.name)
    if voices.anonymized is None or not any(voices.column(column)):
        return []
    uar = emotion_uar(
        voices.column(column),
        voices.speakers,
        voices.original,
        voices.anonymized,
        groups=_groups(context, voices, column),
        resamples=context.protocol.resamples,
        seed=context.protocol.seed,
    )
    return [uar.as_dict(Acoustic.name)]


def _infer(context: Context, voices: Voices, columns: Sequence[str]) -> list[AttributeResult]:
    results: list[AttributeResult] = []
    tell = context.stage("infer attributes")
    for number, column in enumerate(columns):
        tell(number, len(columns))
        try:
            results += infer_attribute(
                voices.column(column),
                voices.speakers,
                original=voices.original,
                anonymized=voices.anonymized,
                attribute=column,
                groups=_groups(context, voices, column),
                resamples=context.protocol.resamples,
                seed=context.protocol.seed,
            )
        except ConfigurationError as error:
            context.notes.append(f"{column} was not inferred: {error}")
    return results


def _groups(context: Context, voices: Voices, column: str) -> dict[str, list[str]]:
    return {name: voices.column(name) for name in context.protocol.subgroups if name != column}


def _profiles(results: Sequence[AttributeResult], features: str) -> list[Json]:
    """Of attributes that a speaker has once."""
    profiles = []
    for knowledge in dict.fromkeys(result.knowledge for result in results):
        theirs = [r for r in results if r.knowledge == knowledge and _once(r)]
        if len(theirs) > 1:
            profile = profile_uniqueness(theirs).as_dict()
            profiles.append(profile | {"features": features})
    return profiles


def _once(result: AttributeResult) -> bool:
    pairs = set(zip(result.speakers, result.truth, strict=True))
    return len(pairs) == len(set(result.speakers))


def _everyone(context: Context) -> list[Utterance]:
    """The utterances to be attacked: at most so many of a speaker, by the protocol's selection."""
    plan = context.protocol.attributes
    wanted = {
        column: {values} if isinstance(values, str) else {str(value) for value in values}
        for column, values in plan.evaluate.items()
    }
    heard: dict[str, int] = {}
    chosen = []
    for utterance in (*context.sets.evaluated, *context.sets.train):
        if any(utterance.labels.get(column) not in values for column, values in wanted.items()):
            continue
        heard[utterance.speaker] = heard.get(utterance.speaker, 0) + 1
        if heard[utterance.speaker] <= plan.utterances_per_speaker:
            chosen.append(utterance)
    return chosen


def _listen(context: Context, features: str) -> Voices:
    encoder = create_encoder(features)
    chosen = _everyone(context)
    tell = context.stage(f"listen with {encoder.name}")
    original = context.store.embed(encoder, context.speech.original(chosen), tell)
    by_id = dict(zip((r.id for r in original.recordings), original.vectors, strict=True))
    if isinstance(context.system, NoAnonymization):
        return Voices([u for u in chosen if u.id in by_id], original.vectors, None)
    anonymized = context.store.embed(encoder, context.speech.anonymized(chosen), tell)
    after = dict(zip((r.id for r in anonymized.recordings), anonymized.vectors, strict=True))
    both = [u for u in chosen if u.id in by_id and u.id in after]
    return Voices(
        both, np.stack([by_id[u.id] for u in both]), np.stack([after[u.id] for u in both])
    )
