"""Does an attacker hear who speaks, or into which pseudo-voice it was turned?

An attacker that is retrained on anonymized speech can learn the pseudo-voices in place of the
speakers, where its training set let the one predict the other. Its equal error rate then is high
and says nothing about the anonymizer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voxguard.attacks.backends.base import Backend, check_vectors
from voxguard.attacks.backends.moments import (
    Vectors,
    class_means,
    inverse_root,
    shrink,
    unit_rows,
    within_covariance,
)
from voxguard.errors import ConfigurationError

Labels = npt.NDArray[np.intp]
Interval = tuple[float, float]

_SHRINKAGE = 0.5


@dataclass(frozen=True)
class TargetProbe:
    """How well source and pseudo-voice can be told from the vectors of an attacker.

    Both figures are balanced accuracies with chance taken off: 0 is guessing, 1 is always right,
    below 0 is worse than guessing. The intervals hold 95 %, bootstrapped over the sources.

    Args:
        source: Who speaks, on unseen utterances in unseen pseudo-voices.
        target: In which pseudo-voice, on unseen utterances of unseen sources.
        source_interval: Of ``source``.
        target_interval: Of ``target``.
        excess_interval: Of ``target - source``.
        sources: How many speakers.
        targets: How many pseudo-voices.
        vectors: How many vectors the figures come from.
    """

    source: float
    target: float
    source_interval: Interval
    target_interval: Interval
    excess_interval: Interval
    sources: int
    targets: int
    vectors: int

    @property
    def hears_target(self) -> bool:
        """Whether the pseudo-voice is recognised, and surely better than the source."""
        return self.excess_interval[0] > 0.0 and self.target_interval[0] > 0.0


def probe_targets(
    vectors: Vectors,
    sources: Sequence[str],
    targets: Sequence[str],
    utterances: Sequence[str],
    *,
    backend: Backend | None = None,
    folds: int = 3,
    resamples: int = 1000,
    seed: int = 0,
) -> TargetProbe:
    """Probe a factorial set: utterances of several sources, each rendered in several pseudo-voices.

    The probes are linear discriminants with equal priors, in the space in which the attacker
    compares. None of them is tested on what it was trained on: the target probe never on a source,
    the source probe never on an utterance or a pseudo-voice that it knows.

    Args:
        vectors: ``(n, d)``, what the attacker's encoder makes of each rendering.
        sources: Who speaks, of each row.
        targets: Which pseudo-voice, of each row.
        utterances: Which utterance was rendered, of each row.
        backend: The attacker's; None: vectors at unit length.
        folds: Into how many parts sources, utterances and pseudo-voices are split.
        resamples: Of the bootstrap.
        seed: Of the splits and the bootstrap.

    Raises:
        ConfigurationError: Sizes that do not match, fewer than 2 sources, 2 pseudo-voices or 2
            utterances a source, or a source that is not in every pseudo-voice.

    References:
        The symptom: M. Panariello et al., "The risks and detection of overestimated privacy
        protection in voice anonymisation", SPSC 2025. This test is not theirs.

    Example:
        Vectors that hold nothing but the pseudo-voice:

        >>> import numpy as np
        >>> from voxguard.attacks.target_probe import probe_targets
        >>> voices = np.eye(4)
        >>> said = [(s, u, t) for s in range(6) for u in range(4) for t in range(4)]
        >>> rng = np.random.default_rng(0)
        >>> vectors = np.array([voices[t] for _, _, t in said]) + 0.1 * rng.normal(size=(96, 4))
        >>> probe = probe_targets(
        ...     vectors,
        ...     [f"speaker {s}" for s, _, _ in said],
        ...     [f"voice {t}" for _, _, t in said],
        ...     [f"{s}-{u}" for s, u, _ in said],
        ... )
        >>> probe.target, probe.hears_target
        (1.0, True)
    """
    rows = check_vectors(vectors)
    if not len(sources) == len(targets) == len(utterances) == len(rows):
        raise ConfigurationError(
            f"each vector needs its source, target and utterance: got {len(rows)} vectors, "
            f"{len(sources)} sources, {len(targets)} targets and {len(utterances)} utterances"
        )
    source, target = (
        np.unique(np.asarray(names, str), return_inverse=True)[1] for names in (sources, targets)
    )
    utterance = _within_sources(np.asarray(utterances, str), source)
    sizes = (source.max() + 1, target.max() + 1, _utterances_each(source, utterance))
    if min(sizes) < 2:
        raise ConfigurationError(
            "the probe needs at least 2 sources, 2 pseudo-voices and 2 utterances of each source, "
            f"got {sizes[0]}, {sizes[1]} and {sizes[2]}"
        )
    if np.unique(source * sizes[1] + target).size < sizes[0] * sizes[1]:
        raise ConfigurationError(
            "the probe needs every source in every pseudo-voice; leave out those that lack some"
        )
    space = unit_rows(rows) if backend is None else unit_rows(backend.project(rows))
    rng = np.random.default_rng(seed)
    by_source, by_target = (_parts(labels, folds, rng) for labels in (source, target))
    by_utterance = utterance % min(folds, sizes[2])
    heard_source = np.zeros(len(rows), dtype=bool)
    heard_target = np.zeros(len(rows), dtype=bool)
    for part in range(by_source.max() + 1):
        test = by_source == part
        heard_target[test] = _predict(space[~test], target[~test], space[test]) == target[test]
    for part in range(by_target.max() + 1):
        for piece in range(by_utterance.max() + 1):
            test = (by_target == part) & (by_utterance == piece)
            train = (by_target != part) & (by_utterance != piece)
            heard_source[test] = _predict(space[train], source[train], space[test]) == source[test]
    return _summary(heard_source, heard_target, source, target, resamples, rng)


def _within_sources(names: npt.NDArray[np.str_], source: Labels) -> Labels:
    """Number the utterances of each source from 0, so that folds hold some of every source."""
    numbers = np.zeros(len(names), dtype=np.intp)
    for one in np.unique(source):
        mine = source == one
        numbers[mine] = np.unique(names[mine], return_inverse=True)[1]
    return numbers


def _utterances_each(source: Labels, utterance: Labels) -> int:
    return min(int(utterance[source == one].max()) + 1 for one in np.unique(source))


def _parts(labels: Labels, folds: int, rng: np.random.Generator) -> Labels:
    """Which part each row is in; all rows of one label are in the same."""
    count = int(labels.max()) + 1
    shuffled: Labels = rng.permutation(np.arange(count) % min(folds, count))
    return shuffled[labels]


def _predict(known: Vectors, labels: Labels, unknown: Vectors) -> Labels:
    """Nearest mean after whitening by what the classes have in common."""
    present, compact = np.unique(labels, return_inverse=True)
    whitening = inverse_root(shrink(within_covariance(known, compact), _SHRINKAGE))
    means = class_means(known, compact) @ whitening
    nearness = (unknown @ whitening) @ means.T - 0.5 * np.sum(means**2, axis=1)
    best: Labels = present[np.argmax(nearness, axis=1)]
    return best


def _summary(
    heard_source: npt.NDArray[np.bool_],
    heard_target: npt.NDArray[np.bool_],
    source: Labels,
    target: Labels,
    resamples: int,
    rng: np.random.Generator,
) -> TargetProbe:
    shape = (int(source.max()) + 1, int(target.max()) + 1)
    right_source, right_target, count = (np.zeros(shape) for _ in range(3))
    for table, add in ((right_source, heard_source), (right_target, heard_target), (count, 1.0)):
        np.add.at(table, (source, target), add)

    def figures(drawn: Labels) -> tuple[float, float]:
        recall_source = right_source[drawn].sum(axis=1) / count[drawn].sum(axis=1)
        seen = count[drawn].sum(axis=0)
        recall_target = right_target[drawn].sum(axis=0)[seen > 0] / seen[seen > 0]
        return (
            _over_chance(float(recall_source.mean()), shape[0]),
            _over_chance(float(recall_target.mean()), shape[1]),
        )

    all_of_them = figures(np.arange(shape[0]))
    again = np.array([figures(rng.integers(0, shape[0], shape[0])) for _ in range(resamples)])
    again = np.column_stack([again, again[:, 1] - again[:, 0]])
    low, high = np.percentile(again, [2.5, 97.5], axis=0)
    intervals = [(float(a), float(b)) for a, b in zip(low, high, strict=True)]
    return TargetProbe(
        source=all_of_them[0],
        target=all_of_them[1],
        source_interval=intervals[0],
        target_interval=intervals[1],
        excess_interval=intervals[2],
        sources=shape[0],
        targets=shape[1],
        vectors=len(source),
    )


def _over_chance(accuracy: float, classes: int) -> float:
    return (accuracy - 1.0 / classes) / (1.0 - 1.0 / classes)
