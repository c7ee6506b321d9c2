"""Whether the lowest EER can be believed: what would make it flattering is looked for.

Overestimated privacy has a few known causes (VoicePrivacy attacker challenge; Panariello et al.,
SPSC 2025; Franzreb et al., arXiv 2508.09803): an attacker too weak to recognise anybody, one that
training made worse, one that learnt the target voices and not the speakers, target voices chosen by
the speaker's sex, and too few speakers or trials.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from voxguard.attacks.target_probe import TargetProbe

FEWEST_SPEAKERS = 10
FEWEST_MATED = 50
FEWEST_NON_MATED = 500
WIDEST_INTERVAL = 0.30
WEAKEST_UNPROTECTED = 0.20
TARGET_MARGIN = 0.25
SAME_SEX = 0.9


@dataclass(frozen=True)
class Check:
    """One cause of a flattering figure, looked for.

    Attributes:
        check: What should hold.
        passed: Whether it does; None if it could not be looked at, which is no pass.
        detail: What was found.
    """

    check: str
    passed: bool | None
    detail: str

    def as_dict(self) -> dict[str, Any]:
        """As it stands in the results."""
        return {"check": self.check, "passed": self.passed, "detail": self.detail}


@dataclass(frozen=True)
class Scored:
    """An attacker's EER, as far as the verdict needs it."""

    name: str
    knowledge: str
    eer: float
    low: float | None = None
    high: float | None = None


def enough(speakers: int, mated: int, non_mated: int, lowest: Scored) -> Check:
    """Too few speakers or trials make any EER possible."""
    name = "enough speakers and trials"
    told = (
        f"{speakers} speakers, {mated} mated and {non_mated} non-mated trials "
        f"(at least {FEWEST_SPEAKERS}, {FEWEST_MATED}, {FEWEST_NON_MATED})"
    )
    few = speakers < FEWEST_SPEAKERS or mated < FEWEST_MATED or non_mated < FEWEST_NON_MATED
    if lowest.low is None or lowest.high is None:
        return Check(name, False, f"{told}; no interval could be computed")
    width = lowest.high - lowest.low
    told += f"; the interval of the lowest EER is {_percent(width)} wide"
    return Check(name, not few and width <= WIDEST_INTERVAL, told)


def able(scored: Sequence[Scored]) -> Check:
    """An attacker that cannot recognise original speech cannot show that anything protects."""
    name = "attackers recognise original speech"
    best = _lowest(scored, "unprotected")
    if best is None:
        return Check(name, None, "no attacker was run on original speech")
    told = f"lowest unprotected EER {_percent(best.eer)} ({best.name})"
    return Check(name, best.eer <= WEAKEST_UNPROTECTED, told)


def no_copies(copies: int, total: int) -> Check:
    """Speech that was never anonymized, in enrolment or trials, makes the two differ.

    The mismatch raises the EER and protects nobody.
    """
    name = "what is called anonymized is not the original"
    told = f"{copies} of {total} enrolment and trial utterances are copies of the original"
    return Check(name, copies == 0, told)


def retraining_helped(scored: Sequence[Scored], speakers: int) -> Check:
    """Training on anonymized speech must not make the attacker weaker.

    Compared are the lowest EERs. A semi-informed attacker counts as weaker when its EER lies above
    the lazy-informed one's by more than the lazy-informed one's interval reaches up, or when it was
    trained on hardly anybody.
    """
    name = "semi-informed not weaker than lazy-informed"
    lazy, semi = _lowest(scored, "lazy-informed"), _lowest(scored, "semi-informed")
    if semi is None:
        return Check(name, False, "no attacker was retrained on anonymized speech")
    if speakers < FEWEST_SPEAKERS:
        told = f"retrained on {speakers} speakers only (at least {FEWEST_SPEAKERS})"
        return Check(name, False, told)
    if lazy is None:
        return Check(name, None, "no lazy-informed attacker was run")
    told = (
        f"semi-informed {_percent(semi.eer)} ({semi.name}), "
        f"lazy-informed {_percent(lazy.eer)} ({lazy.name})"
    )
    limit = lazy.high if lazy.high is not None else lazy.eer
    return Check(name, semi.eer <= limit, told)


def hears_the_source(probe: TargetProbe | None, why_not: str, who: str) -> Check:
    """The retrained attacker must recognise speakers rather than the voices put on them."""
    name = "the retrained attacker hears the speaker, not the target voice"
    if probe is None:
        return Check(name, None, why_not)
    told = (
        f"{who} recognises {probe.targets} pseudo-voices with {_percent(probe.target)} and "
        f"{probe.sources} speakers with {_percent(probe.source)} (balanced accuracy over chance)"
    )
    return Check(name, probe.target - probe.source <= TARGET_MARGIN, told)


def sex_is_not_the_target(agreement: float | None, scored: Sequence[Scored], why_not: str) -> Check:
    """Target voices of the speaker's own sex teach a retrained attacker the target.

    That the apparent sex stays is harmless where retraining clearly made the attacker stronger: it
    has then learnt the speaker all the same.
    """
    name = "target voices are not chosen by the speaker's sex"
    if agreement is None:
        return Check(name, None, why_not)
    told = f"apparent sex stays in {_percent(agreement)} of the anonymized utterances"
    if agreement < SAME_SEX:
        return Check(name, True, told)
    lazy, semi = _lowest(scored, "lazy-informed"), _lowest(scored, "semi-informed")
    best = _lowest(scored, "unprotected")
    if best is not None and semi is not None and semi.eer <= (best.high or best.eer):
        return Check(name, True, f"{told}, but the attacker recognises speakers as before")
    if lazy is not None and semi is not None:
        low = lazy.low if lazy.low is not None else lazy.eer
        if semi.eer < low:
            return Check(name, True, f"{told}, but retraining clearly helped the attacker")
    return Check(name, False, f"{told}, and retraining did not clearly help the attacker")


def verdict(checks: Sequence[Check]) -> tuple[bool, list[str]]:
    """Trusted only if nothing failed; what could not be checked is told beside it."""
    reasons = [f"{check.check}: no ({check.detail})" for check in checks if check.passed is False]
    return not reasons, reasons


def _lowest(scored: Sequence[Scored], knowledge: str) -> Scored | None:
    theirs = [one for one in scored if one.knowledge == knowledge]
    return min(theirs, key=lambda one: one.eer) if theirs else None


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
