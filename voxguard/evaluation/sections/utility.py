"""What is lost: words, intonation, emotion, quality, level, length, time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from voxguard.attacks.recording import Recording
from voxguard.audio import read
from voxguard.errors import MissingExtraError, VoxguardError
from voxguard.evaluation.context import Context
from voxguard.evaluation.manifest import Utterance
from voxguard.evaluation.sections.attributes import emotion
from voxguard.evaluation.speech import Speech
from voxguard.evaluation.system import NoAnonymization, mono
from voxguard.metrics import bootstrap_groups, edits, error_rate

Json = dict[str, Any]
Values = npt.NDArray[Any]
_COST_CLIPS = 10
_QUALITY_UTTERANCES = 60


@dataclass(frozen=True)
class Measured:
    """One measure on the same utterances, original and anonymized.

    Attributes:
        name: Of the measure.
        how: With what it was measured.
        utterances: ``n`` of them.
        original: ``(n, ...)`` values; None for a measure that compares the two.
        anonymized: ``(n, ...)`` values.
        statistic: Makes a figure of some of the values.
    """

    name: str
    how: str
    utterances: Sequence[Utterance]
    original: Values | None
    anonymized: Values
    statistic: Callable[[Any], float | None] = np.mean


def utility(context: Context) -> list[Json]:
    """Every measure of the protocol that could be taken."""
    measures: list[Json] = []
    for measure in (_words, _pitch, _quality, _signal, emotion):
        try:
            measures += measure(context)
        except MissingExtraError as error:
            context.notes.append(f"not measured: {error}")
    return measures


def _words(context: Context) -> list[Json]:
    plan = context.protocol.utility
    if not plan.recogniser:
        return []
    if missing := sum(not u.transcript for u in context.sets.trial):
        context.notes.append(
            f"the word error rate leaves out {missing} trial utterances without a transcript"
        )
    chosen = evenly([u for u in context.sets.trial if u.transcript], plan.wer_utterances)
    if not chosen:
        return []
    original, how = _transcribe(context, context.speech.original(chosen), "transcribe originals")
    anonymized, _ = _transcribe(context, context.speech.anonymized(chosen), "transcribe anonymized")
    said = [u.transcript for u in chosen]
    return [
        _entry(
            context,
            Measured(
                name,
                how,
                chosen,
                edits(said, original, unit=unit),
                edits(said, anonymized, unit=unit),
                error_rate,
            ),
        )
        for name, unit in _UNITS.items()
    ]


_UNITS: dict[str, Literal["word", "character"]] = {"wer": "word", "cer": "character"}


def word_errors(context: Context, speech: Speech, trial: Sequence[Utterance]) -> Json | None:
    """Word error rate of other renderings; None if the protocol or the data have none."""
    plan = context.protocol.utility
    chosen = evenly([u for u in trial if u.transcript], plan.stress_wer_utterances)
    if not (plan.recogniser and chosen):
        return None
    heard, _ = _transcribe(context, speech.anonymized(chosen), "transcribe under stress")
    return bootstrap_groups(
        error_rate,
        edits([u.transcript for u in chosen], heard),
        [u.speaker for u in chosen],
        seed=context.protocol.seed,
        resamples=context.protocol.resamples,
    ).figure()


def _transcribe(
    context: Context, recordings: Sequence[Recording], stage: str
) -> tuple[list[str], str]:
    from voxguard.utility.recognisers import create_recogniser

    recogniser = create_recogniser(context.protocol.utility.recogniser)
    tell = context.stage(stage)
    heard = []
    for number, recording in enumerate(recordings):
        tell(number, len(recordings))
        heard.append(context.store.text(recogniser, recording))
    return heard, recogniser.how


def _pitch(context: Context) -> list[Json]:
    if not context.protocol.utility.pitch:
        return []
    from voxguard.utility.pitch import pitch_correlations

    pairs = _pairs(context, context.sets.trial, "compare the pitch")
    found = [(u, pitch_correlations(a, b)) for u, a, b in pairs]
    kept = [(u, value) for u, value in found if value is not None]
    if not kept:
        return []
    how = "DIO with StoneMask, 10 ms, Pearson correlation of log F0 where both are voiced"
    values = np.array([value for _, value in kept])
    return [_entry(context, Measured("pitch_correlation", how, [u for u, _ in kept], None, values))]


def _quality(context: Context) -> list[Json]:
    if context.protocol.utility.quality != "dnsmos":
        return []
    from voxguard.utility import quality

    chosen = evenly(context.sets.trial, _QUALITY_UTTERANCES)
    scores = [
        (quality.dnsmos(a).overall, quality.dnsmos(b).overall)
        for _, a, b in _pairs(context, chosen, "predict the quality")
    ]
    original, anonymized = np.array(scores).T
    return [_entry(context, Measured("dnsmos", quality.how(), chosen, original, anonymized))]


def _signal(context: Context) -> list[Json]:
    from voxguard.utility.signal import duration_change, level_change_db

    chosen = list(context.sets.trial)
    levels, durations = [], []
    for _, original, anonymized in _pairs(context, chosen, "compare level and length"):
        levels.append(level_change_db(original, anonymized, 16_000))
        durations.append(duration_change(original, anonymized))
    found = {
        "level_change": ("gated as in ITU-R BS.1770", levels),
        "duration_change": ("count of samples at 16 kHz", durations),
    }
    return [
        _entry(context, Measured(name, how, chosen, None, np.array(values)))
        for name, (how, values) in found.items()
    ]


def cost(context: Context) -> Json:
    """Speed and memory of the system under test on a few trial utterances, one thread."""
    from voxguard.utility.cost import measure_cost

    if isinstance(context.system, NoAnonymization) or context.system.kind == "folder":
        return {}
    method: Any = context.anonymizer or getattr(context.system, "function", None)
    clips = []
    for utterance in evenly(context.sets.trial, _COST_CLIPS):
        samples, rate = read(utterance.path)
        clips.append((mono(samples), rate))
    try:
        spent = measure_cost(method, clips)
    except VoxguardError as error:
        context.notes.append(f"cost was not measured: {error}")
        return {}
    groups = [str(number) for number in range(len(clips))]
    figure = bootstrap_groups(np.mean, spent.clip_rtfs, groups, seed=context.protocol.seed)
    return {
        "rtf": figure.figure(),
        "peak_memory_mib": round(spent.peak_memory_mib, 1),
        "seconds_of_audio": round(spent.seconds_of_audio, 2),
        "how": spent.how,
    }


def evenly(utterances: Sequence[Utterance], most: int) -> list[Utterance]:
    """At most so many, as evenly as can be over the speakers, in the given order."""
    turn: dict[str, int] = {}
    ranked = []
    for place, utterance in enumerate(utterances):
        turn[utterance.speaker] = turn.get(utterance.speaker, -1) + 1
        ranked.append((turn[utterance.speaker], place))
    return [utterances[place] for _, place in sorted(sorted(ranked)[:most], key=lambda r: r[1])]


def _pairs(context: Context, utterances: Sequence[Utterance], stage: str) -> Any:
    tell = context.stage(stage)
    originals = context.speech.original(utterances)
    anonymized = context.speech.anonymized(utterances)
    for number, utterance in enumerate(utterances):
        tell(number, len(utterances))
        yield utterance, originals[number].samples(), anonymized[number].samples()


def _entry(context: Context, measured: Measured) -> Json:
    entry: Json = {"measure": measured.name, "how": measured.how}
    entry |= _both(context, measured, np.arange(len(measured.utterances)))
    groups: Json = {}
    for column in context.protocol.subgroups:
        labels = np.array([u.labels.get(column, "") for u in measured.utterances])
        found: Json = {
            value: _both(context, measured, np.flatnonzero(labels == value))
            for value in sorted({*labels.tolist()} - {""})
        }
        values = {name: both["anonymized"]["value"] for name, both in found.items()}
        values = {name: value for name, value in values.items() if value is not None}
        if len(values) > 1:
            pick = max if measured.name in _HIGHER_IS_WORSE else min
            worst = pick(values, key=lambda name: values[name])
            gap = max(values.values()) - min(values.values())
            groups[column] = found | {"worst": worst, "gap": gap}
    return entry | {"subgroups": groups}


_HIGHER_IS_WORSE = ("wer", "cer")


def _both(context: Context, measured: Measured, chosen: Any) -> Json:
    def figure(values: Values) -> Json:
        return bootstrap_groups(
            measured.statistic,
            values[chosen],
            [measured.utterances[place].speaker for place in chosen],
            seed=context.protocol.seed,
            resamples=context.protocol.resamples,
        ).figure()

    both = {"anonymized": figure(measured.anonymized)}
    if measured.original is not None:
        both["original"] = figure(measured.original)
    return both
