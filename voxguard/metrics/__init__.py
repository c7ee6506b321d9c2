"""Metrics: pure functions of scores, ranks and labels, in float64.

Verification metrics are ``f(mated, non_mated) -> float`` on scores where higher means more alike.
What each of them means, its direction, chance and ideal: :data:`METRICS`. Only numpy is loaded;
scipy and jiwer are where they are used.
"""

from voxguard.metrics.balanced_accuracy import (
    BlindGuess,
    advantage,
    balanced_accuracy,
    blind_guess,
    recalls,
)
from voxguard.metrics.bootstrap import (
    Interval,
    bootstrap,
    bootstrap_difference,
    bootstrap_groups,
)
from voxguard.metrics.bootstrap_speakers import bootstrap_speakers
from voxguard.metrics.calibration import LinearCalibration, linear_calibration
from voxguard.metrics.catalogue import (
    METRICS,
    MetricInfo,
    describe_metrics,
)
from voxguard.metrics.cllr import cllr, min_cllr
from voxguard.metrics.counts import Counts, OnCounts, count, counted
from voxguard.metrics.d_sys import d_sys, d_sys_floor
from voxguard.metrics.det import Det, Histogram, det_curve, score_histogram
from voxguard.metrics.distinctiveness import deid, diagonal_dominance, g_vd, similarity_matrix
from voxguard.metrics.eer import eer, eer_threshold
from voxguard.metrics.identification import cmc, identification_rate, identified
from voxguard.metrics.link_rate import link_rate, linked
from voxguard.metrics.pitch_correlation import pitch_correlation
from voxguard.metrics.ranks import Ranks, rank_trials, true_rows
from voxguard.metrics.rocch import pool_adjacent_violators, rocch, rocch_eer
from voxguard.metrics.scores import check_score_matrix, check_scores
from voxguard.metrics.similarity_rank import SimilarityRank, similarity_rank, srd_max, srd_mean
from voxguard.metrics.singling_out import isolation, singling_out_chance, singling_out_rate
from voxguard.metrics.tpr_at_fpr import resolvable, tpr_at_fpr
from voxguard.metrics.wer import cer, edits, error_rate, normalize_text, wer
from voxguard.metrics.zebra import NO_PRIVACY_BITS, zebra_expected, zebra_tag, zebra_worst

__all__ = [
    "METRICS",
    "NO_PRIVACY_BITS",
    "BlindGuess",
    "Counts",
    "Det",
    "Histogram",
    "Interval",
    "LinearCalibration",
    "MetricInfo",
    "OnCounts",
    "Ranks",
    "SimilarityRank",
    "advantage",
    "balanced_accuracy",
    "blind_guess",
    "bootstrap",
    "bootstrap_difference",
    "bootstrap_groups",
    "bootstrap_speakers",
    "cer",
    "check_score_matrix",
    "check_scores",
    "cllr",
    "cmc",
    "count",
    "counted",
    "d_sys",
    "d_sys_floor",
    "deid",
    "describe_metrics",
    "det_curve",
    "diagonal_dominance",
    "edits",
    "eer",
    "eer_threshold",
    "error_rate",
    "g_vd",
    "identification_rate",
    "identified",
    "isolation",
    "linear_calibration",
    "link_rate",
    "linked",
    "min_cllr",
    "normalize_text",
    "pitch_correlation",
    "pool_adjacent_violators",
    "rank_trials",
    "recalls",
    "resolvable",
    "rocch",
    "rocch_eer",
    "score_histogram",
    "similarity_matrix",
    "similarity_rank",
    "singling_out_chance",
    "singling_out_rate",
    "srd_max",
    "srd_mean",
    "tpr_at_fpr",
    "true_rows",
    "wer",
    "zebra_expected",
    "zebra_tag",
    "zebra_worst",
]
