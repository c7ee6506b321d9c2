"""How often a model is steered by what nobody hears, and how often an anonymizer prevents it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from voxguard.audiollm import AnswerRecord, TransformersModel, ask
from voxguard.errors import ConfigurationError
from voxguard.evaluation.manifest import Manifest
from voxguard.probes.adversarial.clips import Clips, Strength
from voxguard.probes.adversarial.goal import Goal
from voxguard.probes.adversarial.loss import log_mel_of
from voxguard.probes.adversarial.outcomes import ADAPTIVE, NOISE, NONE, PGD, Table
from voxguard.probes.adversarial.store import Perturbations
from voxguard.probes.data import Anonymize, choose, heard
from voxguard.probes.document import ProbeDocument
from voxguard.probes.figures import RAW, ProbeFigure

_FEW = 30


def probe_adversarial(
    model: TransformersModel,
    manifest: Manifest,
    *,
    prompt: str,
    target: str | None = None,
    label: str | None = None,
    answers: Mapping[str, str | Sequence[str]] | None = None,
    anonymizers: Mapping[str, Anonymize] | Anonymize | None = None,
    epsilon: float = 0.002,
    steps: int = 100,
    restarts: int = 1,
    adaptive_steps: int | None = None,
    draws: int = 4,
    seconds: float | None = None,
    limit: int | None = None,
    seed: int = 0,
    resamples: int = 1000,
    record: AnswerRecord | None = None,
    folder: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ProbeDocument:
    """Steer a model by perturbed clips, with and without anonymizers in front of it.

    Each clip is heard as it is (``"none"``), with noise of the same bound (``"noise"``, the
    control: it is no attack), attacked without regard to a defence (``"pgd"``), and, behind an
    anonymizer, attacked by one who knows it (``"adaptive"``, see
    :func:`~voxguard.probes.adversarial.attack`). Figures, by system and attack:

    - ``attack_success``: the answer begins with the target. Read it against that of ``"none"`` and
      ``"noise"`` at the same system: an anonymizer alone may make a man of a woman.
      ``success_over_noise`` is the paired difference.
    - ``attack_removed``: of the clips steered on raw audio, those no longer steered;
      ``answer_restored``: those answered as the clean raw clip is. An anonymizer that breaks all
      answers removes everything and restores nothing.
    - ``answer_kept``: answered as the clean raw clip; where the question is about the voice, an
      anonymizer is *meant* to change it, so ask about what is said for the cost of a defence.
    - ``accuracy`` on the clips as they are, with ``blind_accuracy`` beside it, where there are
      labels; with one target for all, clips that get it anyway are missing there too.

    Behind an anonymizer, the larger of ``"pgd"`` and ``"adaptive"`` is the one to quote, and they
    still are but two attackers. Where the one that adapts does less, it had too few steps or
    draws, or its gradient goes astray: then neither shows that the anonymizer is robust, which a
    note says.

    Args:
        model: A model with gradients.
        manifest: The clips.
        prompt: The question about each.
        target: The answer wanted of all; clips that get it anyway are left out. None: with
            ``answers``, the first of these that the clean clip does not get.
        label: Column of the manifest that holds the truth.
        answers: Right answer for each value in that column, as the model puts it; several, if it
            puts it in several ways, of which the first is aimed at and all count.
        anonymizers: By the names that the report has; one alone is called ``"protected"``.
        epsilon: Bound of the perturbation, full scale being 1.
        steps: Of the attack.
        restarts: Random starts of it.
        adaptive_steps: Of the adaptive attack; None: as many. It costs ``draws`` runs of the
            anonymizer a step.
        draws: Of the anonymizer, a step of the adaptive attack.
        seconds: Clips are cut to this; None: to the model's window.
        limit: Most clips, drawn evenly over the speakers; None: all.
        seed: Of all that is drawn here; an anonymizer without a seed draws by itself.
        resamples: Of the intervals.
        record: Where answers are kept; None: in memory.
        folder: Where perturbations are kept, which are most of the work; None: in memory, and a run
            that goes on with a record makes again those that are asked about again.
        progress: Is called with how many questions are done, and of how many.

    Raises:
        ConfigurationError: Neither a target nor answers, a label that no clip has, a number out of
            its range, a model without this gradient, or no clip that can be attacked.
        ModelError: The model has gone; run again with the same record and folder.
    """
    goal = Goal(target, label, answers)
    ways = heard(anonymizers)
    window = log_mel_of(model).most
    most = window if seconds is None else min(window, round(seconds * model.sample_rate))
    if most < 1:
        raise ConfigurationError(f"seconds= takes more than 0, got {seconds!r}")
    strength = Strength(epsilon, steps, restarts, adaptive_steps or steps, draws, seed)
    clips = Clips(model, prompt, most, strength, Perturbations(folder))
    record = record or AnswerRecord()
    chosen = choose(manifest, limit, seed)
    first = [clips.question(utterance, NONE, ways[0]) for utterance in chosen]
    replies = ask(model, first, record)
    clean = [replies[question.key].text for question in first]
    maybe = [goal.case(u, text) for u, text in zip(chosen, clean, strict=True) if text is not None]
    cases = [case for case in maybe if case is not None]
    if not cases:
        raise ConfigurationError(
            f"no clip can be attacked: of {len(chosen)}, {len(chosen) - len(maybe)} failed and "
            f"{len(maybe)} are answered with the target as they are; give another target"
        )
    asked = [
        (case, kind, way, clips.question(case.utterance, kind, way, case.text))
        for case in cases
        for way in ways
        for kind in (NONE, NOISE, PGD, *([] if way.name == RAW else [ADAPTIVE]))
    ]
    replies = ask(model, [question for *_, question in asked], record, progress=progress)
    outcomes = [
        goal.outcome(case, kind, way.name, replies[question.key].text)
        for case, kind, way, question in asked
    ]
    figures = [
        *Table(outcomes, seed=seed, resamples=resamples).figures(),
        *clips.levels(cases, ways, seed=seed, resamples=resamples),
    ]
    errors = len(chosen) - len(maybe) + sum(outcome.answer is None for outcome in outcomes)
    return ProbeDocument(
        probe="adversarial",
        model={"name": model.name},
        data={
            "name": manifest.name,
            "clips": len(cases),
            "speakers": len({case.utterance.speaker for case in cases}),
        },
        systems={way.name: way.about() for way in ways},
        figures=tuple(figures),
        counts={
            "clips": len(chosen),
            "attacked": len(cases),
            "answered with the target as they are": len(maybe) - len(cases),
            "asked": len(first) + len(asked) - len(cases),  # the clean raw clip is asked once
            "error": errors,
        },
        settings={
            **strength.as_dict(),
            "prompt": prompt,
            "target": target,
            "label": label,
            "answers": {name: list(texts) for name, texts in goal.answers.items()},
            "seconds": most / model.sample_rate,
            "limit": limit,
            "resamples": resamples,
        },
        notes=tuple(_notes(figures, len(cases))),
    )


def _notes(figures: Sequence[ProbeFigure], clips: int) -> list[str]:
    notes = []
    if clips < _FEW:
        notes.append(f"{clips} clips: the intervals are wide, and say little below {_FEW}")
    value = {
        (f.system, f.where.get("attack")): f.value for f in figures if f.name == "attack_success"
    }
    for (system, kind), rate in value.items():
        other = value.get((system, PGD))
        if kind == ADAPTIVE and rate is not None and other is not None and rate < other:
            notes.append(
                f"{system}: the adaptive attack ({rate:.2f}) does less than the one that knows "
                f"nothing of the anonymizer ({other:.2f}): too few steps or draws, or its gradient "
                "goes astray; neither figure shows that the anonymizer is robust"
            )
    return notes
