"""Scores as log-likelihood ratios, without looking at the speakers they are used on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from voxguard.attacks.verification import ScoreMatrix
from voxguard.metrics import linear_calibration


def cross_calibrated(matrix: ScoreMatrix, seed: int) -> ScoreMatrix:
    """Natural-log likelihood ratios in place of the scores.

    The enrolled speakers are put in two halves; the scores against each half are calibrated on
    trials of the other half against itself.

    Raises:
        ConfigurationError: A half has no mated or no non-mated trial.
    """
    order = np.random.default_rng(seed).permutation(len(matrix.enrolled))
    enrolled = np.array(matrix.enrolled)
    halves = [set(enrolled[order[::2]]), set(enrolled[order[1::2]])]
    calibrated = matrix.scores.copy()
    for tested, known in (halves, halves[::-1]):
        mask = np.array([speaker in known for speaker in matrix.trial_speakers])
        learnt = matrix.restricted(enrolled=known, trial_mask=mask)
        rows = np.array([speaker in tested for speaker in matrix.enrolled])
        calibrated[rows] = linear_calibration(learnt.mated, learnt.non_mated)(matrix.scores[rows])
    return replace(matrix, scores=calibrated)
