"""Is it good enough? For a build that is to fail when a model tells more than it may."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from voxguard.errors import ConfigurationError
from voxguard.probes.card.card import PrivacyCard
from voxguard.probes.figures import ADVANTAGE, RAW, UTILITY_LOSS, ProbeFigure
from voxguard.probes.membership.figures import HEADLINES

MEMBERSHIP_AUC = "membership_auc"
_MEMBERSHIP, _AUC = "membership", "auc"
_CONTAMINATED = "contaminated"

_ALIKE = {ADVANTAGE: (ADVANTAGE, "answered_advantage")}

Judged = Literal["upper", "value"]


@dataclass(frozen=True)
class Check:
    """One limit, and whether it is kept.

    Attributes:
        name: What is limited.
        passed: Whether it is kept.
        detail: The figure that decided, or why it failed without one.
    """

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True)
class GateResult:
    """Whether a card passes.

    Attributes:
        checks: One a limit.
    """

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether every limit is kept."""
        return all(check.passed for check in self.checks)


def gate(
    card: PrivacyCard,
    *,
    max_advantage: float | None = None,
    max_utility_loss: float | None = None,
    max_membership_auc: float | None = None,
    by: Judged = "upper",
) -> GateResult:
    """Hold a card to limits.

    Each limit is held against the worst figure of all probes. Of advantages that is the worse of
    ``advantage`` and ``answered_advantage``, since a model that refuses half the time and is right
    the other half does tell. Membership is held to it on raw clips too, since whoever has the model
    asks it as he likes. What was not measured, and what could not be, has failed: a build does not
    pass for want of a test.

    Args:
        card: From :func:`~voxguard.probes.card.make_card`.
        max_advantage: Most that the model may tell of a speaker over the best blind guess, 0 to 1.
        max_utility_loss: Most that its answers may have suffered, 0 to 1.
        max_membership_auc: Most that members may stand out, 0.5 to 1.
        by: ``"upper"``: the upper end of the 95 % interval has to keep the limit, so that few clips
            do not pass by chance; ``"value"``: the figure itself.

    Raises:
        ConfigurationError: No limit, or one out of its range.

    Example:
        >>> from voxguard.probes.card import gate, make_card
        >>> from voxguard.probes.document import ProbeDocument
        >>> from voxguard.probes.figures import ProbeFigure
        >>> figure = ProbeFigure("advantage", 0.05, 0.0, 0.12, 120, "mcadams", {"attribute": "sex"})
        >>> card = make_card([ProbeDocument("attributes", {"name": "m"}, {}, {"mcadams": {}},
        ...                                 (figure,))], "mcadams")
        >>> gate(card, max_advantage=0.1).passed, gate(card, max_advantage=0.1, by="value").passed
        (False, True)
    """
    limits = {
        ADVANTAGE: (max_advantage, 0.0),
        UTILITY_LOSS: (max_utility_loss, 0.0),
        MEMBERSHIP_AUC: (max_membership_auc, 0.5),
    }
    given = {name: limit for name, (limit, _) in limits.items() if limit is not None}
    if not given:
        raise ConfigurationError("a gate takes at least one limit, such as max_advantage=0.1")
    for name, limit in given.items():
        if not limits[name][1] <= limit <= 1:
            raise ConfigurationError(f"max_{name}= takes {limits[name][1]:g} to 1, got {limit!r}")
    if by not in ("upper", "value"):
        raise ConfigurationError(f"by= takes 'upper' or 'value', got {by!r}")
    return GateResult(tuple(_check(card, name, limit, by) for name, limit in given.items()))


def _check(card: PrivacyCard, name: str, limit: float, by: Judged) -> Check:
    found = _figures(card, name)
    if not found:
        return Check(name, passed=False, detail=f"not measured behind {card.system}")
    for probe, figure in found:
        if figure.value is None:
            return Check(name, passed=False, detail=f"{_about(probe, figure)}: {figure.why}")
        if figure.where.get("data") == _CONTAMINATED:
            why = "members and non-members differ before any model is asked, so it says nothing"
            return Check(name, passed=False, detail=f"{_about(probe, figure)}: {why}")
    probe, worst = max(found, key=lambda one: _judged(one[1], by))
    reached = _judged(worst, by)
    what = "upper end of the interval of " if by == "upper" and worst.high is not None else ""
    detail = f"{_about(probe, worst)}: {what}{worst.value:.3f} is {reached:.3f}"
    if not what:
        detail = f"{_about(probe, worst)}: {reached:.3f}"
    return Check(name, reached <= limit, f"{detail}; at most {limit:g} of {len(found)} figures")


def _judged(figure: ProbeFigure, by: Judged) -> float:
    value = figure.high if by == "upper" and figure.high is not None else figure.value
    return float("inf") if value is None else value


def _about(probe: str, figure: ProbeFigure) -> str:
    where = ", ".join(f"{name} {value}" for name, value in figure.where.items())
    name = figure.name.replace("_", " ")
    return f"{probe}, {name} ({where})" if where else f"{probe}, {name}"


def _figures(card: PrivacyCard, name: str) -> list[tuple[str, ProbeFigure]]:
    if name != MEMBERSHIP_AUC:
        return [one for each in _ALIKE.get(name, (name,)) for one in card.find(each)]
    return [
        (probe, figure)
        for system in dict.fromkeys((RAW, card.system))
        for probe, figure in card.find(_AUC, system)
        if probe == _MEMBERSHIP and figure.where.get("score") in HEADLINES
    ]
