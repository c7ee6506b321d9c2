"""Who is enrolled, what is tried, and what the attacker may train on."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from voxguard.errors import ConfigurationError
from voxguard.evaluation.manifest import ENROLMENT, TRIAL, Exclusion, Manifest, Utterance
from voxguard.evaluation.protocol import DataPlan

_FEWEST_TO_SPLIT = 6


@dataclass(frozen=True)
class Sets:
    """The utterances by what they are for.

    Attributes:
        enrolment: What the attacker knows its speakers by.
        trial: What it is asked about.
        train: What it learns on; speakers of its own.
        excluded: Left out, and why.
        allowed: Pairs ``(speaker, trial id)``; None: all.
    """

    enrolment: tuple[Utterance, ...]
    trial: tuple[Utterance, ...]
    train: tuple[Utterance, ...]
    excluded: tuple[Exclusion, ...] = ()
    allowed: frozenset[tuple[str, str]] | None = None

    @property
    def evaluated(self) -> tuple[Utterance, ...]:
        """Enrolment and trial utterances."""
        return (*self.enrolment, *self.trial)

    def mask(self, enrolled: Sequence[str], trials: Sequence[str]) -> npt.NDArray[np.bool_] | None:
        """Which pairs are trials, ``(n_enrolled, n_trials)``; None: all."""
        if self.allowed is None:
            return None
        return np.array([[(who, trial) in self.allowed for trial in trials] for who in enrolled])


def divide(manifest: Manifest, plan: DataPlan, seed: int) -> tuple[Manifest, Manifest | None]:
    """Speakers to be attacked, and speakers for the attacker to train on.

    By the protocol's selection, else by the column ``split``, else by chance. A speaker who would
    be in both is left out of the training set, and told among its exclusions.

    Raises:
        ConfigurationError: Nobody would be left to train on.
    """
    if plan.evaluate:
        evaluate = manifest.select(plan.evaluate)
        train = manifest.select(plan.train) if plan.train else None
    elif any(u.labels.get("split") == "train" for u in manifest.utterances):
        train = manifest.select({"split": "train"})
        others = {u.labels.get("split", "") for u in manifest.utterances} - {"train", ""}
        evaluate = manifest.select({"split": sorted(others)}) if others else train
        undecided = [u for u in manifest.utterances if not u.labels.get("split")]
        reason = "no split in its row, where others have one"
        told = tuple(Exclusion(u.id, u.speaker, reason) for u in undecided)
        evaluate = replace(evaluate, excluded=told)
    else:
        return _divide_by_chance(manifest, plan.train_share, seed)
    if train is None:
        return evaluate, None
    shared = set(evaluate.speakers) & set(train.speakers)
    if shared == set(train.speakers):
        raise ConfigurationError(
            "all speakers of the attacker's training set are evaluated too; an attacker that has "
            "met its victims says nothing about others: give each speaker one split"
        )
    return evaluate, train.without(
        shared, "is evaluated, so the attacker does not train on this speaker"
    )


def _divide_by_chance(
    manifest: Manifest, share: float, seed: int
) -> tuple[Manifest, Manifest | None]:
    if any(u.role for u in manifest.utterances):
        have_roles = {u.speaker for u in manifest.utterances if u.role}
        rest = [s for s in manifest.speakers if s not in have_roles]
        evaluate = manifest.select({"speaker": sorted(have_roles)})
        return evaluate, manifest.select({"speaker": rest}) if len(rest) > 1 else None
    if len(manifest.speakers) < _FEWEST_TO_SPLIT:
        return manifest, None
    drawn = sorted(
        manifest.speakers, key=lambda s: hashlib.sha256(f"{seed} {s}".encode()).hexdigest()
    )
    cut = min(max(round(share * len(drawn)), 2), len(drawn) - 2)
    return (
        manifest.select({"speaker": drawn[cut:]}),
        manifest.select({"speaker": drawn[:cut]}),
    )


def assign(
    evaluate: Sequence[Utterance],
    train: Sequence[Utterance],
    plan: DataPlan,
    pairs: frozenset[tuple[str, str]] | None,
    *,
    roles_given: bool = False,
) -> Sets:
    """Give every evaluated utterance its role.

    Args:
        evaluate: Utterances that can be used.
        train: Utterances that the attacker trains on.
        plan: Says how many are for enrolment where the data do not.
        pairs: ``(speaker, trial id)`` that are trials; None: all.
        roles_given: Whether the data name roles, which are then never dealt anew.

    Raises:
        ConfigurationError: Fewer than two speakers could be enrolled, nobody could be tried, or no
            trial is mated.
    """
    excluded: list[Exclusion] = []
    if not roles_given:
        evaluate = _roles(evaluate, plan.enrolment, excluded)
    enrolment = tuple(u for u in evaluate if u.role == ENROLMENT)
    trial = tuple(replace(u, role=TRIAL) for u in evaluate if u.role != ENROLMENT)
    enrolled = {u.speaker for u in enrolment}
    if len(enrolled) < 2 or not enrolled & {u.speaker for u in trial}:
        told = "; ".join(sorted({e.reason for e in excluded}))
        raise ConfigurationError(
            f"{len(enrolled)} speakers can be enrolled and {len(trial)} utterances tried; a "
            "verification attack needs at least two speakers with two utterances each"
            + (f" ({told})" if told else "")
        )
    allowed = pairs
    if plan.sessions == "cross":
        allowed = _cross_session(enrolment, trial, pairs)
    if allowed is not None and not any((u.speaker, u.id) in allowed for u in trial):
        raise ConfigurationError(
            "no trial is mated: "
            + (
                "no speaker has trials of another session than those of the enrolment; is there a "
                "column session?"
                if plan.sessions == "cross"
                else "the list of trials has none of an enrolled speaker"
            )
        )
    return Sets(enrolment, trial, tuple(train), tuple(excluded), allowed)


def _roles(
    utterances: Sequence[Utterance], wanted: int, excluded: list[Exclusion]
) -> list[Utterance]:
    spoken: dict[str, list[Utterance]] = defaultdict(list)
    for utterance in utterances:
        spoken[utterance.speaker].append(utterance)
    given = []
    for speaker, theirs in sorted(spoken.items()):
        if len(theirs) < 2:
            reason = "one utterance only: a speaker cannot be enrolled and tried with the same"
            excluded.append(Exclusion(theirs[0].id, speaker, reason))
            continue
        theirs = sorted(theirs, key=lambda u: (u.session, u.id))
        count = min(wanted, len(theirs) // 2)
        given += [replace(u, role=ENROLMENT) for u in theirs[:count]]
        given += [replace(u, role=TRIAL) for u in theirs[count:]]
    return given


def _cross_session(
    enrolment: Sequence[Utterance],
    trial: Sequence[Utterance],
    pairs: frozenset[tuple[str, str]] | None,
) -> frozenset[tuple[str, str]]:
    heard = {(u.speaker, u.session) for u in enrolment}
    everyone = {u.speaker for u in enrolment}
    crossing = {
        (who, u.id) for u in trial for who in everyone
        if who != u.speaker or (who, u.session) not in heard
    }  # fmt: skip
    return frozenset(crossing if pairs is None else crossing & pairs)
