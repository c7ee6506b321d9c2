"""The parts of a report in their order, each made from the results and nothing else."""

from __future__ import annotations

from voxguard.evaluation.report.content import Section
from voxguard.evaluation.report.sections.attackers import appendix, attackers
from voxguard.evaluation.report.sections.attributes import attributes
from voxguard.evaluation.report.sections.glossary import glossary
from voxguard.evaluation.report.sections.origin import data, origin
from voxguard.evaluation.report.sections.scores import scores
from voxguard.evaluation.report.sections.stress import stress
from voxguard.evaluation.report.sections.subgroups import subgroups
from voxguard.evaluation.report.sections.sweeps import lengths, populations
from voxguard.evaluation.report.sections.utility import utility
from voxguard.evaluation.report.sections.verdict import checks, reading
from voxguard.evaluation.results import Results

__all__ = ["sections"]

_ALL = (
    reading,
    checks,
    attackers,
    scores,
    utility,
    lengths,
    populations,
    attributes,
    subgroups,
    stress,
    data,
    origin,
    appendix,
    glossary,
)


def sections(results: Results) -> list[Section]:
    """Every part; what was not measured is there too and says so."""
    return [make(results) for make in _ALL]
