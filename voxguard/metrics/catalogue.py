"""Every figure that results can hold: its name, unit, direction, chance, ideal and source.

Fractions are 0 to 1 in results; the unit ``"%"`` says that they are shown as per cent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Direction = Literal["higher", "lower", ""]


@dataclass(frozen=True)
class MetricInfo:
    """What there is to know of a figure.

    Attributes:
        title: Its name.
        unit: ``"%"`` for fractions, ``"bit"``, ``"dB"``, ``"log10 LR"``, ``"MiB"``; empty: none.
        private: Which way is more private; empty: it says nothing on privacy.
        better: Which way more is kept or less is spent; empty: it is about privacy.
        chance: What an attacker who guesses reaches, or the formula of it; None: there is none.
        ideal: The best value there is, or the formula of it; None: there is none.
        plain: One line for a reader who does not know it.
        source: Where it is defined.
    """

    title: str
    unit: str
    private: Direction
    better: Direction
    chance: float | str | None
    ideal: float | str | None
    plain: str
    source: str


def _leak(
    title: str,
    unit: str,
    private: Direction,
    chance: float | str | None,
    plain: str,
    source: str,
) -> MetricInfo:
    """About privacy: perfect is when the attacker can but guess."""
    return MetricInfo(title, unit, private, "", chance, chance, plain, source)


def _kept(
    title: str, unit: str, better: Direction, ideal: float | None, plain: str, source: str
) -> MetricInfo:
    """About use or cost."""
    return MetricInfo(title, unit, "", better, None, ideal, plain, source)


_NAUTSCH = "Nautsch et al., Interspeech 2020 (ZEBRA)"
_BRUEMMER = "Brümmer and du Preez, Computer Speech & Language 2006"
_CARLINI = "Carlini et al., IEEE S&P 2022"
_SRD = "Bäckström et al., arXiv 2508.05250"
_LEGAL = "Vauquier et al., Interspeech 2025"
_NOE = "Noé et al., Interspeech 2020"
_OWN = "voxguard"

METRICS: Mapping[str, MetricInfo] = {
    "eer": _leak(
        "Equal error rate",
        "%",
        "higher",
        0.5,
        "Error rate at the threshold where strangers pass as often as speakers are turned away",
        "ISO/IEC 19795-1",
    ),
    "rocch_eer": _leak(
        "Equal error rate on the ROC convex hull",
        "%",
        "higher",
        0.5,
        "The same for an attacker with the best calibration of these scores",
        "Brümmer and de Villiers, BOSARIS toolkit 2011",
    ),
    "cllr": _leak(
        "Cost of the log-likelihood ratios",
        "bit",
        "higher",
        1.0,
        "What the scores leave open when they are taken at their word; above 1 they mislead",
        _BRUEMMER,
    ),
    "min_cllr": _leak(
        "Cost of the log-likelihood ratios, best calibration",
        "bit",
        "higher",
        1.0,
        "What the scores leave open at best; 0 is certainty",
        _BRUEMMER,
    ),
    "d_sys": _leak(
        "Global linkability D_sys",
        "",
        "lower",
        0.0,
        "How sure a score makes that a pair is of one speaker, on average over such pairs",
        "Gomez-Barrero et al., IEEE TIFS 2018",
    ),
    "zebra_expected": _leak(
        "ZEBRA expected disclosure",
        "bit",
        "lower",
        0.0,
        "Information that a score discloses, averaged over all priors; 0.721 is no privacy",
        _NAUTSCH,
    ),
    "zebra_worst": _leak(
        "ZEBRA worst-case disclosure",
        "log10 LR",
        "lower",
        0.0,
        "Strength of the strongest single piece of evidence",
        _NAUTSCH,
    ),
    "tpr_at_fpr_1e-2": _leak(
        "True-positive rate at 1 % false positives",
        "%",
        "lower",
        0.01,
        "Share of pairs of one speaker found while 1 % of the others are accused wrongly",
        _CARLINI,
    ),
    "tpr_at_fpr_1e-3": _leak(
        "True-positive rate at 0.1 % false positives",
        "%",
        "lower",
        0.001,
        "Share of pairs of one speaker found while 0.1 % of the others are accused wrongly",
        _CARLINI,
    ),
    "identification_rate": _leak(
        "Rank-1 identification rate",
        "%",
        "lower",
        "1/N",
        "Share of utterances whose speaker comes first among all N who are enrolled",
        "ISO/IEC 19795-1",
    ),
    "srd_max": _leak(
        "Similarity-rank disclosure, most telling rank",
        "bit",
        "lower",
        0.0,
        "Information in the rank of the true speaker, at the rank that tells most",
        _SRD,
    ),
    "srd_mean": _leak(
        "Similarity-rank disclosure, mean",
        "bit",
        "lower",
        0.0,
        "Information in the rank of the true speaker, on average",
        _SRD,
    ),
    "singling_out_rate": _leak(
        "Singling-out rate",
        "%",
        "lower",
        "(1-1/N)^(N-1)",
        "How often a voice template fits exactly one of N people; guessing tends to 1/e = 36.8 %",
        _LEGAL,
    ),
    "link_rate": _leak(
        "Linking rate",
        "%",
        "lower",
        "1/N",
        "How often the true speaker outscores everyone else in a population of N",
        _LEGAL,
    ),
    "g_vd": _kept(
        "Gain of voice distinctiveness",
        "dB",
        "higher",
        0.0,
        "How distinct voices are from one another, against before; below 0 they are more alike",
        _NOE,
    ),
    "deid": MetricInfo(
        "De-identification",
        "%",
        "higher",
        "",
        None,
        1.0,
        "How far anonymized voices are from their originals, for one who does not know of it",
        _NOE,
    ),
    "balanced_accuracy": _leak(
        "Balanced accuracy of an inferred attribute",
        "%",
        "lower",
        "1/k",
        "Share of right guesses, each of k classes with the same weight",
        "Schuller et al., Interspeech 2009 (UAR)",
    ),
    "advantage": _leak(
        "Advantage over the best blind guess",
        "%",
        "lower",
        0.0,
        "How far the guesses come from blindness (0) to certainty (1)",
        "Yeom et al., IEEE CSF 2018",
    ),
    "recall": _leak(
        "Recall of a class",
        "%",
        "lower",
        "1/k",
        "Share of this class that is guessed right",
        "Schuller et al., Interspeech 2009",
    ),
    "unique": _leak(
        "Unique profiles",
        "%",
        "lower",
        None,
        "Share of speakers whose inferred attributes nobody else is given",
        _OWN,
    ),
    "correct_and_unique": _leak(
        "Correct and unique profiles",
        "%",
        "lower",
        None,
        "Share of speakers whose inferred attributes are all right and given to nobody else",
        _OWN,
    ),
    "wer": _kept(
        "Word error rate",
        "%",
        "lower",
        0.0,
        "Words that a recogniser gets wrong, leaves out or invents, per word said",
        "Levenshtein, Soviet Physics Doklady 1966",
    ),
    "cer": _kept(
        "Character error rate",
        "%",
        "lower",
        0.0,
        "The same for characters",
        "Levenshtein, Soviet Physics Doklady 1966",
    ),
    "uar": _kept(
        "Unweighted average recall of emotions",
        "%",
        "higher",
        1.0,
        "Share of emotions recognised, each with the same weight",
        "Schuller et al., Interspeech 2009",
    ),
    "pitch_correlation": _kept(
        "Pitch correlation",
        "",
        "higher",
        1.0,
        "How closely the melody follows the original's",
        "Tomashenko et al., arXiv 2203.12468",
    ),
    "dnsmos": _kept(
        "DNSMOS",
        "",
        "higher",
        5.0,
        "Listening quality, 1 to 5, as a model estimates it",
        "Reddy et al., ICASSP 2022",
    ),
    "level_change": _kept(
        "Level change", "dB", "", 0.0, "How much louder it has become", "ITU-R BS.1770"
    ),
    "duration_change": _kept(
        "Duration change", "%", "", 0.0, "How much longer it has become", _OWN
    ),
    "rtf": _kept(
        "Real-time factor", "", "lower", 0.0, "Compute time over the length of the audio", _OWN
    ),
    "peak_memory_mib": _kept(
        "Peak memory", "MiB", "lower", None, "Most memory in use at once", _OWN
    ),
}


def describe_metrics() -> dict[str, dict[str, Any]]:
    """The catalogue as it goes into results.

    Returns:
        Key to the fields of :class:`MetricInfo`.

    Example:
        >>> from voxguard.metrics import describe_metrics
        >>> describe_metrics()["eer"]["private"]
        'higher'
    """
    return {key: asdict(info) for key, info in METRICS.items()}
