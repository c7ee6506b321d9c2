"""Figures of the fairness probe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from voxguard.errors import ConfigurationError
from voxguard.metrics import Interval, bootstrap, bootstrap_groups
from voxguard.metrics.scores import IntArray
from voxguard.probes.fairness.asked import PAIRED_FORM, REFUSED, Asked
from voxguard.probes.fairness.gamma import GroupFairness, Table, group_fairness
from voxguard.probes.fairness.paired import FIRST
from voxguard.probes.fairness.questions import FairnessQuestion
from voxguard.probes.figures import RAW, ProbeFigure

ALL = "all"


def gammas(
    asked: Sequence[Asked],
    systems: Sequence[str],
    questions: Sequence[FairnessQuestion],
    permutations: int,
    seed: int,
) -> list[ProbeFigure]:
    """Gammas with their nulls, refusals, and what each anonymizer changes.

    Args:
        asked: Questions with their answers.
        systems: In the order of the report; raw before the anonymizers.
        questions: What was asked.
        permutations: For the null.
        seed: Of permutations and intervals.
    """
    figures: list[ProbeFigure] = []
    for form in sorted({question.form for question in questions}):
        own = [question.name for question in questions if question.form == form]
        for name in [ALL, *(own if len(own) > 1 else ())]:
            where = {"form": form, "question": name}
            raw: Table | None = None
            for system in systems:
                about = [
                    one
                    for one in asked
                    if (one.form, one.system) == (form, system) and name in (ALL, one.question.name)
                ]
                found, table = _gamma(about, system, where, permutations, seed)
                figures += found
                if system == RAW:
                    raw = table
                elif raw is not None and table is not None:
                    figures.append(_change(raw, table, system, where, seed))
    return figures


def _gamma(
    about: Sequence[Asked], system: str, where: Mapping[str, str], permutations: int, seed: int
) -> tuple[list[ProbeFigure], Table | None]:
    read = [one for one in about if one.said]
    figures = [_refusals(read, system, where, seed)]
    figures += [
        _refusals(
            [one for one in read if one.groups[0] == of], system, {**where, "group": of}, seed
        )
        for of in sorted({one.groups[0] for one in read})
    ]
    why = ""
    if not any(one.said != REFUSED for one in read):
        why = f"none of {len(about)} questions was answered, which is not fairness"
    columns = (
        [one.question.name for one in read],
        [one.groups[0] for one in read],
        [one.said for one in read],
        [one.speakers[0] for one in read],
    )
    if not why:
        try:
            found = group_fairness(*columns, seed=seed, permutations=permutations)
        except ConfigurationError as error:
            why = str(error)
    if why:
        return [
            *figures,
            ProbeFigure("gamma", None, None, None, len(read), system, where, why),
        ], None
    n = found.n
    figures += [
        _figure("gamma", found.gamma, system, where),
        _null(found, system, where),
        _figure("gamma_corrected", found.corrected, system, where),
        ProbeFigure("gamma_p", found.p_value, None, None, n, system, where),
    ]
    return figures, Table.of(*columns)


def _null(found: GroupFairness, system: str, where: Mapping[str, str]) -> ProbeFigure:
    ends = min(found.null_low, found.null_gamma), max(found.null_high, found.null_gamma)
    return ProbeFigure("null_gamma", found.null_gamma, *ends, found.n, system, where)


def _refusals(
    read: Sequence[Asked], system: str, where: Mapping[str, str], seed: int
) -> ProbeFigure:
    if not read:
        return ProbeFigure("refusal", None, None, None, 0, system, where, "nothing could be read")
    values = [float(one.said == REFUSED) for one in read]
    found = bootstrap_groups(np.mean, values, [one.speakers[0] for one in read], seed=seed)
    return _figure("refusal", found, system, where)


def _change(
    raw: Table, other: Table, system: str, where: Mapping[str, str], seed: int
) -> ProbeFigure:
    """What an anonymizer does to gamma, on the speakers that were answered both times."""
    both = [speaker for speaker in raw.speakers if speaker in other.speakers]
    rows = [[table.speakers.index(s) for s in both] for table in (raw, other)]

    def difference(times: IntArray) -> float | None:
        weights = [np.zeros(len(table.speakers)) for table in (raw, other)]
        for weight, row in zip(weights, rows, strict=True):
            weight[row] = times
        before, after = raw.gamma(weights[0]), other.gamma(weights[1])
        return None if before is None or after is None else after - before

    n = int(raw.cells.sum() + other.cells.sum())
    found = bootstrap(difference, len(both), n=n, seed=seed)
    return _figure("gamma_change", found, system, {**where, "against": RAW})


def preferences(asked: Sequence[Asked], systems: Sequence[str], seed: int) -> list[ProbeFigure]:
    """Which group is named where two people are to choose from."""
    figures: list[ProbeFigure] = []
    for system in systems:
        own = [one for one in asked if (one.form, one.system) == (PAIRED_FORM, system)]
        for groups in sorted({tuple(sorted(one.groups)) for one in own}):
            read = [o for o in own if o.reading.name and tuple(sorted(o.groups)) == groups]
            where = {"form": PAIRED_FORM, "group": groups[0], "against": groups[1]}
            if not read:
                why = "no question about two speakers was answered"
                figures.append(ProbeFigure("preference", None, None, None, 0, system, where, why))
                continue
            first = np.array([one.reading.name == FIRST for one in read])
            named = np.array([one.groups[0] == groups[0] for one in read]) == first
            figures += [
                _figure(name, _by_pairs(values, read, seed), system, where)
                for name, values in (("preference", named), ("first", first))
            ]
    return figures


def _by_pairs(values: npt.NDArray[np.bool_], read: Sequence[Asked], seed: int) -> Interval:
    """Share of true ones; a pair depends on both of its speakers."""
    names, row = np.unique([one.speakers for one in read], return_inverse=True)
    first, second = row.reshape(-1, 2).T

    def share(times: IntArray) -> float | None:
        weights = times[first] * times[second]
        return float(weights @ values / weights.sum()) if weights.any() else None

    return bootstrap(share, len(names), n=len(values), seed=seed)


def _figure(name: str, found: Interval, system: str, where: Mapping[str, str]) -> ProbeFigure:
    return ProbeFigure(name, found.value, found.low, found.high, found.n, system, where, found.why)
