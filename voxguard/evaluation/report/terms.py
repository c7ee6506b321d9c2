"""What the names in a results document are called and mean, in plain words.

What the document says of a metric itself goes before what is said here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from voxguard.metrics import METRICS

EER_DIRECTION = "EER: higher is more private; 50 % is guessing."

KNOWLEDGE = {
    "unprotected": "original speech (reference)",
    "ignorant": "ignorant",
    "lazy-informed": "lazy-informed",
    "semi-informed": "semi-informed",
    "retrained": "retrained",
}

ATTACKERS = {
    "unprotected": "Compares original speech with original speech. The reference: what there was "
    "to protect. It is never the headline.",
    "ignorant": "Does not know that speech is anonymized: compares original enrolment with "
    "anonymized trials.",
    "lazy-informed": "Knows the method and anonymizes the enrolment too, but keeps models that "
    "were made for original speech.",
    "semi-informed": "Knows the method, anonymizes the enrolment and trains on anonymized speech; "
    "does not know what was drawn for an utterance. The one that counts.",
}


@dataclass(frozen=True)
class Term:
    """A metric or measure, as :class:`voxguard.metrics.MetricInfo` describes it.

    Attributes:
        title: Its short name.
        full_title: Its name.
        unit: ``"%"`` for fractions, ``"bit"``, ``"dB"`` ...; empty: none.
        private: ``"higher"`` or ``"lower"``: which way is more private; empty: says nothing on it.
        better: The same for what is to be kept: utility.
        chance: Its value for an attacker that guesses.
        ideal: Its value under perfect anonymization.
        plain: One line for a reader who does not know it.
        source: The paper.
    """

    title: str
    full_title: str
    unit: str = ""
    private: str = ""
    better: str = ""
    chance: Any = None
    ideal: Any = None
    plain: str = ""
    source: str = ""


_SHORT = {
    "eer": "EER",
    "rocch_eer": "ROCCH-EER",
    "cllr": "C_llr",
    "min_cllr": "C_llr^min",
    "d_sys": "D_sys",
    "zebra_expected": "ZEBRA expected",
    "zebra_worst": "ZEBRA worst case",
    "tpr_at_fpr_1e-2": "TPR at 1 % FPR",
    "tpr_at_fpr_1e-3": "TPR at 0.1 % FPR",
    "identification_rate": "Rank-1 identification",
    "srd_max": "SRD max",
    "srd_mean": "SRD mean",
    "link_rate": "Link rate",
    "g_vd": "G_VD",
    "balanced_accuracy": "Balanced accuracy",
    "advantage": "Advantage",
    "unique": "Unique",
    "correct_and_unique": "Correct and unique",
    "wer": "WER",
    "cer": "CER",
    "uar": "UAR",
}
_FIELDS = ("unit", "private", "better", "chance", "ideal", "plain", "source")


class Terms:
    """The metrics of one document.

    Args:
        told: What the document says of its metrics.

    Example:
        >>> from voxguard.evaluation.report.terms import Terms
        >>> Terms({"eer": {"chance": 0.5}})["eer"].private
        'higher'
        >>> Terms({})["spectral_tilt"].title
        'Spectral tilt'
    """

    def __init__(self, told: Mapping[str, Mapping[str, Any]]) -> None:
        self._told = told

    def __getitem__(self, name: str) -> Term:
        catalogued = asdict(METRICS[name]) if name in METRICS else {}
        told = {**catalogued, **self._told.get(name, {})}
        full = told.get("title") or name.replace("_", " ").capitalize()
        given = {field: told[field] for field in _FIELDS if told.get(field) is not None}
        return Term(_SHORT.get(name, full), full, **given)
