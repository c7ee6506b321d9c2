"""What the model's own ear holds: a classifier on the states of its audio encoder.

A model that declines, or does not think of the question, may have heard the answer all the same;
whoever fine-tunes it gets it out. So a classifier is trained on the states, and tells the speakers
of one fold that it was not trained on. The attackers are those of
:func:`voxguard.attacks.attributes.infer_attribute`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from voxguard.arrays import Samples
from voxguard.attacks.attributes import AttributeResult, Knowledge, infer_attribute
from voxguard.audiollm import EncodesAudio
from voxguard.errors import AudioError, ConfigurationError, MissingExtraError, ModelError
from voxguard.evaluation.manifest import Utterance
from voxguard.probes.attributes.taxonomy import Attribute
from voxguard.probes.data import Heard
from voxguard.probes.figures import ADVANTAGE, RAW, ProbeFigure

Vector = npt.NDArray[np.float64]


def pooled(model: EncodesAudio, samples: Samples, sample_rate: int) -> Vector:
    """Mean and standard deviation over time of the encoder's states.

    Args:
        model: Shows its states.
        samples: ``(n,)``.
        sample_rate: Hz.

    Returns:
        ``(2 * width,)``.

    Raises:
        ModelError: It fails, or gives something else than finite ``(frames, width)``.

    Example:
        >>> import numpy as np
        >>> from voxguard.probes.attributes.states import pooled
        >>> class Ear:
        ...     def states(self, samples, sample_rate):
        ...         return samples.reshape(-1, 2)
        >>> pooled(Ear(), np.array([1, 2, 3, 2], np.float32), 16_000)
        array([2., 2., 1., 0.])
    """
    states = np.asarray(model.states(samples, sample_rate), np.float64)
    if states.ndim != 2 or not len(states) or not np.isfinite(states).all():
        raise ModelError(
            f"states() is to give finite numbers of shape (frames, width), got {states.shape}"
        )
    return np.concatenate([states.mean(axis=0), states.std(axis=0)])


def probe_states(
    model: EncodesAudio,
    truths: Mapping[str, Mapping[str, str]],
    attributes: Sequence[Attribute],
    utterances: Sequence[Utterance],
    ways: Sequence[Heard],
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[list[ProbeFigure], list[str]]:
    """Attack each attribute by the states of the audio encoder.

    Args:
        model: Shows its states.
        truths: Attribute to clip to class.
        attributes: What is attacked.
        utterances: The clips.
        ways: How each is heard: raw, and behind each anonymizer.
        resamples: Of the intervals.
        seed: Of folds and intervals.

    Returns:
        Figures ``"states_balanced_accuracy"`` and ``"advantage"`` (of the balanced accuracy over
        the best blind guess) whose ``where`` has the ``"attacker"``: ``"unprotected"``,
        ``"ignorant"``, ``"retrained"``; and notes on what could not be attacked.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    vectors: dict[str, list[Vector]] = {way.name: [] for way in ways}
    used: list[Utterance] = []
    failed = 0
    for utterance in utterances:
        try:
            heard = {way.name: _vector(model, way, utterance) for way in ways}
        except (AudioError, ModelError):
            failed += 1
            continue
        used.append(utterance)
        for name, vector in heard.items():
            vectors[name].append(vector)
    notes = [f"states: {failed} clips could not be encoded and are left out"] if failed else []
    stacked = {name: np.array(rows) for name, rows in vectors.items()}
    figures: list[ProbeFigure] = []
    for attribute in attributes if used else ():
        labels = [truths[attribute.name].get(utterance.id, "") for utterance in used]
        try:
            results = _attacked(attribute, labels, used, stacked, resamples, seed)
        except MissingExtraError:
            raise
        except ConfigurationError as error:
            notes.append(f"states/{attribute.name}: not attacked: {error}")
            continue
        for system, result in results:
            figures += _figures(attribute.name, system, result)
            notes += [f"states/{attribute.name}: {note}" for note in result.notes]
    return figures, list(dict.fromkeys(notes))


def _vector(model: EncodesAudio, way: Heard, utterance: Utterance) -> Vector:
    audio = way.audio(utterance)
    if audio is None:
        raise ConfigurationError(f"{way.name!r} has no audio, so there is nothing to encode")
    return pooled(model, *audio())


def _attacked(
    attribute: Attribute,
    labels: Sequence[str],
    used: Sequence[Utterance],
    vectors: Mapping[str, Vector],
    resamples: int,
    seed: int,
) -> list[tuple[str, AttributeResult]]:
    raw, found = vectors.get(RAW), []
    for system, own in vectors.items():
        if system == RAW:
            knowledge: tuple[Knowledge, ...] = ("unprotected",)
        else:
            knowledge = ("ignorant", "retrained") if raw is not None else ("retrained",)
        results = infer_attribute(
            labels,
            [utterance.speaker for utterance in used],
            original=raw,
            anonymized=None if system == RAW else own,
            attribute=attribute.name,
            knowledge=knowledge,
            resamples=resamples,
            seed=seed,
        )
        found += [(system, result) for result in results]
    return found


def _figures(attribute: str, system: str, result: AttributeResult) -> list[ProbeFigure]:
    where = {"attribute": attribute, "probe": "states", "attacker": result.knowledge}
    named = (("states_balanced_accuracy", result.balanced_accuracy), (ADVANTAGE, result.advantage))
    return [
        ProbeFigure(name, i.value, i.low, i.high, i.n, system, where, i.why) for name, i in named
    ]
