"""Whether a membership figure says anything about the model, or only about the data."""

from __future__ import annotations

from dataclasses import dataclass

from voxguard.metrics import Interval
from voxguard.probes.membership.blind import Blind
from voxguard.probes.membership.intervals import CHANCE

MOST_BLIND_AUC = 0.55
MOST_CORRELATION = 0.4

_PERHAPS = "; the interval holds 0.5, so it may be chance: take more clips"


@dataclass(frozen=True, eq=False)
class Gate:
    """The rule of Dong, Lin, Lee: no figure without its blind AUC, and none above these bounds.

    The highest of the blind AUCs decides, since nothing keeps an attacker from taking it.

    Args:
        blind: Phase 1.
    """

    blind: Blind

    @property
    def auc(self) -> Interval:
        """The blind AUC that decides."""
        return self.blind.auc[self.blind.strongest]

    @property
    def shifted(self) -> bool:
        """Whether members are told from non-members without the model."""
        return (self.auc.value or 0.0) > MOST_BLIND_AUC

    def contaminates(self, correlation: Interval) -> bool:
        """Whether a membership score is not to be believed.

        Args:
            correlation: Of the score with the blind one.
        """
        return self.shifted or _too_high(correlation)

    def notes(self, correlations: dict[str, Interval]) -> list[str]:
        """What a reader has to know.

        Args:
            correlations: Of the attack with the blind scores, by text.
        """
        part, auc = self.blind.strongest, self.auc
        told = (
            f"without the model, members are told from non-members with an AUC of {_shown(auc)} "
            f"({part} features, the highest of {len(self.blind.auc)})"
        )
        notes = []
        if self.shifted:
            notes.append(
                f"contaminated: {told}, above {MOST_BLIND_AUC}. Membership figures cannot be told "
                f"from how the two lists differ{'' if _certain(auc) else _PERHAPS}"
            )
        else:
            wide = auc.high is None or auc.high > MOST_BLIND_AUC
            more = "; the interval reaches further: so few clips do not exclude a difference"
            notes.append(f"{told}, not above {MOST_BLIND_AUC}{more if wide else ''}")
        notes += [
            f"contaminated: the attack by {text} goes with the blind scores, r {_shown(r)}, above "
            f"{MOST_CORRELATION}"
            for text, r in correlations.items()
            if _too_high(r)
        ]
        return notes


def _too_high(r: Interval) -> bool:
    return abs(r.value or 0.0) > MOST_CORRELATION


def _certain(auc: Interval) -> bool:
    return auc.low is not None and auc.low > CHANCE


def _shown(interval: Interval) -> str:
    if interval.low is None:
        return f"{interval.value:.2f} (no interval: {interval.why})"
    return f"{interval.value:.2f} ({interval.low:.2f} to {interval.high:.2f})"
