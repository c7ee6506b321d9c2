"""Asks an audio LLM who is speaking, in every condition, and scores what it says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from voxguard.audiollm import Answer, AnswerRecord, AudioModel, EncodesAudio, ask, name_of
from voxguard.errors import ConfigurationError
from voxguard.evaluation.manifest import Manifest, Utterance
from voxguard.probes.attributes.conditions import Asked, plan
from voxguard.probes.attributes.judge import Judge, agreement
from voxguard.probes.attributes.labels import Labelled, labelled
from voxguard.probes.attributes.parser import read_answer
from voxguard.probes.attributes.prompts import Form, Prompt, check_prompts
from voxguard.probes.attributes.scoring import Read
from voxguard.probes.attributes.states import probe_states
from voxguard.probes.attributes.steadiness import changes
from voxguard.probes.attributes.summary import counts_of, figures_of
from voxguard.probes.attributes.taxonomy import MOST_OPTIONS, Attribute
from voxguard.probes.data import Anonymize, Heard, choose, heard
from voxguard.probes.document import ProbeDocument
from voxguard.probes.figures import NO_AUDIO, RAW, SILENCE, TRANSCRIPT, ProbeFigure
from voxguard.utility.recognisers.base import Recogniser

CONDITIONS = (RAW, TRANSCRIPT, SILENCE, NO_AUDIO)
_MANY_ERRORS = 0.05


def probe_attributes(
    model: AudioModel,
    manifest: Manifest,
    *,
    anonymizers: Mapping[str, Anonymize] | Anonymize | None = None,
    attributes: Sequence[str | Attribute] | None = None,
    prompts: Sequence[Prompt] = ("direct",),
    forms: Sequence[Form] = ("open", "closed"),
    conditions: Sequence[str] = CONDITIONS,
    recogniser: Recogniser | None = None,
    judge: Judge | None = None,
    states: bool = True,
    limit: int | None = None,
    seed: int = 0,
    resamples: int = 1000,
    record: AnswerRecord | None = None,
    concurrency: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> ProbeDocument:
    """What can an audio LLM tell of the speaker, with and without an anonymizer in front?

    The protocol is that of HearSay (arXiv 2601.03783), with what flattered mended: the same clips,
    words and order of options in every condition; rules read the answers, a judge only if asked
    for; failed questions are left out and counted, not taken for wrong answers; every figure has an
    interval over speakers; what needs no ear for voices is subtracted (see
    :mod:`voxguard.probes.attributes.scoring`).

    Args:
        model: Any model. One that shows the states of its audio encoder
            (:class:`~voxguard.audiollm.EncodesAudio`) is probed there too.
        manifest: Labelled recordings.
        anonymizers: Each is a condition, by the name it has here; one alone is ``"protected"``.
        attributes: Names of the eight attributes or of any label column, ``"speaker"`` included, or
            attributes of your own. None: those of the eight that the manifest has labels of.
        prompts: Some of ``"direct"``, ``"chain-of-thought"``, ``"privacy"``.
        forms: ``"open"`` and ``"closed"`` questions; scored apart.
        conditions: Some of ``"raw"``, ``"transcript"``, ``"silence"``, ``"no-audio"``. Without the
            last three there is less to subtract, and the advantage is one over chance.
        recogniser: Writes down clips that have no transcript; None: they are left out of
            ``"transcript"``.
        judge: A second reader of the answers.
        states: Probe the audio encoder, where the model shows it. This part of a run is not kept in
            the record.
        limit: Most clips, drawn evenly over the speakers; None: all.
        seed: Of the draw, the shuffled options, folds and intervals.
        resamples: Of the intervals.
        record: Where answers are kept, so that a run that dies can be gone on with; None: in
            memory. Clips are known by their ids, and anonymizers by name, method and options: take
            another record for other data, or for another function of the same name.
        concurrency: Questions under way at once.
        progress: Is called with how many questions are done, and of how many.

    Returns:
        Figures by attribute, prompt, form and system. A model that names no class has no accuracy:
        its value is None, with the reason.

    Raises:
        ConfigurationError: No attribute is left to ask for, or an option cannot be used.
        ModelError: The model has gone; go on with the same record.

    Example:
        >>> from pathlib import Path
        >>> import voxguard
        >>> from voxguard.audio import AudioWriter
        >>> from voxguard.evaluation import Manifest, Utterance
        >>> from voxguard.probes.attributes import probe_attributes
        >>> clips = []
        >>> for number in range(4):
        ...     path = Path(f"{number}.wav")
        ...     with AudioWriter(path, 16_000, 1) as file:
        ...         file.write(voxguard.synthetic_voice(seconds=0.5, speaker=number)[None])
        ...     sex = {"sex": "FM"[number % 2]}
        ...     clips.append(Utterance(f"u{number}", path, f"s{number}", labels=sex))
        >>> def deaf(samples, sample_rate, prompt):
        ...     return "I cannot tell."
        >>> found = probe_attributes(deaf, Manifest("four", tuple(clips)), forms=["open"])
        >>> found.figure("refusal_rate", attribute="sex").value
        1.0
        >>> found.figure("inference_accuracy", attribute="sex").why
        'all 4 answers are refusals'
    """
    check_prompts(prompts, forms)
    labels = labelled(manifest, attributes)
    own = [u for u in manifest.utterances if any(u.id in of for of in labels.truths.values())]
    utterances = choose(replace(manifest, utterances=tuple(own)), limit, seed)
    labels = labels.among(utterances)
    ways = heard(anonymizers, conditions)
    asked = plan(
        labels.truths,
        labels.attributes,
        utterances,
        ways,
        prompts,
        forms,
        recogniser=recogniser,
        seed=seed,
        together=concurrency,
    )
    if not asked:
        raise ConfigurationError(
            "there is nothing to ask: no condition has a clip, or every attribute has more than "
            f"{MOST_OPTIONS} classes and the question is closed; add conditions= or forms=('open',)"
        )
    questions = [one.question for one in asked]
    answers = ask(model, questions, record, concurrency=concurrency, progress=progress)
    read, second, told = _read(asked, answers, judge, seed, resamples)
    figures, scored = figures_of(read, resamples, seed)
    inner, inner_notes = _states(model, labels, utterances, ways, resamples, seed, wanted=states)
    return ProbeDocument(
        probe="attributes",
        model={"name": name_of(model), "states": isinstance(model, EncodesAudio)},
        data=_data(manifest, labels, utterances),
        systems={way.name: way.about() for way in ways},
        figures=(*figures, *inner, *second),
        counts=counts_of(read) | told,
        settings={
            "attributes": [attribute.name for attribute in labels.attributes],
            "prompts": list(prompts),
            "forms": list(forms),
            "conditions": list(conditions),
            "recogniser": None if recogniser is None else recogniser.how,
            "judge": None if judge is None else name_of(judge.model),
            "decides": "judge" if judge is not None and judge.decides else "parser",
            "limit": limit,
            "seed": seed,
            "resamples": resamples,
        },
        notes=(*labels.notes, *_plan_notes(asked, labels, ways), *_run_notes(read), *scored,
               *inner_notes),
    )  # fmt: skip


def _read(
    asked: Sequence[Asked],
    answers: Mapping[str, Answer],
    judge: Judge | None,
    seed: int,
    resamples: int,
) -> tuple[list[Read], list[ProbeFigure], dict[str, int]]:
    """What each answer says, how far two readers agree, and what the judge failed to read."""
    read = []
    for one in asked:
        answer = answers[one.question.key]
        reading = read_answer(answer, one.attribute, one.options, reasoned=one.reasoned)
        read.append(Read(one, reading))
    if judge is None:
        return read, [], {}
    given = [number for number, one in enumerate(read) if one.reading.kind != "error"]
    texts = [(asked[i].attribute, asked[i].options, answers[asked[i].question.key]) for i in given]
    judged = judge.read([(a, options, answer.text or "") for a, options, answer in texts])
    both = [(i, second) for i, second in zip(given, judged, strict=True) if second is not None]
    figures = []
    for system in dict.fromkeys(one.system for one in asked):
        pairs = [(read[i].reading, second, i) for i, second in both if asked[i].system == system]
        if pairs:
            firsts, seconds, places = zip(*pairs, strict=True)
            speakers = [asked[i].speaker for i in places]
            figures += agreement(firsts, seconds, speakers, system, seed=seed, resamples=resamples)
    if judge.decides:
        for i, second in both:
            read[i] = Read(asked[i], second)
    return read, figures, {"judged": len(both), "not judged": len(given) - len(both)}


def _states(
    model: Any,
    labels: Labelled,
    utterances: Sequence[Utterance],
    ways: Sequence[Heard],
    resamples: int,
    seed: int,
    *,
    wanted: bool,
) -> tuple[list[ProbeFigure], list[str]]:
    voiced = [way for way in ways if way.name == RAW or way.anonymizer is not None]
    if not (wanted and voiced and isinstance(model, EncodesAudio)):
        return [], []
    parts = (labels.truths, labels.attributes, utterances, voiced)
    try:
        return probe_states(model, *parts, resamples=resamples, seed=seed)
    except ConfigurationError as error:  # no scikit-learn; or the model behind shows none
        return [], [f"states: not probed: {error}"]


def _data(manifest: Manifest, labels: Labelled, utterances: Sequence[Utterance]) -> dict[str, Any]:
    return {
        "name": manifest.name,
        "clips": len(utterances),
        "speakers": len({utterance.speaker for utterance in utterances}),
        "attributes": {
            name: dict(sorted(Counter(of.values()).items())) for name, of in labels.truths.items()
        },
    }


def _plan_notes(asked: Sequence[Asked], labels: Labelled, ways: Sequence[Heard]) -> list[str]:
    notes = [
        f"{attribute.name}: no closed question, since {len(attribute.classes)} classes are more "
        f"than the {MOST_OPTIONS} letters"
        for attribute in labels.attributes
        if len(attribute.classes) > MOST_OPTIONS
    ]
    clips = {way.name: {one.clip for one in asked if one.system == way.name} for way in ways}
    most = max(map(len, clips.values()))
    if TRANSCRIPT in clips and (missing := most - len(clips[TRANSCRIPT])):
        notes.append(f"{missing} of {most} clips have no transcript, and none in that condition")
    return notes


def _run_notes(read: Sequence[Read]) -> list[str]:
    errors = Counter(one.asked.system for one in read if one.reading.kind == "error")
    total = Counter(one.asked.system for one in read)
    notes = [
        f"{system}: {count} of {total[system]} questions failed and are left out; run again with "
        "the same record to ask them again"
        for system, count in errors.items()
        if count > _MANY_ERRORS * total[system]
    ]
    return notes + changes(read)
