"""Asks an audio LLM what is said, raw and behind anonymizers, and how much of that is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from voxguard.audiollm import Answer, AnswerRecord, AudioModel, Question, ask, name_of
from voxguard.evaluation.manifest import Manifest
from voxguard.metrics import Interval, bootstrap_groups, normalize_text
from voxguard.probes.data import Anonymize, Heard, choose, heard
from voxguard.probes.document import ProbeDocument
from voxguard.probes.figures import RAW, SILENCE, UTILITY_LOSS, ProbeFigure
from voxguard.probes.utility.tasks import OPTIONS, Exercise, Task, exercises

Marks = npt.NDArray[np.float64]

CONDITIONS = (RAW, SILENCE)
_CHANCE = {"words": 1 / OPTIONS, "questions": 0.0, "transcription": 0.0}


def probe_utility(
    model: AudioModel,
    manifest: Manifest,
    *,
    anonymizers: Mapping[str, Anonymize] | Anonymize | None = None,
    tasks: Sequence[Task] = ("words",),
    limit: int | None = None,
    seed: int = 0,
    resamples: int = 1000,
    record: AnswerRecord | None = None,
    concurrency: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> ProbeDocument:
    r"""How much of what is said does a model still understand behind an anonymizer?

    Each task is asked about raw, anonymized and silent clips in the same words. The loss is

    .. math:: 1 - \frac{a_{anonymized} - b}{a_{raw} - b}

    with accuracies a and b the greater of chance and the accuracy on silence; 0: nothing is lost,
    1: no better than without ears. Where the model is no better than b on raw clips there is
    nothing to lose, and no figure.

    Args:
        model: Any model.
        manifest: Recordings with transcripts, or with the columns ``question`` and ``answer``.
        anonymizers: Each is a condition, by the name it has here; one alone is ``"protected"``.
        tasks: ``"words"`` (which of four words is said), ``"questions"`` (the manifest's own),
            ``"transcription"`` (accuracy is 1 - WER a clip).
        limit: Most clips, drawn evenly over the speakers; None: all.
        seed: Of the draw, the words and the intervals.
        resamples: Of the intervals.
        record: Where answers are kept; None: in memory.
        concurrency: Questions under way at once.
        progress: Is called with how many questions are done, and of how many.

    Returns:
        ``accuracy``, ``agreement`` (with the raw answer) and ``utility_loss``, by task and system.

    Raises:
        ConfigurationError: There is nothing to ask, or an option cannot be used.
        ModelError: The model has gone; go on with the same record.

    Example:
        >>> from pathlib import Path
        >>> import voxguard
        >>> from voxguard.audio import AudioWriter
        >>> from voxguard.evaluation import Manifest, Utterance
        >>> from voxguard.probes.utility import probe_utility
        >>> clips = []
        >>> for number, text in enumerate(["morning light", "evening shade", "sudden storm"]):
        ...     path = Path(f"{number}.wav")
        ...     with AudioWriter(path, 16_000, 1) as file:
        ...         file.write(voxguard.synthetic_voice(seconds=0.5, speaker=number)[None])
        ...     clips.append(Utterance(f"u{number}", path, f"s{number}", transcript=text))
        >>> def deaf(samples, sample_rate, prompt):
        ...     return "Nothing is said."
        >>> found = probe_utility(deaf, Manifest("three", tuple(clips)), resamples=10)
        >>> found.figure("accuracy", task="words").value
        0.0
    """
    chosen = choose(manifest, limit, seed)
    asked, notes = exercises(chosen, tasks, seed, others=manifest.utterances)
    ways = heard(anonymizers, CONDITIONS)
    questions = {(way.name, i): _question(way, one) for way in ways for i, one in enumerate(asked)}
    answers = ask(
        model, list(questions.values()), record, concurrency=concurrency, progress=progress
    )
    said = {where: answers[question.key] for where, question in questions.items()}
    figures = [
        figure
        for task in dict.fromkeys(one.task for one in asked)
        for figure in _Scores(task, asked, ways, said, seed, resamples).figures()
    ]
    failed = Counter(way for (way, _), answer in said.items() if answer.text is None)
    notes += [
        f"{way}: {count} of {len(asked)} questions failed and are left out; run again with the "
        "same record to ask them again"
        for way, count in failed.items()
    ]
    return ProbeDocument(
        probe="utility",
        model={"name": name_of(model)},
        data={
            "name": manifest.name,
            "clips": len({one.utterance.id for one in asked}),
            "speakers": len({one.utterance.speaker for one in asked}),
        },
        systems={way.name: way.about() for way in ways},
        figures=tuple(figures),
        counts={"asked": len(said), "error": sum(failed.values())},
        settings={"tasks": list(tasks), "limit": limit, "seed": seed, "resamples": resamples},
        notes=tuple(notes),
    )


def _question(way: Heard, one: Exercise) -> Question:
    key = f"utility/{one.task}/{one.utterance.id}/{way.key}"
    return Question(key, one.prompt, way.audio(one.utterance))


class _Scores:
    """The figures of one task."""

    def __init__(
        self,
        task: str,
        asked: Sequence[Exercise],
        ways: Sequence[Heard],
        said: Mapping[tuple[str, int], Answer],
        seed: int,
        resamples: int,
    ) -> None:
        self._task, self._ways, self._said = task, ways, said
        self._how = {"seed": seed, "resamples": resamples}
        # What failed in one condition is left out of all: they are compared clip by clip.
        self._own = [
            i
            for i, one in enumerate(asked)
            if one.task == task and all(said[way.name, i].text is not None for way in ways)
        ]
        self._asked = asked
        self._speakers = [asked[i].utterance.speaker for i in self._own]
        self._marks = {way.name: self._marked(way.name) for way in ways}

    def figures(self) -> list[ProbeFigure]:
        if not self._own:
            why = "every question failed in one of the conditions"
            return [self._figure("accuracy", way.name, why=why) for way in self._ways]
        found = [self._interval("accuracy", name, self._accuracy(name)) for name in self._marks]
        for way in self._ways:
            if way.anonymizer is not None:
                found += [self._loss(way.name), self._agreement(way.name)]
        return found

    def _marked(self, name: str) -> Marks:
        marks = [self._asked[i].mark(self._said[name, i].text or "") for i in self._own]
        return np.asarray(marks, dtype=np.float64)

    def _accuracy(self, name: str) -> Interval:
        return bootstrap_groups(np.mean, self._marks[name], self._speakers, **self._how)

    def _agreement(self, name: str) -> ProbeFigure:
        def words(way: str, i: int) -> str:
            return normalize_text(self._said[way, i].text or "")

        same = [float(words(name, i) == words(RAW, i)) for i in self._own]
        interval = bootstrap_groups(np.mean, same, self._speakers, **self._how)
        return self._interval("agreement", name, interval)

    def _loss(self, name: str) -> ProbeFigure:
        blind = max(_CHANCE[self._task], float(self._marks[SILENCE].mean()))
        raw = self._marks[RAW] - blind
        above = bootstrap_groups(np.mean, raw, self._speakers, **self._how)
        if above.value is None or above.value <= 0 or above.low is None or above.low <= 0:
            why = (
                f"on raw clips the model is not clearly better than without ears ({blind:.0%}), "
                "so there is nothing to lose"
            )
            return self._figure(UTILITY_LOSS, name, why=why)
        # The ratio of two means over the same speakers: pairs are drawn together.
        pairs = np.stack([raw, self._marks[name] - blind], axis=1)
        interval = bootstrap_groups(_lost, pairs, self._speakers, **self._how)
        return self._interval(UTILITY_LOSS, name, interval)

    def _interval(self, name: str, system: str, interval: Interval) -> ProbeFigure:
        return ProbeFigure(
            name,
            interval.value,
            interval.low,
            interval.high,
            interval.n,
            system,
            {"task": self._task},
            interval.why,
        )

    def _figure(self, name: str, system: str, *, why: str) -> ProbeFigure:
        return ProbeFigure(name, None, None, None, 0, system, {"task": self._task}, why)


def _lost(pairs: Marks) -> float | None:
    raw, anonymized = pairs.mean(axis=0)
    return None if raw <= 0 else 1.0 - float(anonymized / raw)
