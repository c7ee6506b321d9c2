"""An attribute to infer: labels and speakers, checked, and what cannot be used told apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from voxguard.attacks.attribute_results import AttributeResult, Knowledge
from voxguard.errors import ConfigurationError

Vectors = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_LEAST_SPEAKERS = 2  # of a class: one to train on, one to be attacked


class Problem:
    """Labels and speakers as numbers, without what cannot be cross-validated.

    Args:
        labels: ``(n,)`` class of each utterance; ``""`` where it is not known.
        speakers: ``(n,)`` its speaker.
        scored: ``(n,)`` whether it counts; None: all do.

    Attributes:
        classes: Those of two speakers or more, sorted.
        targets: ``(n,)`` indices of classes; -1 where there is none.
        speakers: ``(n,)`` numbers of speakers.
        rows: Indices of the utterances that have a class.
        notes: What was left out, and why.

    Raises:
        ConfigurationError: Lengths that differ; fewer than two classes; nothing that counts.
    """

    def __init__(
        self, labels: Sequence[str], speakers: Sequence[str], scored: Sequence[bool] | None
    ) -> None:
        self.n = len(labels)
        if len(speakers) != self.n or (scored is not None and len(scored) != self.n):
            raise ConfigurationError(
                f"got {self.n} labels, {len(speakers)} speakers"
                + (f" and {len(scored)} in scored" if scored is not None else "")
                + "; give as many of each"
            )
        self.names = [str(name) for name in speakers]
        self.labels = [str(label) for label in labels]
        self.scored = np.ones(self.n, np.bool_) if scored is None else np.asarray(scored, np.bool_)
        self.notes: list[str] = []
        bearers = {
            label: {who for who, has in zip(self.names, self.labels, strict=True) if has == label}
            for label in sorted(set(self.labels) - {""})
        }
        self.classes = tuple(c for c, who in bearers.items() if len(who) >= _LEAST_SPEAKERS)
        self._tell(bearers)
        if len(self.classes) < 2:
            had = ", ".join(f"{c!r}: {len(who)}" for c, who in bearers.items()) or "no label at all"
            raise ConfigurationError(
                "an attribute needs two classes of two speakers or more, to train on some and "
                f"attack others; speakers by class: {had}"
            )
        number = {name: index for index, name in enumerate(self.classes)}
        self.targets = np.array([number.get(label, -1) for label in self.labels], np.int64)
        self.speakers = np.unique(self.names, return_inverse=True)[1].astype(np.int64)
        self.rows = np.flatnonzero(self.targets >= 0)
        if not self.scored[self.rows].any():
            raise ConfigurationError(
                "no utterance counts: scored= leaves out all that have a label"
            )

    def _tell(self, bearers: Mapping[str, set[str]]) -> None:
        if missing := self.labels.count(""):
            self.notes.append(f"{missing} of {self.n} utterances have no label and are left out")
        for label, who in bearers.items():
            if label not in self.classes:
                count = self.labels.count(label)
                self.notes.append(
                    f"class {label!r} is left out ({count} utterances): it has {len(who)} speaker, "
                    f"and cross-validation over speakers takes {_LEAST_SPEAKERS}"
                )

    def check(self, vectors: Vectors | None) -> Vectors | None:
        """Vectors as float64, if they are one an utterance and finite."""
        if vectors is None:
            return None
        taken = np.asarray(vectors, np.float64)
        if taken.ndim != 2 or len(taken) != self.n:
            raise ConfigurationError(
                f"got vectors of shape {taken.shape} for {self.n} utterances; give ({self.n}, d)"
            )
        if not np.isfinite(taken).all():
            bad = np.flatnonzero(~np.isfinite(taken).all(axis=1))
            raise ConfigurationError(
                f"{len(bad)} of {self.n} vectors hold NaN or infinity, the first at index {bad[0]}"
            )
        return taken

    def check_draws(
        self, draws: tuple[Vectors, Sequence[int]] | None, anonymized: Vectors | None
    ) -> dict[str, tuple[Vectors, Ints] | None]:
        """Further renderings, and the index of the utterance of each."""
        if draws is None:
            return {"original": None, "anonymized": None}
        vectors, of = np.asarray(draws[0], np.float64), np.asarray(draws[1], np.int64)
        fits = anonymized is not None and vectors.shape == (len(of), np.shape(anonymized)[-1])
        if not fits or not np.isfinite(vectors).all() or ((of < 0) | (of >= self.n)).any():
            raise ConfigurationError(
                "draws are (m, d) finite vectors as anonymized has them, and (m,) indices of their "
                f"utterances below {self.n}; got shapes {vectors.shape} and {of.shape}"
            )
        return {"original": None, "anonymized": (vectors, of)}

    def result(
        self,
        attribute: str,
        knowledge: Knowledge,
        parts: Sequence[tuple[Ints, Ints, Ints, str]],
        groups: Mapping[str, Sequence[str]],
        resamples: int,
        seed: int,
    ) -> AttributeResult:
        """What the folds found, in the order of the utterances."""
        rows = np.concatenate([part[0] for part in parts])
        order = np.argsort(rows)
        rows = rows[order]

        def named(place: int) -> tuple[str, ...]:
            numbers = np.concatenate([np.asarray(part[place]) for part in parts])[order]
            return tuple(self.classes[number] for number in numbers)

        for column, values in groups.items():
            if len(values) != self.n:
                raise ConfigurationError(
                    f"group {column!r} has {len(values)} values for {self.n} utterances"
                )
        return AttributeResult(
            attribute=attribute,
            knowledge=knowledge,
            classes=self.classes,
            rows=rows,
            speakers=tuple(self.names[row] for row in rows),
            truth=tuple(self.labels[row] for row in rows),
            predicted=named(1),
            likeliest=named(2),
            groups={c: tuple(str(v[row]) for row in rows) for c, v in groups.items()},
            models=tuple(part[3] for part in parts),
            notes=tuple(self.notes),
            resamples=resamples,
            seed=seed,
        )
