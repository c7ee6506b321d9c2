"""Membership inference: was this utterance, or this speaker, in the training?

An overfitted model is surer of what it has seen. The attacker looks at losses, his own reference
models tell him which losses would be low anyway, and the figure that counts is whom he is *sure*
of: the true-positive rate at a false-positive rate of 1 %, beside the AUC, which averages over
people who were never at risk. An AUC of 0.5 here is no guarantee, since the next attacker may be
better; epsilon is, and :func:`voxguard.privacy.one_run` on canaries is its test.

References:
    S. Yeom et al., "Privacy risk in machine learning: analyzing the connection to overfitting",
    CSF 2018; N. Carlini et al., "Membership inference attacks from first principles", IEEE S&P
    2022, arXiv:2112.03570; L. Watson et al., "On the importance of difficulty calibration in
    membership inference attacks", ICLR 2022, arXiv:2111.08440.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from voxguard.errors import ConfigurationError
from voxguard.metrics import Counts, Interval, bootstrap, check_scores, resolvable
from voxguard.metrics.auc import auc_of_counts
from voxguard.metrics.tpr_at_fpr import tpr_at_fpr_of_counts

Attack = Literal["loss", "calibrated", "lira"]
Array = npt.NDArray[np.float64]

_LEAST_LOSS = 1e-12


@dataclass(frozen=True)
class MembershipResult:
    """How well members were told from non-members.

    Attributes:
        attack: ``"loss"``, ``"calibrated"`` or ``"lira"``.
        auc: Probability that a member scores above a non-member, ties half; chance is 0.5.
        tpr: Share of the members found at the false-positive rate :attr:`fpr`; chance is that rate.
        fpr: The rate that is allowed.
        resolvable: Whether there are enough non-members to show so low a rate; if not, ``tpr``
            belongs to a rate that cannot be told from 0.
        members: How many.
        non_members: How many.
        references: Reference models of the attacker.
    """

    attack: Attack
    auc: Interval
    tpr: Interval
    fpr: float
    resolvable: bool
    members: int
    non_members: int
    references: int

    def figure(self) -> dict[str, Any]:
        """As it goes into the results."""
        return {
            "attack": self.attack,
            "auc": self.auc.figure(),
            "tpr": self.tpr.figure(),
            "fpr": self.fpr,
            "resolvable": self.resolvable,
            "members": self.members,
            "non_members": self.non_members,
            "references": self.references,
        }


def membership_inference(
    members: npt.ArrayLike,
    non_members: npt.ArrayLike,
    *,
    reference_members: npt.ArrayLike | None = None,
    reference_non_members: npt.ArrayLike | None = None,
    attack: Attack | None = None,
    speakers: tuple[Sequence[str], Sequence[str]] | None = None,
    fpr: float = 0.01,
    seed: int = 0,
    resamples: int = 1000,
    level: float = 0.95,
) -> MembershipResult:
    """Attack a model by its losses.

    Members and non-members have to be alike in all else: of one population, session and length.
    Where they are not (train against test speakers of another corpus, say), the attack recognises
    the corpus and the figure says nothing of the model.

    Args:
        members: ``(n,)`` losses of the attacked model on what it was trained on, 0 or more; mean
            over a speaker where the speaker is the unit.
        non_members: ``(m,)`` losses on what it was not trained on.
        reference_members: ``(k, n)`` losses of k models that saw *none* of this; what they find
            easy is easy, not remembered.
        reference_non_members: ``(k, m)`` likewise.
        attack: ``"loss"``, ``"calibrated"`` or ``"lira"``; None: ``"lira"`` with two reference
            models or more, ``"calibrated"`` with one, ``"loss"`` without.
        speakers: Who says each member and each non-member; resampled as a whole for the intervals.
            None: each is its own.
        fpr: The false-positive rate that is allowed.
        seed: Of the intervals.
        resamples: Of the intervals.
        level: Confidence of the intervals.

    Returns:
        Figures with intervals.

    Raises:
        ConfigurationError: Losses that are no finite numbers, or below 0 for ``"lira"``; reference
            losses that are missing or do not go with the others; a number out of its range.

    Example:
        >>> from voxguard.attacks.membership import membership_inference
        >>> result = membership_inference([0.1, 0.2, 0.4], [0.3, 0.9, 0.8], resamples=10)
        >>> result.attack, round(result.auc.value, 3)
        ('loss', 0.889)
    """
    seen, unseen = check_scores(members, non_members)
    references = _references(reference_members, reference_non_members, len(seen), len(unseen))
    k = len(references[0])
    chosen: Attack = attack or ("lira" if k >= 2 else "calibrated" if k else "loss")
    if chosen not in get_args(Attack):
        raise ConfigurationError(f"attack= takes {', '.join(get_args(Attack))}, got {attack!r}")
    if chosen != "loss" and k < (2 if chosen == "lira" else 1):
        raise ConfigurationError(
            f"attack={chosen!r} needs losses of {'two' if chosen == 'lira' else 'one'} or more "
            f"reference models, got {k}"
        )
    if chosen == "loss":
        scores = -seen, -unseen
    elif chosen == "calibrated":
        scores = calibrated(seen, references[0]), calibrated(unseen, references[1])
    else:
        both = lira_offline(np.concatenate([seen, unseen]), np.concatenate(references, axis=1))
        scores = both[: len(seen)], both[len(seen) :]
    names = speakers or (
        [f"member {i}" for i in range(len(seen))],
        [f"other {i}" for i in range(len(unseen))],
    )
    auc, tpr = _intervals(*scores, names, fpr, seed=seed, resamples=resamples, level=level)
    return MembershipResult(
        chosen, auc, tpr, fpr, resolvable(len(unseen), fpr), len(seen), len(unseen), k
    )


def calibrated(losses: npt.ArrayLike, reference_losses: npt.ArrayLike) -> Array:
    """How much less the loss is than reference models have: higher for "was in".

    Args:
        losses: ``(n,)`` of the attacked model.
        reference_losses: ``(k, n)`` of models that saw none of it.

    Returns:
        ``(n,)``.

    Example:
        >>> from voxguard.attacks.membership import calibrated
        >>> calibrated([0.5, 0.5], [[2.0, 0.5]])
        array([1.5, 0. ])
    """
    theirs = np.asarray(reference_losses, dtype=np.float64).mean(axis=0)
    difference: Array = theirs - np.asarray(losses, dtype=np.float64)
    return difference


def lira_offline(losses: npt.ArrayLike, reference_losses: npt.ArrayLike) -> Array:
    r"""Offline likelihood-ratio attack: how far above its "was out" distribution each item lies.

    The probability that the model gives the truth, :math:`p = e^{-\text{loss}}`, goes through
    :math:`\log p / (1 - p)`, which is close to Gaussian over models. The score is the number of
    standard deviations by which the attacked model lies above the mean of the reference models.
    The deviation is one for all items, which is steadier with fewer than some tens of models.

    Args:
        losses: ``(n,)`` cross-entropies of the attacked model in nats, 0 or more.
        reference_losses: ``(k, n)`` of models that saw none of it, k at least 2.

    Returns:
        ``(n,)`` higher for "was in".

    Raises:
        ConfigurationError: A loss below 0.

    Example:
        >>> from voxguard.attacks.membership import lira_offline
        >>> lira_offline([0.1, 1.0], [[0.9, 1.1], [1.1, 0.9]]).round(1)
        array([12.4, -0. ])
    """
    own, others = _logit(losses), _logit(reference_losses)
    deviation = math.sqrt(float(others.var(axis=0, ddof=1).mean()))
    score: Array = (own - others.mean(axis=0)) / max(deviation, _LEAST_LOSS)
    return score


def _logit(losses: npt.ArrayLike) -> Array:
    values = np.asarray(losses, dtype=np.float64)
    if (values < 0).any():
        raise ConfigurationError(
            f"lira takes cross-entropies, 0 or more, got {values.min():.3g}; for other losses take "
            'attack="calibrated"'
        )
    values = np.maximum(values, _LEAST_LOSS)
    return -values - np.log(-np.expm1(-values))


def _references(
    members: npt.ArrayLike | None, non_members: npt.ArrayLike | None, n: int, m: int
) -> tuple[Array, Array]:
    """Losses of the reference models, ``(k, n)`` and ``(k, m)``; k is 0 where there are none."""
    if (members is None) != (non_members is None):
        raise ConfigurationError(
            "reference models have losses on members and on non-members: pass both or neither"
        )
    if members is None or non_members is None:
        return np.empty((0, n)), np.empty((0, m))
    first, second = (np.asarray(given, dtype=np.float64) for given in (members, non_members))
    if first.ndim != 2 or first.shape[1] != n or second.shape != (len(first), m):
        raise ConfigurationError(
            f"reference losses have the shapes (k, {n}) and (k, {m}), got {first.shape} and "
            f"{second.shape}"
        )
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise ConfigurationError("some reference losses are not finite; find out why")
    return first, second


def _intervals(
    seen: Array,
    unseen: Array,
    speakers: tuple[Sequence[str], Sequence[str]],
    fpr: float,
    *,
    seed: int,
    resamples: int,
    level: float,
) -> tuple[Interval, Interval]:
    if (len(speakers[0]), len(speakers[1])) != (len(seen), len(unseen)):
        raise ConfigurationError(
            f"speakers= takes one a loss, got {len(speakers[0])} and {len(speakers[1])} for "
            f"{len(seen)} members and {len(unseen)} non-members"
        )
    names, who = np.unique([*speakers[0], *speakers[1]], return_inverse=True)
    levels, place = np.unique(np.concatenate([seen, unseen]), return_inverse=True)
    n = len(seen)

    def counted(times: npt.NDArray[np.int64]) -> Counts:
        weights = times[who]
        both = [
            np.bincount(place[part], weights=weights[part], minlength=len(levels)).astype(np.int64)
            for part in (slice(None, n), slice(n, None))
        ]
        counts = Counts(levels, *both)
        if not counts.n_mated or not counts.n_non_mated:
            raise ConfigurationError("no member or no non-member in this resample")
        return counts

    def auc(times: npt.NDArray[np.int64]) -> float:
        return auc_of_counts(counted(times))

    def tpr(times: npt.NDArray[np.int64]) -> float:
        return tpr_at_fpr_of_counts(counted(times), fpr=fpr)

    first, second = (
        bootstrap(
            statistic,
            len(names),
            n=n + len(unseen),
            seed=seed,
            resamples=resamples,
            level=level,
        )
        for statistic in (auc, tpr)
    )
    return first, second
