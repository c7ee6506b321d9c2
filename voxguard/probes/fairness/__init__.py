"""Group fairness: whether a model answers people of different groups alike."""

from voxguard.probes.fairness.gamma import GroupFairness, group_fairness, unfairness
from voxguard.probes.fairness.probe import probe_fairness
from voxguard.probes.fairness.questions import QUESTIONS, FairnessQuestion

__all__ = [
    "QUESTIONS",
    "FairnessQuestion",
    "GroupFairness",
    "group_fairness",
    "probe_fairness",
    "unfairness",
]
