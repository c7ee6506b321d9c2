"""One method and one seed: what it costs, and what it leaves."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from recipes.anonymize_then_train.leaks import Names, speakers_found
from recipes.anonymize_then_train.members import attack, by_speaker, halves
from recipes.anonymize_then_train.recogniser import Labels, Recipe, accuracy, losses

RAW = "raw"
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Corpus:
    """The clips.

    Attributes:
        raw: Features ``(n, dimensions)`` of all clips.
        renderings: The same of each rendering by the method, the publisher's first.
        labels: ``(n,)``.
        speakers: ``(n,)``.
        trained: Which are trained on.
        tested: Which are not.
    """

    raw: Tensor
    renderings: tuple[Tensor, ...]
    labels: Labels
    speakers: Names
    trained: Indices
    tested: Indices


def study(corpus: Corpus, recipe: Recipe, seed: int, *, pairs: int, splits: int) -> dict[str, Any]:
    """Train on raw or on anonymized clips, and look at all of it.

    ``before`` in what is returned is the accuracy of a recogniser of raw speech on what the method
    makes of it.

    Args:
        corpus: Without renderings it is the study of training on the raw clips.
        recipe: How recognisers are trained.
        seed: Of models and halves.
        pairs: Of models on halves of the clips.
        splits: Of models on halves of the speakers.
    """
    began = time.process_time()
    published = corpus.renderings[0] if corpus.renderings else corpus.raw
    trained, tested = corpus.trained, corpus.tested
    known = tested[np.isin(corpus.speakers[tested], corpus.speakers[trained])]
    model = recipe.train(published[trained], corpus.labels[trained], seed)
    heard = {RAW: corpus.raw} | ({"anonymized": published} if corpus.renderings else {})
    found: dict[str, Any] = {
        "accuracy": {
            name: accuracy(model, view[tested], corpus.labels[tested])
            for name, view in heard.items()
        },
        "speaker": {
            name: speakers_found(
                model,
                (view[trained], corpus.speakers[trained]),
                (view[known], corpus.speakers[known]),
            )
            for name, view in heard.items()
        },
        "before": accuracy(
            recipe.train(corpus.raw[trained], corpus.labels[trained], seed),
            published[tested],
            corpus.labels[tested],
        ),
        "tested": len(tested),
        "members": _members(corpus, recipe, seed, pairs),
        "member_speakers": _member_speakers(corpus, recipe, seed, splits),
    }
    return found | {"seconds": round(time.process_time() - began, 1)}


def acquainted(speakers: Names, trained: Indices, tested: Indices) -> list[str]:
    """Who has clips of either kind, so that he can be asked about.

    Raises:
        SystemExit: They are fewer than four.
    """
    both = sorted(set(speakers[trained].tolist()) & set(speakers[tested].tolist()))
    if len(both) < 4:
        raise SystemExit(
            "the attacks ask about speakers by other recordings of theirs: at least 4 need clips "
            f"to train and clips to test, here {len(both)} do; divide the clips of each speaker"
        )
    return both


def _queries(corpus: Corpus, clips: Indices) -> dict[str, list[Tensor]]:
    """What the attacker has of the clips: the recordings, and what his own draws make of them."""
    asked = {RAW: [corpus.raw[clips]]}
    if corpus.renderings:
        asked["own draws"] = [view[clips] for view in corpus.renderings[1:]]
    return asked


def _members(corpus: Corpus, recipe: Recipe, seed: int, pairs: int) -> dict[str, Any]:
    """Was this recording trained on?"""
    clips = corpus.trained
    is_in = halves(len(clips), pairs, np.random.default_rng([seed, 1]))
    chosen = [clips[row] for row in is_in]
    names = [str(clip) for clip in clips]
    return {
        name: attack(is_in, attacked, own, names)
        for name, (attacked, own) in _losses(corpus, recipe, seed, chosen, clips).items()
    }


def _member_speakers(corpus: Corpus, recipe: Recipe, seed: int, splits: int) -> dict[str, Any]:
    """Was any recording of this speaker trained on? The attacker asks about others of his."""
    everyone = acquainted(corpus.speakers, corpus.trained, corpus.tested)
    is_in = halves(len(everyone), splits, np.random.default_rng([seed, 2]))
    chosen = [
        corpus.trained[np.isin(corpus.speakers[corpus.trained], np.array(everyone)[row])]
        for row in is_in
    ]
    asked = corpus.tested[np.isin(corpus.speakers[corpus.tested], everyone)]
    said = corpus.speakers[asked].tolist()
    found = _losses(corpus, recipe, seed, chosen, asked)
    return {
        name: attack(is_in, *(by_speaker(part, said, everyone) for part in both), everyone)
        for name, both in found.items()
    }


def _losses(
    corpus: Corpus, recipe: Recipe, seed: int, chosen: list[Indices], asked: Indices
) -> dict[str, tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]]:
    """For each query, losses ``(models, n)`` of models on the publisher's draws, and on others."""
    sources = corpus.renderings[:2] or (corpus.raw,)
    trained = [
        [recipe.train(view[some], corpus.labels[some], 1000 * seed + k)
         for k, some in enumerate(chosen)]
        for view in sources
    ]  # fmt: skip
    labels = corpus.labels[asked]
    found = {}
    for name, views in _queries(corpus, asked).items():
        rows = [
            np.stack([np.mean([losses(m, v, labels) for v in views], axis=0) for m in models])
            for models in trained
        ]
        # Raw: the attacked models are their own references, for all of them saw the same draw.
        found[name] = (rows[0], rows[-1])
    return found


def tensor(features: npt.NDArray[np.float32]) -> Tensor:
    """The same as a tensor."""
    return torch.from_numpy(features)
