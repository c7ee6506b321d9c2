"""What is left of words and melody, on the dev speakers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from recipes.common import told, write
from recipes.train_voice_conversion.anonymize import Anonymize
from recipes.train_voice_conversion.corpus import Utterance
from recipes.train_voice_conversion.data import Recorded
from recipes.train_voice_conversion.features import load
from recipes.train_voice_conversion.settings import Evaluation
from voxguard.arrays import Samples
from voxguard.metrics import bootstrap_groups, edits, error_rate
from voxguard.models.converter import Converter
from voxguard.models.pool import Target
from voxguard.utility.pitch import pitch_correlations
from voxguard.utility.recognisers import create_recogniser


class Words:
    """Word error rate of what is heard, by pocketsphinx."""

    def __init__(self) -> None:
        self._recogniser = create_recogniser("pocketsphinx")
        self._pairs: list[Any] = []
        self._speakers: list[str] = []

    def hear(self, samples: Samples, utterance: Utterance) -> str:
        """Recognise one utterance."""
        heard = self._recogniser.transcribe(samples)
        self.add(heard, utterance)
        return heard

    def add(self, heard: str, utterance: Utterance) -> None:
        """Take one that was recognised before."""
        self._pairs.append(edits([utterance.transcript], [heard])[0])
        self._speakers.append(utterance.speaker)

    def figure(self, seed: int) -> dict[str, Any]:
        """The rate over all that was heard, with its interval."""
        return bootstrap_groups(error_rate, self._pairs, self._speakers, seed=seed).figure()


def measure(
    anonymize: Anonymize, dev: list[Utterance], given: Evaluation, heard: Path
) -> dict[str, Any]:
    """Word error rate before and after, and how far the melodies correlate.

    Args:
        anonymize: The method.
        dev: Utterances with transcripts.
        given: Seed of the intervals.
        heard: File that keeps what is recognised in the recordings themselves.
    """
    before, after = Words(), Words()
    known = json.loads(heard.read_text()) if heard.exists() else {}
    melody, speakers = [], []
    for utterance in told("dev utterances", dev):
        samples = load(utterance.path)
        made = anonymize(samples, utterance.name)
        if utterance.name in known:
            before.add(known[utterance.name], utterance)
        else:
            known[utterance.name] = before.hear(samples, utterance)
        after.hear(made, utterance)
        if (found := pitch_correlations(samples, made)) is not None:
            melody.append(found)
            speakers.append(utterance.speaker)
    write(known, heard)
    return {
        "wer": after.figure(given.seed),
        "wer_original": before.figure(given.seed),
        "pitch_correlation": bootstrap_groups(np.mean, melody, speakers, seed=given.seed).figure(),
    }


def mel_distance(converter: Converter, dev: list[Recorded], levels: int, ahead: int = 0) -> float:
    """How far an utterance said in its own voice is off, in nepers.

    Mean absolute difference of the envelope over all bands and frames.

    Args:
        converter: Of the weights, also of those for live signals.
        dev: Utterances.
        levels: Of the quantiser; 0 for none of it.
        ahead: Frames that the network hears before the first is to be said.
    """
    off = []
    for recorded in dev:
        own = Target(recorded.vector, 0.0, 1.0)  # of the pitch only the features are used
        mel = recorded.mel.astype(np.float32)
        heard = ((mel - recorded.mean) / recorded.spread).astype(np.float32)
        heard = np.pad(heard, ((0, ahead), (0, 0)), mode="edge")[ahead:]
        decoded = converter.decode(heard, recorded.pitch, own, levels or None)
        off.append(np.abs(decoded[:, :-1] - mel).mean())
    return round(float(np.mean(off)), 4)
