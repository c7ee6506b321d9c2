"""The whole audit of a model: blind baseline, attack, and the same with the audio replaced."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from voxguard.audiollm import ScoresText, name_of, needs
from voxguard.errors import ConfigurationError
from voxguard.evaluation.manifest import Manifest
from voxguard.probes.data import Anonymize, Heard, heard
from voxguard.probes.document import ProbeDocument
from voxguard.probes.figures import NO_AUDIO, RAW, SILENCE
from voxguard.probes.membership.asking import Asked, ask_all
from voxguard.probes.membership.blind import Blind, blind_baseline
from voxguard.probes.membership.clips import clips_of
from voxguard.probes.membership.disentangle import Noise, Resynthesis
from voxguard.probes.membership.figures import HEADLINES, findings
from voxguard.probes.membership.record import ScoreRecord
from voxguard.probes.membership.regression import FOLDS, REPEATS
from voxguard.probes.membership.two_stage import PROMPT

Progress = Callable[[int, int], None]

NOISE, RESYNTHESIS = "noise", "resynthesis"
CONDITIONS = (RAW, SILENCE, NOISE, RESYNTHESIS, NO_AUDIO)


def probe_membership(
    model: Any,
    members: Manifest,
    non_members: Manifest,
    *,
    anonymizers: Mapping[str, Anonymize] | Anonymize | None = None,
    conditions: Sequence[str] = CONDITIONS[:-1],
    metadata: Sequence[str] = (),
    prompt: str = PROMPT,
    limit: int | None = None,
    record: ScoreRecord | None = None,
    seed: int = 0,
    resamples: int = 1000,
    give_up_after: int = 5,
    progress: Progress | None = None,
) -> ProbeDocument:
    """Ask whether a model remembers the clips that it was trained on.

    Phase 1 tells members from non-members without the model
    (:func:`~voxguard.probes.membership.blind_baseline`). Phase 2 has the model write down each clip
    and scores that text, and the transcript where there is one, in thirty ways
    (:mod:`~voxguard.probes.membership.scores`). Phase 3 does it again with the audio replaced: the
    ``transcript`` is then the same words with another sound, and if the AUC falls, the model
    remembers *this voice saying this*; the ``self-transcription`` is made anew.

    No figure comes without the blind AUC. Where that is above 0.55, or a score correlates with the
    blind one above 0.4, figures are marked ``{"data": "contaminated"}`` and there is no advantage:
    such an attack recognises the lists. An AUC of 0.5 is no guarantee, since the next attacker may
    be better; training with differential privacy is one.

    Args:
        model: A model with ``score``, such as :class:`~voxguard.audiollm.TransformersModel`.
        members: Clips it was trained on.
        non_members: Clips it was not, alike in all else; best drawn by lot from one list.
        anonymizers: Other voices to replace the audio by, by name.
        conditions: Of :data:`CONDITIONS`; the raw audio is always among them.
        metadata: Columns that the blind baseline looks at besides. None that says who is a member.
        prompt: What is asked; best the one that the model was trained with.
        limit: Most clips of each side, evenly over the speakers; None: all.
        record: Where scores are kept as they come; None: in memory.
        seed: Of choice, noise, folds and intervals.
        resamples: Of the intervals.
        give_up_after: Clips in a row on which the model fails before the run stops.
        progress: Is called with how many scorings are done, and of how many.

    Returns:
        ``blind_auc`` by ``features``; by ``text`` and ``score``: ``auc``, ``correlation`` (with the
        blind scores), ``tpr`` by ``fpr``, ``auc_drop`` (raw less replaced, paired), ``advantage``.

    Raises:
        ConfigurationError: The model gives no scores; the lists cannot be used; an option that does
            not exist.
        ModelError: The model has gone. What it gave is in the record; run it again to go on.
        MissingExtraError: scikit-learn or pyworld is not installed (``eval``).

    References:
        Dong, Lin, Lee, membership inference against audio LLMs, Interspeech 2026, arXiv:2603.28378.

    Example:
        >>> from voxguard.evaluation import Manifest, Utterance
        >>> from voxguard.probes.membership import probe_membership
        >>> def deaf(samples, sample_rate, prompt):
        ...     return "I cannot tell."
        >>> clips = [Manifest(side, tuple(Utterance(f"{side}{i}", f"{side}{i}.wav", f"speaker-{i}")
        ...                               for i in range(4))) for side in ("in", "out")]
        >>> probe_membership(deaf, *clips)
        Traceback (most recent call last):
            ...
        voxguard.errors.ConfigurationError: membership inference needs a model with score(), ...
    """
    needs(model, ScoresText, "membership inference")
    ways = _ways(anonymizers, conditions, seed)
    clips = clips_of(members, non_members, limit=limit, seed=seed)
    blind = blind_baseline(clips, metadata=metadata, seed=seed, resamples=resamples)
    asked = ask_all(
        model,
        blind.clips,
        ways,
        record or ScoreRecord(),
        prompt=prompt,
        give_up_after=give_up_after,
        progress=progress,
    )
    found = findings(blind, asked.vectors, seed=seed, resamples=resamples)
    return ProbeDocument(
        probe="membership",
        model={"name": name_of(model)},
        data={"name": f"{members.name} / {non_members.name}", **blind.clips.about()},
        systems={way.name: way.about() for way in ways},
        figures=found.figures,
        counts={**asked.counts, "unreadable": len(blind.unread)},
        settings={
            "prompt": prompt,
            "metadata": list(metadata),
            "folds": f"{FOLDS} by {blind.clips.unit}, dealt {REPEATS} times",
            "headlines": list(HEADLINES),
            "limit": limit,
            "seed": seed,
            "resamples": resamples,
        },
        notes=(*found.notes, *_notes(blind, asked)),
    )


def _ways(
    anonymizers: Mapping[str, Anonymize] | Anonymize | None, conditions: Sequence[str], seed: int
) -> list[Heard]:
    if unknown := [name for name in conditions if name not in CONDITIONS]:
        raise ConfigurationError(
            f"unknown condition {unknown[0]!r}; there are {', '.join(CONDITIONS)}"
        )
    own: dict[str, Anonymize] = {}
    if NOISE in conditions:
        own[NOISE] = Noise(seed)
    if RESYNTHESIS in conditions:
        own[RESYNTHESIS] = Resynthesis()
    plain = [name for name in (SILENCE, NO_AUDIO) if name in conditions]
    theirs = heard(anonymizers, (RAW, *plain))
    if taken := sorted({way.name for way in theirs} & {NOISE, RESYNTHESIS}):
        raise ConfigurationError(f"an anonymizer cannot be called {taken[0]!r}")
    return [*theirs[: 1 + len(plain)], *heard(own, ()), *theirs[1 + len(plain) :]]


def _notes(blind: Blind, asked: Asked) -> list[str]:
    notes = [
        "of the single scores none but those of settings.headlines was chosen beforehand: the "
        "highest of thirty is high by chance as well"
    ]
    if blind.clips.unit == "speaker":
        notes.append("folds and intervals are by speaker")
    else:
        notes.append("folds and intervals are by clip: each is of its own speaker, or all of one")
    notes += [f"blind {part} features: {why}" for part, why in blind.skipped.items()]
    if blind.unread:
        first = next(iter(blind.unread.values()))
        notes.append(f"{len(blind.unread)} clips could not be read; the first: {first}")
    if asked.reasons:
        notes.append(f"clips without scores are left out; the first reason: {asked.reasons[0]}")
    return notes
