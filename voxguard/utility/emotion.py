"""Whether emotion can still be heard by what was made for original speech."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from voxguard.attacks.attributes import AttributeResult, infer_attribute

Vectors = npt.NDArray[np.float64]


@dataclass(frozen=True)
class EmotionUar:
    """Unweighted average recall of emotions (UAR); higher keeps more, 1/k is guessing.

    Attributes:
        original: On original speech.
        anonymized: On anonymized speech, by the same classifiers.
    """

    original: AttributeResult
    anonymized: AttributeResult

    def as_dict(self, features: str) -> dict[str, Any]:
        """The row of a results document.

        Args:
            features: What the vectors are, for the words on how it was measured.
        """
        both = {"original": self.original, "anonymized": self.anonymized}
        subgroups = {c: self._split(c) for c in self.original.groups}
        how = (
            f"{features} vectors, classifiers trained on original speech of other speakers, "
            f"{len(self.original.classes)} emotions"
        )
        figures = {name: result.balanced_accuracy.figure() for name, result in both.items()}
        return {"measure": "uar", "how": how, **figures, "subgroups": subgroups}

    def _split(self, column: str) -> dict[str, Any]:
        splits = {
            name: result.subgroups[column]
            for name, result in (("original", self.original), ("anonymized", self.anonymized))
        }
        found: dict[str, Any] = {
            value: {
                name: split[value]["balanced_accuracy"].figure() for name, split in splits.items()
            }
            for value in splits["anonymized"]
            if value not in ("worst", "gap")
        }
        kept = {value: both["anonymized"]["value"] for value, both in found.items()}
        kept = {value: uar for value, uar in kept.items() if uar is not None}
        if len(kept) > 1:
            found["worst"] = min(kept, key=lambda value: kept[value])
            found["gap"] = max(kept.values()) - min(kept.values())
        return found


def emotion_uar(
    emotions: Sequence[str],
    speakers: Sequence[str],
    original: Vectors,
    anonymized: Vectors,
    *,
    groups: Mapping[str, Sequence[str]] | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> EmotionUar:
    """Recognise emotions in original and in anonymized speech, by classifiers for original speech.

    The measure of N. Tomashenko et al., "The VoicePrivacy 2024 Challenge evaluation plan", arXiv
    2404.02677, on whatever vectors are given. A classifier never hears a speaker whom it knows. To
    an attacker the same figure is a leak: see the ignorant attacker of
    :func:`voxguard.attacks.attributes.infer_attribute`, which this is.

    Args:
        emotions: ``(n,)`` emotion of each utterance; ``""`` where it is not known.
        speakers: ``(n,)`` speaker of each utterance.
        original: ``(n, d)`` vectors of the original utterances.
        anonymized: ``(n, d)`` vectors of the same utterances, anonymized.
        groups: Column to ``(n,)`` values, by which the figures are split.
        resamples: Of the bootstrap over speakers.
        seed: Of the folds and the bootstrap.

    Raises:
        ConfigurationError: Fewer than two emotions of two speakers or more; vectors that do not
            fit.
        MissingExtraError: scikit-learn is not installed.

    Example:
        >>> import numpy as np
        >>> from voxguard.utility.emotion import emotion_uar
        >>> emotions, speakers = ["joy", "anger"] * 12, [f"s{index // 4}" for index in range(24)]
        >>> heard = np.array([[emotion == "joy"] for emotion in emotions], float)
        >>> uar = emotion_uar(emotions, speakers, heard, 0.5 + 0.0 * heard)
        >>> uar.original.balanced_accuracy.value, uar.anonymized.balanced_accuracy.value
        (1.0, 0.5)
    """
    results = infer_attribute(
        emotions,
        speakers,
        original=original,
        anonymized=anonymized,
        attribute="emotion",
        groups=groups,
        resamples=resamples,
        seed=seed,
        knowledge=("unprotected", "ignorant"),
    )
    return EmotionUar(*results)
