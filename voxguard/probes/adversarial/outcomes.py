"""What came of each attack behind each anonymizer, and the figures made from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from voxguard.metrics import Interval, blind_guess, bootstrap_difference, bootstrap_groups
from voxguard.probes.figures import RAW, ProbeFigure

NONE, NOISE, PGD, ADAPTIVE = "none", "noise", "pgd", "adaptive"

_LEVEL = 0.95


@dataclass(frozen=True)
class Outcome:
    """What the model said to one clip in one form, as the goal reads it.

    Attributes:
        clip: Id of the utterance.
        speaker: Who speaks.
        attack: ``"none"``, ``"noise"``, ``"pgd"`` or ``"adaptive"``.
        system: What the model heard it through.
        target: The answer that the attacker wants.
        clean: The model's answer to the raw clip.
        truth: The right answer; empty: unknown.
        answer: The model's; None: it failed.
    """

    clip: str
    speaker: str
    attack: str
    system: str
    target: str
    clean: str
    truth: str
    answer: str | None

    @property
    def hit(self) -> bool:
        """Whether the target is given."""
        return self.answer == self.target

    @property
    def kept(self) -> bool:
        """Whether the answer is that to the raw clip."""
        return self.answer == self.clean

    @property
    def right(self) -> bool:
        """Whether the answer is the right one."""
        return self.answer == self.truth


class Table:
    """All outcomes; what failed is left out.

    Args:
        outcomes: In any order.
        seed: Of the intervals.
        resamples: Of the intervals.
    """

    def __init__(self, outcomes: Sequence[Outcome], *, seed: int, resamples: int) -> None:
        self._all = [outcome for outcome in outcomes if outcome.answer is not None]
        self._how = {"seed": seed, "resamples": resamples}
        self._systems = tuple(dict.fromkeys(outcome.system for outcome in outcomes))

    def figures(self) -> list[ProbeFigure]:
        """System by system: the attack, what the anonymizer costs, and what is left."""
        return [figure for system in self._systems for figure in self._of(system)]

    def _of(self, system: str) -> list[ProbeFigure]:
        found = []
        attacks = [a for a in (NONE, NOISE, PGD, ADAPTIVE) if self._at(a, system)]
        for attack in attacks:
            found.append(self._rate("attack_success", attack, system, lambda o: o.hit))
            if attack in (PGD, ADAPTIVE):
                found.append(self._over_noise(attack, system))
            if (attack, system) != (NONE, RAW):
                found.append(self._rate("answer_kept", attack, system, lambda o: o.kept))
        if any(outcome.truth for outcome in self._all):
            found += self._accuracies(system)
        if system != RAW:
            for attack in attacks:
                if attack in (PGD, ADAPTIVE):
                    found += self._removed(attack, system)
        return found

    def _at(self, attack: str, system: str) -> dict[str, Outcome]:
        return {o.clip: o for o in self._all if (o.attack, o.system) == (attack, system)}

    def _rate(
        self,
        name: str,
        attack: str,
        system: str,
        flag: Callable[[Outcome], bool],
        among: Mapping[str, Outcome] | None = None,
    ) -> ProbeFigure:
        own = self._at(attack, system).values()
        chosen = [o for o in own if among is None or o.clip in among]
        if not chosen:
            why = "every question failed" if not own else "no attack succeeded on raw audio"
            return ProbeFigure(name, None, None, None, 0, system, {"attack": attack}, why)
        interval = rate([flag(o) for o in chosen], [o.speaker for o in chosen], **self._how)
        return shown(name, system, interval, attack=attack)

    def _over_noise(self, attack: str, system: str) -> ProbeFigure:
        """Above what noise of the same bound does, which is no attack."""
        noise, own = self._at(NOISE, system), self._at(attack, system)
        clips = [clip for clip in own if clip in noise]
        name = "success_over_noise"
        if not clips:
            why = "the control has no answer"
            return ProbeFigure(name, None, None, None, 0, system, {"attack": attack}, why)
        interval = bootstrap_difference(
            np.mean,
            [float(own[clip].hit) for clip in clips],
            [float(noise[clip].hit) for clip in clips],
            [own[clip].speaker for clip in clips],
            **self._how,
        )
        return shown(name, system, interval, attack=attack)

    def _removed(self, attack: str, system: str) -> list[ProbeFigure]:
        """Of the clips on which the attack succeeds without a defence."""
        hits = {clip: o for clip, o in self._at(PGD, RAW).items() if o.hit}
        return [
            self._rate("attack_removed", attack, system, lambda o: not o.hit, hits),
            self._rate("answer_restored", attack, system, lambda o: o.kept, hits),
        ]

    def _accuracies(self, system: str) -> list[ProbeFigure]:
        own = [o for o in self._at(NONE, system).values() if o.truth]
        if not own:
            return []
        blind = blind_guess([o.truth for o in own]).accuracy
        where = {"attack": NONE}
        return [
            self._rate("accuracy", NONE, system, lambda o: o.right, {o.clip: o for o in own}),
            ProbeFigure("blind_accuracy", blind, None, None, len(own), system, where),
        ]


def rate(flags: Sequence[bool], speakers: Sequence[str], *, seed: int, resamples: int) -> Interval:
    """Share of the flags that are set, with an interval over speakers.

    Where all flags are alike, so are those of every resample, and an interval of no width would
    claim certainty. There it is the exact one (Clopper and Pearson 1934) of as many tries as there
    are speakers.

    Args:
        flags: One a clip.
        speakers: Of each.
        seed: Of the resamples.
        resamples: How many.

    Example:
        >>> from voxguard.probes.adversarial.outcomes import rate
        >>> found = rate([True] * 6, ["a", "b", "c", "a", "b", "c"], seed=0, resamples=100)
        >>> found.value, round(found.low, 2), found.high
        (1.0, 0.29, 1.0)
    """
    values = np.asarray(flags, dtype=np.float64)
    interval = bootstrap_groups(np.mean, values, speakers, seed=seed, resamples=resamples)
    if interval.low != interval.high or interval.value not in (0.0, 1.0):
        return interval
    miss = ((1.0 - _LEVEL) / 2.0) ** (1.0 / interval.groups)
    if interval.value:
        return replace(interval, low=miss, high=1.0, why="")
    return replace(interval, low=0.0, high=1.0 - miss, why="")


def shown(name: str, system: str, interval: Interval, **where: str) -> ProbeFigure:
    """An interval as a figure.

    Example:
        >>> from voxguard.metrics import Interval
        >>> from voxguard.probes.adversarial.outcomes import shown
        >>> shown("attack_success", "raw", Interval(0.5, 0.4, 0.6, 9, 3), attack="pgd").n
        9
    """
    ends = (interval.value, interval.low, interval.high)
    return ProbeFigure(name, *ends, interval.n, system, where, interval.why)
