"""Whose recordings were trained on: offline likelihood-ratio attacks with models of both halves.

Models come in pairs, one on each half of the clips (or of the speakers), so each has been seen by
one model of each pair. A model is attacked with those of the other pairs that have not seen what is
asked about (N. Carlini et al., "Membership inference attacks from first principles", S&P 2022).
The attacker's own models are trained on his own draws of the anonymizer, not on the publisher's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from voxguard.attacks.membership import membership_inference

Halves = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

_RESAMPLES = 300


def halves(count: int, pairs: int, rng: np.random.Generator) -> Halves:
    """``(2 pairs, count)`` who is in; every second row is the complement of the one before.

    Example:
        >>> import numpy as np
        >>> found = halves(5, 3, np.random.default_rng(0))
        >>> found.shape, found.sum(axis=0).tolist()
        ((6, 5), [3, 3, 3, 3, 3])
    """
    rows = []
    for _ in range(pairs):
        is_in = np.zeros(count, np.bool_)
        is_in[rng.permutation(count)[: count // 2]] = True
        rows += [is_in, ~is_in]
    return np.stack(rows)


def attack(
    is_in: Halves,
    attacked: Floats,
    own: Floats,
    who: Sequence[str],
) -> dict[str, Any]:
    """Attack every model with the others.

    Args:
        is_in: ``(models, n)``, as :func:`halves` gives it.
        attacked: ``(models, n)`` losses of the models that are attacked.
        own: ``(models, n)`` losses of the attacker's models on the same halves.
        who: ``(n,)`` name of each; what bears one name is resampled together for the intervals.

    Returns:
        The figures of :func:`~voxguard.attacks.membership.membership_inference`.
    """
    seen: list[Floats] = []
    unseen: list[Floats] = []
    about: tuple[list[str], list[str]] = ([], [])
    for target in range(len(is_in)):
        others = [k for k in range(len(is_in)) if k // 2 != target // 2]
        columns = np.vstack([attacked[target], _unseen(own[others], is_in[others])])
        for part, kept, names in zip(
            (seen, unseen), (is_in[target], ~is_in[target]), about, strict=True
        ):
            part.append(columns[:, kept])
            names += [who[k] for k in np.flatnonzero(kept)]
    members, others_too = np.hstack(seen), np.hstack(unseen)
    return membership_inference(
        members[0], others_too[0], reference_members=members[1:],
        reference_non_members=others_too[1:], speakers=about, resamples=_RESAMPLES,
    ).figure()  # fmt: skip


def by_speaker(values: Floats, speakers: Sequence[str], names: Sequence[str]) -> Floats:
    """Means over the clips of each speaker, ``(models, speakers)``."""
    who = np.asarray(speakers)
    return np.stack([values[:, who == name].mean(axis=1) for name in names], axis=1)


def _unseen(losses: Floats, is_in: Halves) -> Floats:
    """``(pairs, n)`` of the model of each pair that has not seen it."""
    pairs = losses.reshape(-1, 2, losses.shape[1])
    first_in = is_in.reshape(-1, 2, losses.shape[1])[:, 0]
    return np.where(first_in, pairs[:, 1], pairs[:, 0])
