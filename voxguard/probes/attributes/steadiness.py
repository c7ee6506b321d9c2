"""Whether a model answers alike from the first question to the last."""

from __future__ import annotations

from collections.abc import Sequence

from voxguard.probes.attributes.exact import fisher
from voxguard.probes.attributes.parser import Reading
from voxguard.probes.attributes.scoring import Read

_SURE = 1e-3  # p-value below which two halves differ: there are some tens of comparisons


def changes(read: Sequence[Read]) -> list[str]:
    """Notes on prompts whose answers became unparsable or refused, or ceased to be, half-way.

    A server that is updated, an output format that changes or a filter that sets in shows as a
    difference between the first and the second half of the questions, which are alike in all else.

    Args:
        read: In the order in which they were asked.
    """
    notes = []
    for prompt, form in dict.fromkeys((one.asked.prompt, one.asked.form) for one in read):
        own = [
            one.reading
            for one in read
            if (one.asked.prompt, one.asked.form) == (prompt, form) and one.reading.kind != "error"
        ]
        half = len(own) // 2
        for kind in ("unparsable", "refused"):
            first, second = _share(own[:half], kind), _share(own[half:], kind)
            if fisher(*first, *second) < _SURE:
                notes.append(
                    f"{prompt}/{form}: {first[0]} of the first {first[1]} answers are {kind} and "
                    f"{second[0]} of the last {second[1]}: the model or its format changed during "
                    "the run, and the figures mix two models"
                )
    return notes


def _share(readings: Sequence[Reading], kind: str) -> tuple[int, int]:
    return sum(reading.kind == kind for reading in readings), len(readings)
