"""How well speakers are recognised: a quick look, not a figure to publish.

One frozen encoder and a linear back-end. Attackers that are trained on anonymized speech are far
stronger; the figures that count come from ``eval/``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from recipes.common import told
from recipes.train_voice_conversion.anonymize import Anonymize
from recipes.train_voice_conversion.corpus import Utterance, evenly
from recipes.train_voice_conversion.features import load
from recipes.train_voice_conversion.settings import Evaluation
from voxguard.attacks.backends import create_backend
from voxguard.attacks.recording import Recording, split
from voxguard.metrics import bootstrap_speakers, eer
from voxguard.models.dvector import DVectorModel, unit

Vectors = npt.NDArray[np.float64]


def attack(
    anonymize: Anonymize, utterances: list[Utterance], given: Evaluation, device: str
) -> dict[str, Any]:
    """Equal error rates with intervals, by what the attacker knows.

    Attacked are all speakers with two utterances or more, every second utterance as enrolment (the
    mean of their vectors), the others as trials. ``wccn`` learns from the other speakers, whose
    recordings are cut in pieces and anonymized piece by piece, so that what a new draw changes is
    among what it learns to leave out.
    """
    by_speaker: dict[str, list[Utterance]] = {}
    for utterance in utterances:
        by_speaker.setdefault(utterance.speaker, []).append(utterance)
    attacked = {
        name: evenly(own, given.utterances) for name, own in by_speaker.items() if len(own) > 1
    }
    others = evenly([u for u in utterances if u.speaker not in attacked], given.others)
    encoder = DVectorModel(device=device)
    side = [(u, k % 2) for own in attacked.values() for k, u in enumerate(own)]
    heard: dict[tuple[str, int], list[Vectors]] = {}
    known: dict[str, list[Vectors]] = {}
    for utterance, trial in told("attacked utterances", side):
        samples = load(utterance.path)
        vector = encoder.embed(anonymize(samples, utterance.name), trim=True)
        heard.setdefault((utterance.speaker, trial), []).append(vector)
        if not trial:
            known.setdefault(utterance.speaker, []).append(encoder.embed(samples, trim=True))
    learnt, speakers = _pieces(anonymize, others, given, encoder)
    names = list(attacked)
    trials = np.concatenate([heard[name, 1] for name in names])
    of_trial = [name for name in names for _ in heard[name, 1]]
    cosine, wccn = create_backend("cosine"), create_backend("wccn").fit(learnt, speakers)
    protected, original = _means(names, {n: heard[n, 0] for n in names}), _means(names, known)
    scores = {
        "ignorant": cosine.score(original, trials),
        "lazy": cosine.score(protected, trials),
        "wccn": wccn.score(protected, trials),
    }
    return {
        name: bootstrap_speakers(eer, matrix, names, of_trial, seed=given.seed).figure()
        for name, matrix in scores.items()
    }


def _pieces(
    anonymize: Anonymize, others: list[Utterance], given: Evaluation, encoder: DVectorModel
) -> tuple[Vectors, list[str]]:
    vectors, speakers = [], []
    for utterance in told("other speakers", others):
        for piece in split(_recording(utterance), given.piece_seconds):
            vectors.append(encoder.embed(anonymize(piece.samples(), piece.id), trim=True))
            speakers.append(utterance.speaker)
    return np.array(vectors), speakers


def _recording(utterance: Utterance) -> Recording:
    samples = load(utterance.path)
    return Recording(utterance.name, utterance.speaker, lambda: samples)


def _means(names: list[str], vectors: dict[str, list[Vectors]]) -> Vectors:
    return unit(np.array([np.mean(vectors[name], axis=0) for name in names]))
