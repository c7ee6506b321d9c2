"""How far the attributes that were inferred single a speaker out when they are taken together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from voxguard.attacks.attribute_results import AttributeResult, Knowledge
from voxguard.errors import ConfigurationError
from voxguard.metrics import Interval

_Z = 1.959964  # 97.5 % of a normal distribution


@dataclass(frozen=True)
class Profiles:
    """Uniqueness of inferred profiles in a population; lower is more private.

    Attributes:
        knowledge: Of the attacker.
        attributes: What a profile is made of.
        speakers: ``(n,)`` the population.
        inferred: ``(n,)`` their profiles as inferred, one value an attribute.
        truth: ``(n,)`` their profiles as they are.
        unique: Share of speakers whose inferred profile nobody else has.
        correct_and_unique: Share whose inferred profile nobody else has and which is right in
            everything: whoever knows these attributes of a person finds this one voice.
        correct: Share whose inferred profile is right in everything.
        unique_by_chance: The mean of ``unique`` when every attribute is dealt out to the speakers
            anew: what the frequencies of the classes alone make.
        correct_and_unique_by_chance: The same of ``correct_and_unique``.
        unique_in_truth: Share whose true profile nobody else has; no attacker singles out more
            correctly.
        notes: Who was left out.
    """

    knowledge: Knowledge
    attributes: tuple[str, ...]
    speakers: tuple[str, ...]
    inferred: tuple[tuple[str, ...], ...]
    truth: tuple[tuple[str, ...], ...]
    unique: Interval
    correct_and_unique: Interval
    correct: Interval
    unique_by_chance: float
    correct_and_unique_by_chance: float
    unique_in_truth: float
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The row of a results document."""
        return {
            "knowledge": self.knowledge,
            "attributes": list(self.attributes),
            "unique": self.unique.figure(),
            "correct_and_unique": self.correct_and_unique.figure(),
            "correct": self.correct.figure(),
            "unique_by_chance": self.unique_by_chance,
            "correct_and_unique_by_chance": self.correct_and_unique_by_chance,
            "unique_in_truth": self.unique_in_truth,
            "notes": list(self.notes),
        }


def profile_uniqueness(
    results: Sequence[AttributeResult], *, shuffles: int = 200, seed: int = 0
) -> Profiles:
    """Put together what one attacker inferred of each speaker, and see who stands out.

    Attribute uniqueness in the sense of arXiv 2603.20301. A speaker is what most of the speaker's
    utterances were taken for; a draw goes to the class that comes first.
    Intervals are Wilson's, at 95 %: a bootstrap would draw speakers twice, and nobody who is drawn
    twice is unique. Uniqueness depends on how many there are: compare only equal populations.

    Args:
        results: Of one knowledge, for several attributes that a speaker has once (sex, age band,
            accent; not emotion).
        shuffles: How often the inferred attributes are dealt out anew for the reference by chance.
        seed: Of the shuffles.

    Returns:
        The shares over the speakers of whom every attribute was inferred.

    Raises:
        ConfigurationError: No results, several knowledges, an attribute twice, one that varies
            within a speaker, or no speaker of whom all were inferred.

    Example:
        >>> import numpy as np
        >>> from voxguard.attacks.attributes import infer_attribute
        >>> from voxguard.attacks.profiles import profile_uniqueness
        >>> speakers = [f"s{index // 3}" for index in range(36)]
        >>> voices = np.random.default_rng(0).normal(size=(36, 4))
        >>> labels = {"sex": [], "accent": []}
        >>> for index in range(36):
        ...     labels["sex"].append("FM"[index // 3 % 2])
        ...     labels["accent"].append("AB"[index // 6 % 2])
        >>> found = [
        ...     infer_attribute(column, speakers, original=voices, attribute=name)[0]
        ...     for name, column in labels.items()
        ... ]
        >>> profile_uniqueness(found).unique_in_truth  # three speakers of every kind
        0.0
    """
    if not results or len({result.knowledge for result in results}) != 1:
        had = sorted({result.knowledge for result in results})
        raise ConfigurationError(f"profiles are of one knowledge; got {', '.join(had) or 'none'}")
    attributes = tuple(result.attribute for result in results)
    if len(set(attributes)) < len(attributes):
        raise ConfigurationError(f"an attribute counts once; got {', '.join(attributes)}")
    truths = [_by_speaker(result, result.truth, single=True) for result in results]
    guesses = [_by_speaker(result, result.predicted, single=False) for result in results]
    speakers = sorted(set.intersection(*(set(truth) for truth in truths)))
    everyone = set.union(*(set(truth) for truth in truths))
    if not speakers:
        raise ConfigurationError("there is no speaker of whom all the attributes were inferred")
    truth = [tuple(column[who] for column in truths) for who in speakers]
    inferred = [tuple(column[who] for column in guesses) for who in speakers]
    alone, right = _unique(inferred), [a == b for a, b in zip(inferred, truth, strict=True)]
    both = [a and b for a, b in zip(alone, right, strict=True)]
    chance = _by_chance(inferred, truth, shuffles, np.random.default_rng(seed))
    missing = len(everyone) - len(speakers)
    return Profiles(
        results[0].knowledge,
        attributes,
        tuple(speakers),
        tuple(inferred),
        tuple(truth),
        _wilson(alone),
        _wilson(both),
        _wilson(right),
        *chance,
        unique_in_truth=float(np.mean(_unique(truth))),
        notes=(f"{missing} speakers lack one of the attributes and are left out",) * (missing > 0),
    )


def _by_speaker(
    result: AttributeResult, values: Sequence[str], *, single: bool
) -> Mapping[str, str]:
    votes: dict[str, Counter[str]] = {}
    for who, value in zip(result.speakers, values, strict=True):
        votes.setdefault(who, Counter())[value] += 1
    for who, counted in votes.items():
        if single and len(counted) > 1:
            raise ConfigurationError(
                f"{result.attribute} varies within {who} ({', '.join(sorted(counted))}); "
                "a profile is made of what a speaker has once"
            )
    return {who: min((-n, value) for value, n in c.items())[1] for who, c in votes.items()}


def _unique(profiles: Sequence[tuple[str, ...]]) -> list[bool]:
    counted = Counter(profiles)
    return [counted[profile] == 1 for profile in profiles]


def _by_chance(
    inferred: Sequence[tuple[str, ...]],
    truth: Sequence[tuple[str, ...]],
    shuffles: int,
    rng: np.random.Generator,
) -> tuple[float, float]:
    columns = list(zip(*inferred, strict=True))
    shares = []
    for _ in range(shuffles):
        orders = [rng.permutation(len(inferred)) for _ in columns]
        dealt = [
            [column[at] for at in order] for column, order in zip(columns, orders, strict=True)
        ]
        profiles = list(zip(*dealt, strict=True))
        alone = _unique(profiles)
        both = [a and p == t for a, p, t in zip(alone, profiles, truth, strict=True)]
        shares.append((np.mean(alone), np.mean(both)))
    unique, correct = np.mean(shares, axis=0)
    return float(unique), float(correct)


def _wilson(flags: Sequence[bool]) -> Interval:
    """E. B. Wilson, "Probable inference, the law of succession ...", JASA 22, 1927."""
    n = len(flags)
    share = sum(flags) / n
    centre = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * np.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    low, high = max(float(centre - half), 0.0), min(float(centre + half), 1.0)
    return Interval(share, min(low, share), max(high, share), n, n)
