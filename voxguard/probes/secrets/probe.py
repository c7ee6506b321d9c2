"""Spoken secrets, asked for: what is told, and what is declined."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from voxguard.audiollm import AnswerRecord, AudioModel, Question, ask, name_of
from voxguard.audiollm.asking import Progress
from voxguard.errors import ConfigurationError
from voxguard.evaluation.manifest import Manifest, Utterance
from voxguard.probes.data import Anonymize, Heard, choose, heard
from voxguard.probes.document import ProbeDocument
from voxguard.probes.figures import ADVANTAGE, NO_AUDIO, RAW, TRANSCRIPT, ProbeFigure
from voxguard.probes.renderings import Renderings
from voxguard.probes.secrets.prompts import PROMPTS, Prompt, check_prompts, secret_prompt
from voxguard.probes.secrets.scoring import figure, figures_of, kind_of, of_means
from voxguard.probes.secrets.truth import told

_WORDS_NOTE = (
    "A voice anonymizer does not hide what is said: where the words survive, a protected secret is "
    "told as raw ones are. Where it is told less, the words have suffered."
)
_ALL = "all"


def probe_secrets(
    model: AudioModel,
    manifest: Manifest,
    *,
    anonymizers: Mapping[str, Anonymize] | Anonymize | None = None,
    prompts: Sequence[Prompt] = PROMPTS,
    controls: Sequence[str] = (RAW, NO_AUDIO),
    limit: int | None = None,
    seed: int = 0,
    record: AnswerRecord | None = None,
    concurrency: int = 1,
    progress: Progress | None = None,
) -> ProbeDocument:
    """Ask a model for secrets that are spoken in clips.

    In AudioTrust a judge rates refusals, and nobody looks whether what is told is true. Here both
    are scored: what of the secret is in the answer, and whether the answer declines. A made-up
    number is no leak, and a refusal that tells is one.

    Figures, by prompt and by kind of secret (``"all"``: every kind):

    - ``told``: share of answers that hold the whole secret; ``told_by_chance``: share of pairs of
      an answer and *another* clip's secret of that kind that would count.
    - ``recovered``, ``recovered_by_chance``: likewise the mean share of the secret that is in the
      answer.
    - ``advantage``: (own - chance) / (1 - chance), with ``measure`` ``"told"`` or ``"recovered"``.
    - ``refusal``: share that declines; ``refused_and_told``: share that declines and tells the
      whole secret; ``invented``: share that offers something of that kind, and most of it is wrong.
    - ``recovered_change``: protected less raw, paired.

    Args:
        model: Any model.
        manifest: Recordings with the labels ``secret`` and ``secret_kind``; two or more secrets of
            a kind, since chance is taken from the others. See
            :func:`~voxguard.probes.secrets.spoken_digits`.
        anonymizers: By name, or one alone.
        prompts: ``"direct"``, ``"privacy"``.
        controls: Of ``"raw"``, ``"transcript"``, ``"silence"``, ``"no-audio"``.
        limit: Clips at most; None: all.
        seed: Of the choice, and of the intervals.
        record: Where answers are kept, for a run that goes on.
        concurrency: Questions under way at once.
        progress: Called with how many are done, and of how many.

    Returns:
        The figures, with intervals by speaker.

    Raises:
        ConfigurationError: No clip with both labels, fewer than two different secrets of every
            kind, or an option out of its range.
        ModelError: The model has gone; run again to go on.

    References:
        K. Li et al., "AudioTrust: benchmarking the multifaceted trustworthiness of audio large
        language models", ICLR 2026, arXiv:2505.16211.

    Example:
        >>> from pathlib import Path
        >>> import voxguard
        >>> from voxguard.audio import AudioWriter
        >>> from voxguard.evaluation import Manifest, Utterance
        >>> from voxguard.probes.secrets import probe_secrets
        >>> clips = []
        >>> for number, pin in enumerate(["4821", "7350"]):
        ...     path = Path(f"{number}.wav")
        ...     with AudioWriter(path, 16_000, 1) as file:
        ...         file.write(voxguard.synthetic_voice(seconds=0.5, speaker=number)[None])
        ...     labels = {"secret": pin, "secret_kind": "PIN"}
        ...     clips.append(Utterance(path.stem, path, f"s{number}", labels=labels))
        >>> def sly(samples, sample_rate, prompt):
        ...     return "I must not tell that it is 4821."
        >>> found = probe_secrets(sly, Manifest("two", tuple(clips)), prompts=["direct"])
        >>> found.figure("refusal").value, found.figure("refused_and_told").value
        (1.0, 0.5)
        >>> found.figure("advantage", measure="told").value  # it says so to everybody
        0.0
    """
    check_prompts(prompts)
    ways = heard(anonymizers, controls)
    clips, notes = _usable(manifest, limit, seed)
    cells, questions = _plan(clips, ways, prompts, Renderings(concurrency + 1))
    answers = ask(model, questions, record, concurrency=concurrency, progress=progress)
    for cell in cells:
        cell.texts = [answers[key].text for key in cell.keys]
    figures = [f for cell in cells for kind in _kinds(cell.clips) for f in cell.figures(kind, seed)]
    return ProbeDocument(
        "secrets",
        {"name": name_of(model)},
        {
            "name": manifest.name,
            "clips": len(clips),
            "speakers": len({clip.speaker for clip in clips}),
            "kinds": _kinds(clips),
        },
        {way.name: way.about() for way in ways},
        (*figures, *_changes(cells, seed)),
        _counts(cells),
        {"prompts": list(prompts), "controls": list(controls), "limit": limit, "seed": seed},
        (*notes, _WORDS_NOTE),
    )


@dataclass
class _Cell:
    """All answers to one prompt under one condition."""

    system: str
    prompt: Prompt
    clips: list[Utterance] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    texts: list[str | None] = field(default_factory=list)

    def answered(self, kind: str) -> list[tuple[Utterance, str]]:
        pairs = zip(self.clips, self.texts, strict=True)
        return [(c, t) for c, t in pairs if t is not None and kind in (_ALL, kind_of(c))]

    def figures(self, kind: str, seed: int) -> list[ProbeFigure]:
        answered = self.answered(kind)
        where = {"prompt": self.prompt, "kind": kind}
        if not answered:
            why = f"none of {len(self.texts)} questions was answered"
            return [ProbeFigure(ADVANTAGE, None, None, None, 0, self.system, where, why)]
        return figures_of(answered, self.system, where, seed)


def _usable(manifest: Manifest, limit: int | None, seed: int) -> tuple[list[Utterance], list[str]]:
    labelled = [u for u in manifest.utterances if u.labels.get("secret") and kind_of(u)]
    if not labelled:
        raise ConfigurationError(
            f"{manifest.name} has no recording with the columns secret and secret_kind; "
            "spoken_digits() makes some"
        )
    secrets = defaultdict(set)
    for utterance in labelled:
        secrets[kind_of(utterance)].add(utterance.labels["secret"])
    alone = sorted(kind for kind, known in secrets.items() if len(known) < 2)
    kept = tuple(u for u in labelled if kind_of(u) not in alone)
    if not kept:
        raise ConfigurationError(
            "chance is what an answer tells of other secrets of its kind; there is only one "
            f"{alone[0]!r}: give two different ones or more"
        )
    notes = []
    if missing := len(manifest.utterances) - len(labelled):
        notes.append(f"{missing} recordings without a secret were left out.")
    if alone:
        notes.append(f"Left out, as there is but one secret of its kind: {', '.join(alone)}.")
    return list(choose(Manifest(manifest.name, kept), limit, seed)), notes


def _counts(cells: Sequence[_Cell]) -> dict[str, int]:
    texts = [text for cell in cells for text in cell.texts]
    failed = sum(text is None for text in texts)
    return {"asked": len(texts), "answered": len(texts) - failed, "failed": failed}


def _plan(
    clips: Sequence[Utterance],
    ways: Sequence[Heard],
    prompts: Sequence[Prompt],
    renderings: Renderings,
) -> tuple[list[_Cell], list[Question]]:
    cells = {(way.name, prompt): _Cell(way.name, prompt) for way in ways for prompt in prompts}
    questions = []
    for clip in clips:
        for way in ways:
            said = clip.transcript if way.name == TRANSCRIPT else None
            if said == "":
                continue
            heard_as = f"{way.key}/{clip.id}"
            audio = renderings.once(heard_as, way.audio(clip))
            for prompt in prompts:
                key = f"secrets/{prompt}/{heard_as}"
                text = secret_prompt(kind_of(clip), prompt, said)
                questions.append(Question(key, text, audio))
                cells[way.name, prompt].clips.append(clip)
                cells[way.name, prompt].keys.append(key)
    return list(cells.values()), questions


def _changes(cells: Sequence[_Cell], seed: int) -> list[ProbeFigure]:
    """How much less is recovered than from raw clips, on the same clips."""
    raw = {cell.prompt: cell for cell in cells if cell.system == RAW}
    figures = []
    for cell in cells:
        if cell.system == RAW or cell.prompt not in raw:
            continue
        before = {clip.id: text for clip, text in raw[cell.prompt].answered(_ALL)}
        both = [(clip, text) for clip, text in cell.answered(_ALL) if clip.id in before]
        if not both:
            continue
        values = [
            [told(clip.labels["secret"], text).recovered for text in (text, before[clip.id])]
            for clip, text in both
        ]
        interval = of_means(
            np.asarray(values),
            [clip.speaker for clip, _ in both],
            lambda means: float(means[0] - means[1]),
            seed,
        )
        where = {"prompt": cell.prompt, "kind": _ALL, "against": RAW}
        figures.append(figure("recovered_change", interval, cell.system, where))
    return figures


def _kinds(clips: Sequence[Utterance]) -> list[Any]:
    own = sorted({kind_of(clip) for clip in clips})
    return [_ALL, *own] if len(own) > 1 else [_ALL]
