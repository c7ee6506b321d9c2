"""From scores to figures, none of them without its blind counterpart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voxguard.errors import ConfigurationError
from voxguard.metrics import Interval
from voxguard.probes.figures import ADVANTAGE, RAW, ProbeFigure
from voxguard.probes.membership.blind import ALL, Blind
from voxguard.probes.membership.clips import Bools, Clips
from voxguard.probes.membership.gate import Gate
from voxguard.probes.membership.intervals import Intervals
from voxguard.probes.membership.regression import deal, out_of_fold, unit_rows
from voxguard.probes.membership.scores import DIRECTIONS

Array = npt.NDArray[np.float64]

COMBINED = "combined"
# Chosen beforehand: of the thirty, the best on the data at hand is the luckiest as well.
HEADLINES = (COMBINED, "log_perplexity", "min_k_plus_plus_20")
RATES = (0.01, 0.001)

_UNTOLD = "the data are contaminated: members are told without the model as well"


@dataclass(frozen=True, eq=False)
class Findings:
    """All figures, and what to say about them.

    Attributes:
        figures: ``blind_auc``, ``auc``, ``tpr``, ``correlation``, ``auc_drop``, ``advantage``.
        notes: Of the gate.
    """

    figures: tuple[ProbeFigure, ...]
    notes: tuple[str, ...]


def attacks(clips: Clips, vectors: Array, seed: int) -> dict[str, Array]:
    """Each score as an attack, and a logistic regression over all of them.

    Args:
        clips: Whose vectors they are.
        vectors: ``(n, 30)``; NaN where there are no scores.
        seed: Of the folds.

    Returns:
        ``(n,)`` by ``"combined"`` and by name: higher for "was in".
    """
    scored: Bools = np.asarray(np.isfinite(vectors).all(axis=1))
    combined = np.full(len(clips), np.nan)
    try:
        kept = clips.only(scored)
    except ConfigurationError:  # too few were scored to train on some and look at others
        kept = None
    if kept is not None:
        # Folds of its own: with those of the blind baseline, what one fold has too many of would
        # show in both, as a correlation.
        deals = deal(kept, seed + 1)
        combined[scored] = out_of_fold(unit_rows(vectors[scored]), kept.member, deals)
    single = {name: sign * vectors[:, i] for i, (name, sign) in enumerate(DIRECTIONS.items())}
    return {COMBINED: combined, **single}


def findings(
    blind: Blind,
    vectors: Mapping[tuple[str, str], Array],
    *,
    seed: int = 0,
    resamples: int = 1000,
) -> Findings:
    """All figures.

    Args:
        blind: Phase 1, on the same clips.
        vectors: ``(n, 30)`` of each system and text; of ``"raw"`` first.
        seed: Of folds and intervals.
        resamples: Of the intervals.
    """
    table = _Table(blind, Intervals(blind.clips, seed, resamples))
    made = [_figure("blind_auc", auc, RAW, {"features": part}) for part, auc in blind.auc.items()]
    found = {key: attacks(blind.clips, matrix, seed) for key, matrix in vectors.items()}
    for (system, text), scores in found.items():
        if system == RAW:
            for name, own in scores.items():
                made += table.on_raw(text, name, own)
            continue
        for name in HEADLINES:
            made += table.replaced(system, text, name, scores[name], found[RAW, text][name])
    return Findings(tuple(made), tuple(table.gate.notes(table.correlations)))


class _Table:
    """Figures of one attack at a time, each marked by the gate."""

    def __init__(self, blind: Blind, intervals: Intervals) -> None:
        self._blind, self._of = blind, intervals
        self.gate = Gate(blind)
        self.correlations: dict[str, Interval] = {}

    def on_raw(self, text: str, name: str, scores: Array) -> list[ProbeFigure]:
        made = self._both(RAW, text, name, scores)
        where = made[0].where
        for fpr in RATES:
            tpr = self._of.tpr(scores, fpr)
            made.append(_figure("tpr", tpr, RAW, {**where, "fpr": f"{fpr:g}"}))
        return made

    def replaced(
        self, system: str, text: str, name: str, scores: Array, raw: Array
    ) -> list[ProbeFigure]:
        made = self._both(system, text, name, scores)
        drop = self._of.drop(raw, scores)
        return [*made, _figure("auc_drop", drop, system, made[0].where)]

    def _both(self, system: str, text: str, name: str, scores: Array) -> list[ProbeFigure]:
        auc, r = self._of.auc(scores), self._of.correlation(scores, self._blind.scores[ALL])
        if (system, name) == (RAW, COMBINED):
            self.correlations[text] = r
        contaminated = self.gate.contaminates(r)
        mark = "contaminated" if contaminated else "clean"
        where = {"text": text, "score": name, "data": mark}
        made = [_figure("auc", auc, system, where), _figure("correlation", r, system, where)]
        if name in HEADLINES:
            if contaminated:
                advantage = Interval(None, None, None, auc.n, auc.groups, why=_UNTOLD)
            else:
                blind = self._blind.scores[self._blind.strongest]
                advantage = self._of.advantage(scores, blind)
            made.append(_figure(ADVANTAGE, advantage, system, where))
        return made


def _figure(name: str, found: Interval, system: str, where: Mapping[str, str]) -> ProbeFigure:
    value = (found.value, found.low, found.high)
    return ProbeFigure(name, *value, found.n, system, where, found.why)
