"""The probe on conversations that are made from a manifest of single speakers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from voxguard.audiollm import AnswerRecord, AudioModel
from voxguard.errors import ConfigurationError
from voxguard.evaluation.manifest import Manifest
from voxguard.probes.bystanders.items import items_of, word_items
from voxguard.probes.bystanders.probe import FilterOf, probe_bystanders
from voxguard.probes.bystanders.scenes import enrolled_filters, scenes
from voxguard.probes.data import Anonymize
from voxguard.probes.document import ProbeDocument

FILTER = "enrolled-speaker"


def probe_conversations(
    model: AudioModel,
    manifest: Manifest,
    *,
    anonymizers: Mapping[str, Anonymize] | None = None,
    turns: int = 1,
    per_user: int = 2,
    overlap: float = 0.0,
    snr_db: float = 0.0,
    each: int = 2,
    limit: int | None = None,
    seed: int = 0,
    record: AnswerRecord | None = None,
    concurrency: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> ProbeDocument:
    """What does a model learn of people who did not ask it anything, from any manifest?

    A manifest with the columns ``question``, ``options``, ``answer`` and ``about`` is taken as it
    is; from any other with transcripts conversations of two are mixed, and asked about is which
    words each of the two says. In front of the model is nothing, or
    :class:`~voxguard.bystanders.EnrolledSpeakerFilter`, or that with an anonymizer after it.

    Args:
        model: Any model.
        manifest: Of single speakers with transcripts, or of conversations with questions.
        anonymizers: Each is put behind the filter.
        turns: Of each of the two in a conversation.
        per_user: Conversations of each user.
        overlap: Share of the shorter turn in which both talk.
        snr_db: User over bystander.
        each: Questions about each of the two in a conversation.
        limit: Most questions, the first of them; None: all.
        seed: Of all choices and intervals.
        record: Where answers are kept; None: in memory.
        concurrency: Questions under way at once.
        progress: Is called with how many questions are done, and of how many.

    Returns:
        As of :func:`~voxguard.probes.bystanders.probe_bystanders`.

    Raises:
        ConfigurationError: The manifest holds neither, or an option cannot be used.
        ModelError: The model has gone; go on with the same record.

    Example:
        >>> from voxguard.evaluation import Manifest, Utterance
        >>> from voxguard.probes.bystanders import probe_conversations
        >>> clips = tuple(Utterance(f"{who}{i}", f"{who}{i}.wav", who) for who in "ab"
        ...               for i in range(5))
        >>> probe_conversations(len, Manifest("two", clips))
        Traceback (most recent call last):
            ...
        voxguard.errors.ConfigurationError: ...
    """
    if limit is not None and limit < 1:
        raise ConfigurationError(f"limit= takes 1 or more, got {limit!r}")
    if any("about" in utterance.labels for utterance in manifest.utterances):
        items = items_of(manifest)
    else:
        how = {"turns": turns, "per_user": per_user, "overlap": overlap, "snr_db": snr_db}
        made = scenes(manifest, longest_s=None, seed=seed, **how)  # type: ignore[arg-type]
        items = word_items(made, manifest, each=each, seed=seed)
    filters: dict[str, FilterOf] = {FILTER: enrolled_filters(manifest)}
    for name, anonymizer in (anonymizers or {}).items():
        filters[f"{FILTER}, then {name}"] = enrolled_filters(manifest, then=anonymizer)
    return probe_bystanders(
        model,
        items[:limit],
        filters=filters,
        name=manifest.name,
        seed=seed,
        record=record,
        concurrency=concurrency,
        progress=progress,
    )
