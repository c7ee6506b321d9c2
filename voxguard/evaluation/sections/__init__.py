"""The parts of a results document, each made from the context."""

from voxguard.evaluation.sections.attackers import attackers, label_by_speaker
from voxguard.evaluation.sections.attributes import attributes
from voxguard.evaluation.sections.disclosure import disclosure
from voxguard.evaluation.sections.headline import headline
from voxguard.evaluation.sections.stress import stress
from voxguard.evaluation.sections.utility import cost, utility

__all__ = [
    "attackers",
    "attributes",
    "cost",
    "disclosure",
    "headline",
    "label_by_speaker",
    "stress",
    "utility",
]
