"""How well an attribute was inferred: figures with intervals, for everyone and for each group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from voxguard.metrics import Interval, advantage, bootstrap

Knowledge = Literal["unprotected", "ignorant", "retrained"]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class AttributeResult:
    """What one attacker inferred of one attribute, and how good that is.

    Every prediction is of an utterance of a speaker whom the classifier was not trained on. Lower
    figures are more private. Intervals are 95 % and come from drawing speakers again.

    Attributes:
        attribute: The label column.
        knowledge: ``"unprotected"``, ``"ignorant"`` or ``"retrained"``.
        classes: ``(k,)`` the classes, sorted.
        rows: ``(n,)`` the utterances that were scored, as indices into what was given.
        speakers: ``(n,)`` their speakers.
        truth: ``(n,)`` their classes.
        predicted: ``(n,)`` what an attacker says who wants every class right.
        likeliest: ``(n,)`` what one says who wants most utterances right.
        groups: Column to ``(n,)`` values, by which the figures are split.
        models: The classifier that was chosen for each fold.
        notes: Who or what was left out, and why.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.
    """

    attribute: str
    knowledge: Knowledge
    classes: tuple[str, ...]
    rows: npt.NDArray[np.int64]
    speakers: tuple[str, ...]
    truth: tuple[str, ...]
    predicted: tuple[str, ...]
    likeliest: tuple[str, ...]
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    resamples: int = 1000
    seed: int = 0

    @cached_property
    def balanced_accuracy(self) -> Interval:
        """Mean recall over the classes (UAR); guessing gives :attr:`blind`."""
        return self._bootstrap(self._confusion(self.predicted), _mean_recall)

    @property
    def blind(self) -> float:
        """What any blind guess scores in balanced accuracy."""
        return 1.0 / len(self.classes)

    @cached_property
    def advantage(self) -> Interval:
        """Of the balanced accuracy over the blind guess: 0 is chance, 1 is certainty."""
        return _above(self.balanced_accuracy, self.blind)

    @cached_property
    def accuracy(self) -> Interval:
        """Share of utterances whose class is named right by :attr:`likeliest`."""
        return self._bootstrap(self._confusion(self.likeliest), _share_right)

    @property
    def blind_accuracy(self) -> float:
        """What naming the commonest class scores in accuracy."""
        return max(self.truth.count(name) for name in self.classes) / len(self.truth)

    @cached_property
    def accuracy_advantage(self) -> Interval:
        """Of the accuracy over naming the commonest class; below 0 is worse than that."""
        return self._bootstrap(self._confusion(self.likeliest), _above_majority)

    @cached_property
    def recall(self) -> dict[str, Interval]:
        """Share of each class that :attr:`predicted` names right."""
        confusion = self._confusion(self.predicted)
        figures = {}
        for index, name in enumerate(self.classes):
            has = confusion[:, index].sum(axis=1) > 0  # only its own speakers are drawn again
            figures[name] = self._bootstrap(confusion[has][:, [index]], _recall_at(index))
        return figures

    @cached_property
    def subgroups(self) -> dict[str, dict[str, Any]]:
        """The same for each value of each column of :attr:`groups`.

        Returns:
            Column to value to ``{"balanced_accuracy": Interval, "advantage": Interval}``, and
            ``"worst"``: the value with the largest advantage, ``"gap"``: how far it is above the
            smallest; None where fewer than two have one. Within a group only the classes that it
            has are to be guessed; where it has but one, there is nothing to guess and no figure.
        """
        return {column: self._split(values) for column, values in self.groups.items()}

    def as_dict(self, features: str) -> dict[str, Any]:
        """The row of a results document.

        Args:
            features: What the vectors are, as ``"acoustic"`` or the name of an encoder.
        """
        subgroups = {
            column: {
                value: {name: figure.figure() for name, figure in found.items()}
                if isinstance(found, dict)
                else found
                for value, found in split.items()
            }
            for column, split in self.subgroups.items()
        }
        return {
            "attribute": self.attribute,
            "classes": list(self.classes),
            "features": features,
            "knowledge": self.knowledge,
            "balanced_accuracy": self.balanced_accuracy.figure(),
            "advantage": self.advantage.figure(),
            "blind": self.blind,
            "accuracy": self.accuracy.figure(),
            "accuracy_advantage": self.accuracy_advantage.figure(),
            "blind_accuracy": self.blind_accuracy,
            "recall": {name: figure.figure() for name, figure in self.recall.items()},
            "subgroups": subgroups,
            "models": sorted(set(self.models)),
            "notes": list(self.notes),
        }

    def _confusion(self, predicted: Sequence[str]) -> Floats:
        """``(speakers, true classes, predicted classes)`` counts."""
        number = {name: index for index, name in enumerate(self.classes)}
        _, who = np.unique(np.asarray(self.speakers), return_inverse=True)
        counts = np.zeros((who.max() + 1, len(number), len(number)))
        pairs = zip(who, self.truth, predicted, strict=True)
        for speaker, true, guess in pairs:
            counts[speaker, number[true], number[guess]] += 1.0
        return counts

    def _bootstrap(self, confusion: Floats, statistic: Any) -> Interval:
        flat = confusion.reshape(len(confusion), -1)

        def resampled(times: npt.NDArray[np.int64]) -> float | None:
            result: float | None = statistic((times @ flat).reshape(confusion.shape[1:]))
            return result

        return bootstrap(
            resampled,
            len(confusion),
            n=int(confusion.sum()),
            seed=self.seed,
            resamples=self.resamples,
        )

    def _split(self, values: Sequence[str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        advantages: dict[str, float] = {}
        column = np.asarray(values)
        for value in sorted({value for value in values if value}):
            part = self._only(np.flatnonzero(column == value))
            present = tuple(name for name in self.classes if name in part.truth)
            if len(present) < 2:
                why = f"only {present[0]!r} occurs here, so there is nothing to guess"
                score = Interval(None, None, None, len(part.rows), len(set(part.speakers)), why=why)
                found[value] = {"balanced_accuracy": score, "advantage": score}
                continue
            places = [self.classes.index(name) for name in present]
            confusion = part._confusion(part.predicted)[:, places]
            score = self._bootstrap(confusion, lambda c, p=places: _mean_recall(c, p))
            above = _above(score, 1.0 / len(present))
            found[value] = {"balanced_accuracy": score, "advantage": above}
            if above.value is not None:
                advantages[value] = above.value
        comparable = len(advantages) > 1
        found["worst"] = max(advantages, key=advantages.__getitem__) if comparable else None
        spread = [*advantages.values()]
        found["gap"] = max(spread) - min(spread) if comparable else None
        return found

    def _only(self, chosen: npt.NDArray[np.intp]) -> AttributeResult:
        def pick(values: Sequence[str]) -> tuple[str, ...]:
            return tuple(values[index] for index in chosen)

        return replace(
            self,
            rows=self.rows[chosen],
            speakers=pick(self.speakers),
            truth=pick(self.truth),
            predicted=pick(self.predicted),
            likeliest=pick(self.likeliest),
            groups={},
        )


def _mean_recall(confusion: Floats, places: Sequence[int] | None = None) -> float | None:
    """Of the classes in the rows; the columns of theirs are at ``places``."""
    total = confusion.sum(axis=1)
    right = confusion[np.arange(len(confusion)), places or np.arange(len(confusion))]
    return float(np.mean(right / total)) if total.all() else None


def _recall_at(index: int) -> Any:
    return lambda confusion: _mean_recall(confusion, [index])


def _share_right(confusion: Floats) -> float:
    return float(np.trace(confusion) / confusion.sum())


def _above_majority(confusion: Floats) -> float | None:
    blind = float(confusion.sum(axis=1).max() / confusion.sum())
    return advantage(_share_right(confusion), blind) if blind < 1.0 else None


def _above(score: Interval, blind: float) -> Interval:
    """The advantage of a score whose blind guess is the same on every resample."""
    if score.value is None:
        return score
    ends = [None if end is None else advantage(end, blind) for end in (score.low, score.high)]
    return replace(score, value=advantage(score.value, blind), low=ends[0], high=ends[1])
