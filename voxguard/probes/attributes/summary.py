"""What was read, as figures and counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from voxguard.probes.attributes.scoring import Read, Scores
from voxguard.probes.figures import ProbeFigure


def figures_of(
    read: Sequence[Read], resamples: int, seed: int
) -> tuple[list[ProbeFigure], list[str]]:
    """Figures of each attribute, prompt and form, and what is to be noted of them.

    Args:
        read: Questions and what was made of the answers.
        resamples: Of the intervals.
        seed: Of the intervals.
    """

    def cell(one: Read) -> tuple[str, str, str]:
        return one.asked.attribute.name, one.asked.prompt, one.asked.form

    figures: list[ProbeFigure] = []
    notes: list[str] = []
    for _, group in groupby(sorted(read, key=cell), key=cell):
        scores = Scores(list(group), resamples=resamples, seed=seed)
        figures += scores.figures()
        notes += scores.notes
    return figures, notes


def counts_of(read: Sequence[Read]) -> dict[str, int]:
    """Questions, and states of the answers: in all, and by system."""
    counts = Counter(dict.fromkeys(("correct", "wrong", "refused", "unparsable", "error"), 0))
    for one in read:
        state = one.reading.state(one.asked.truth)
        counts[state] += 1
        counts[f"{one.asked.system}/{state}"] += 1
    return {"asked": len(read), **counts}
