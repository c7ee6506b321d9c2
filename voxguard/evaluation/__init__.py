"""The evaluator: data, protocol, panel of attackers, verdict, results and reports."""

from voxguard.evaluation.evaluator import evaluate
from voxguard.evaluation.manifest import Exclusion, Manifest, Utterance, read_manifest
from voxguard.evaluation.protocol import (
    AttackerPlan,
    AttributePlan,
    DataPlan,
    Protocol,
    UtilityPlan,
)
from voxguard.evaluation.results import Results

__all__ = [
    "AttackerPlan",
    "AttributePlan",
    "DataPlan",
    "Exclusion",
    "Manifest",
    "Protocol",
    "Results",
    "UtilityPlan",
    "Utterance",
    "evaluate",
    "read_manifest",
]
