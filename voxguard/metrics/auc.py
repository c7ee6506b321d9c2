"""Area under the ROC curve: how well scores rank one kind above the other."""

from __future__ import annotations

import numpy as np

from voxguard.errors import ConfigurationError
from voxguard.metrics.counts import Counts


def auc_of_counts(counts: Counts) -> float:
    """Probability that a mated score lies above a non-mated one, ties half; chance is 0.5.

    Args:
        counts: Of scores, such as those of members as ``mated`` and of non-members.

    Raises:
        ConfigurationError: There is none of one kind.

    Example:
        >>> from voxguard.metrics import count
        >>> from voxguard.metrics.auc import auc_of_counts
        >>> auc_of_counts(count([3.0, 1.0], [1.0, 0.0]))
        0.875
    """
    pairs = counts.n_mated * counts.n_non_mated
    if not pairs:
        raise ConfigurationError("an AUC needs scores of both kinds")
    below = np.cumsum(counts.non_mated) - counts.non_mated
    return float(counts.mated @ (below + 0.5 * counts.non_mated)) / pairs
