"""Step: what the finished model answers, asked through voxguard's own adapter.

Every question is asked a second time about silence: what a model says without having heard anything
is its blind baseline, and a figure counts for what it has above that.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from recipes.common import duration, say
from recipes.train_audio_llm.corpus import HELD_OUT, STRANGERS, TRAINED
from recipes.train_audio_llm.cutting import Cut
from recipes.train_audio_llm.questions import ASKED_SEX, LETTER, Asker, Exchange
from recipes.train_audio_llm.wordings import (
    FIRST,
    KINDS,
    SAID,
    SEX,
    SPEAKER,
    WHICH,
    WRITE_DOWN,
    WRITTEN,
)
from voxguard.arrays import Samples
from voxguard.audio import read
from voxguard.audiollm import Answer, AnswerRecord, Question, TransformersModel, ask
from voxguard.metrics import bootstrap_groups
from voxguard.metrics.wer import edits, error_rate, normalize_text

_SEED = 77
_TOLD_EVERY_S = 20.0
_WAYS = ("raw", "silence")
# What is asked about which clips. Sex and words: of strangers.
ASKED = (
    (SEX, STRANGERS),
    (WHICH, STRANGERS),
    (SAID, STRANGERS),
    (FIRST, STRANGERS),
    (SPEAKER, HELD_OUT),
    (WRITTEN, STRANGERS),
    (WRITTEN, TRAINED),
)


@dataclass(frozen=True)
class _Asked:
    key: str
    cut: Cut
    exchange: Exchange
    group: str
    chance: float


def evaluate(
    folder: Path,
    cuts: Sequence[Cut],
    first_words: Sequence[Cut],
    asker: Asker,
    most: int,
    device: str,
    record: Path,
) -> dict[str, Any]:
    """Ask the model of a folder.

    Args:
        folder: Of the model.
        cuts: Clips of all parts.
        first_words: Clips whose first word is asked for.
        asker: Puts the questions.
        most: Questions of a kind and part.
        device: In torch's words.
        record: Folder in which answers are kept as they come.

    Returns:
        Figures by kind and part, on the clips and on silence, each with interval and n.
    """
    planned = {
        f"{kind}, {part}": _plan(kind, part, first_words if kind == FIRST else cuts, asker, most)
        for kind, part in ASKED
        if kind in asker.kinds
    }
    heard = {name: [one.cut.path for one in some] for name, some in planned.items()}
    weights, answers = _answers(folder, planned, heard, device, record)
    return {"weights": weights, "figures": _figures(planned, answers)}


def remembered(
    folder: Path,
    sides: Mapping[str, Sequence[tuple[Cut, Path]]],
    most: int,
    device: str,
    record: Path,
) -> dict[str, Any]:
    """How well a model writes down what is said in clips that it may remember.

    Args:
        folder: Of the model.
        sides: By what they are called: clips, and the file that is heard for each.
        most: Clips of a side.
        device: In torch's words.
        record: Folder in which answers are kept as they come.

    Returns:
        Word error rates by side, on the clips and on silence, each with interval and n.
    """
    planned = {
        name: [
            _Asked(f"{name}/{cut.name}", cut, _written(cut), cut.clip.source.utterance.name, 0.0)
            for cut, _ in side[:most]
        ]
        for name, side in sides.items()
    }
    heard = {name: [path for _, path in side[:most]] for name, side in sides.items()}
    weights, answers = _answers(folder, planned, heard, device, record)
    return {"weights": weights, "figures": _figures(planned, answers)}


def digest(folder: Path) -> str:
    """SHA-256 of a model's weights."""
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def _written(cut: Cut) -> Exchange:
    return Exchange(WRITTEN, WRITE_DOWN, " ".join(cut.clip.words).lower())


def _answers(
    folder: Path,
    planned: Mapping[str, list[_Asked]],
    heard: Mapping[str, list[Path]],
    device: str,
    record: Path,
) -> tuple[str, dict[str, Answer]]:
    """Digest of the weights, and the answers by key and what was heard."""
    weights = digest(folder)
    questions = [
        Question(f"{one.key}/{way}", one.exchange.prompt, partial(_samples, path, way))
        for name, some in planned.items()
        for one, path in zip(some, heard[name], strict=True)
        for way in _WAYS
    ]
    model = TransformersModel(folder, device=device, local_files_only=True)
    with AnswerRecord(record / f"answers-{weights[:16]}.jsonl", weights) as kept:
        return weights, ask(model, questions, kept, progress=_Telling())


def _figures(planned: Mapping[str, list[_Asked]], answers: dict[str, Answer]) -> dict[str, Any]:
    forms: dict[str, list[_Asked]] = {}
    for name, some in planned.items():
        for one in some:
            form = one.exchange.form
            forms.setdefault(f"{name}, {form}" if form else name, []).append(one)
    return {
        name: {way: _figure(some, answers, way) for way in _WAYS} for name, some in forms.items()
    }


def _plan(kind: str, part: str, cuts: Sequence[Cut], asker: Asker, most: int) -> list[_Asked]:
    """Questions of a kind, evenly over the speakers."""
    rng = np.random.default_rng([_SEED, KINDS.index(kind)])
    own = [one for one in cuts if one.clip.source.utterance.part == part]
    order = rng.permutation(len(own)).tolist()
    turns: dict[str, int] = {}
    ranked = []
    for place in order:
        speaker = own[place].clip.source.utterance.speaker
        turns[speaker] = turns.get(speaker, 0) + 1
        ranked.append((turns[speaker], place))
    open_classes = {SEX: 2, SPEAKER: len(asker.speakers), FIRST: len(asker.words), WRITTEN: 2}
    planned: list[_Asked] = []
    for _, place in sorted(ranked):
        one = own[place]
        exchange = asker.ask(kind, one.clip, rng) if len(planned) < most else None
        if exchange is not None:
            source = one.clip.source.utterance
            group = source.name if kind == SPEAKER else source.speaker
            classes = len(exchange.options) or open_classes[kind]
            key = f"{kind}/{part}/{one.name}"
            planned.append(_Asked(key, one, exchange, group, 1 / classes))
    return planned


def _samples(path: Path, way: str) -> tuple[Samples, int]:
    samples, rate = read(path)
    return (np.zeros_like(samples[0]) if way == "silence" else samples[0]), rate


def _figure(some: list[_Asked], answers: dict[str, Answer], way: str) -> dict[str, Any]:
    told = [answers[f"{one.key}/{way}"].text or "" for one in some]
    groups = [one.group for one in some]
    if some[0].exchange.kind == WRITTEN:
        pairs = edits([one.exchange.answer for one in some], told)
        return bootstrap_groups(error_rate, pairs, groups, seed=_SEED).figure()
    right = [_is_right(one.exchange, text) for one, text in zip(some, told, strict=True)]
    figure = bootstrap_groups(np.mean, np.array(right, float), groups, seed=_SEED).figure()
    chance = float(np.mean([one.chance for one in some]))
    return {**figure, "groups": len(set(groups)), "chance": chance}


def _is_right(asked: Exchange, text: str) -> bool:
    """Whether it is the answer word by word; a woman may be female, if no letter is asked for."""
    found, truth = normalize_text(text), normalize_text(asked.answer)
    if asked.kind == SEX and asked.form != LETTER:
        return ASKED_SEX.class_of(found) == ASKED_SEX.class_of(truth)
    return found == truth


class _Telling:
    """A line now and then."""

    def __init__(self) -> None:
        self._began = self._last = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._last > _TOLD_EVERY_S or done == total:
            self._last = now
            say(f"questions: {done} of {total} after {duration(now - self._began)}")
