"""Score metrics on one core: voxguard beside the EER of other packages, in turn, in one process.

    python -m benchmarks.bench_metrics --trials 1000000 --json FILE

Every hundredth trial is mated. The scores lie at the quantiles of two normal distributions, so the
right EER is known: the column "error" is the largest distance from it over several scales of the
same scores. Peers that are not installed are left out. A peer that holds a matrix of all trials
and thresholds is run on ``--quadratic`` trials, and ours on the same for its ratio.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import norm

from benchmarks.common import cpu_seconds, finish, pin, spread
from voxguard import metrics

DISTANCE = 2.0
SCALES = (1.0, 0.1, 100.0)
Scores = tuple[np.ndarray, np.ndarray]
Eer = Callable[[np.ndarray, np.ndarray], float]


def normal_scores(trials: int) -> Scores:
    """Mated and non-mated scores whose EER is that of the distributions, shuffled."""
    rng = np.random.default_rng(0)
    sizes = trials // 100, trials - trials // 100
    at = [rng.permutation(norm.ppf((np.arange(size) + 0.5) / size)) for size in sizes]
    return at[0] + DISTANCE, at[1]


def speechbrain_eer() -> Eer:
    """`speechbrain.utils.metric_stats.EER`: every threshold against every score."""
    import torch
    from speechbrain.utils.metric_stats import EER

    torch.set_num_threads(1)

    def run(mated: np.ndarray, non_mated: np.ndarray) -> float:
        return float(EER(torch.from_numpy(mated), torch.from_numpy(non_mated))[0])

    return run


def sklearn_eer() -> Eer:
    """`sklearn.metrics.roc_curve`, and the least difference of the rates on it."""
    from sklearn.metrics import roc_curve

    def run(mated: np.ndarray, non_mated: np.ndarray) -> float:
        truth = np.r_[np.ones(len(mated)), np.zeros(len(non_mated))]
        fpr, tpr, _ = roc_curve(truth, np.r_[mated, non_mated])
        place = np.abs(fpr - (1 - tpr)).argmin()
        return float((fpr[place] + 1 - tpr[place]) / 2)

    return run


def torchmetrics_eer() -> Eer:
    """`torchmetrics.functional.classification.binary_eer`."""
    import torch
    from torchmetrics.functional.classification import binary_eer

    torch.set_num_threads(1)

    def run(mated: np.ndarray, non_mated: np.ndarray) -> float:
        truth = torch.cat([torch.ones(len(mated)), torch.zeros(len(non_mated))]).long()
        return float(binary_eer(torch.from_numpy(np.r_[mated, non_mated]), truth))

    return run


PEERS = {
    "sklearn": sklearn_eer,
    "torchmetrics": torchmetrics_eer,
    "speechbrain": speechbrain_eer,
}
QUADRATIC = {"speechbrain"}
OURS: dict[str, Callable[..., Any]] = {
    "eer": metrics.eer,
    "rocch_eer": metrics.rocch_eer,
    "cllr": metrics.cllr,
    "min_cllr": metrics.min_cllr,
    "d_sys": metrics.d_sys,
    "zebra_expected": metrics.zebra_expected,
    "zebra_worst": metrics.zebra_worst,
    "tpr_at_fpr": partial(metrics.tpr_at_fpr, fpr=0.001),
    "det_curve": partial(metrics.det_curve, points=200),
    "score_histogram": metrics.score_histogram,
    "linear_calibration": metrics.linear_calibration,
}


def error(eer: Eer, scores: Scores) -> float:
    """Largest distance to the EER of the distributions, over scales of the scores."""
    right = norm.cdf(-DISTANCE / 2)
    return max(abs(eer(*(scale * kind for kind in scores)) - right) for scale in SCALES)


def compare(peers: list[str], scores: Scores, small: Scores, repeats: int) -> dict[str, Any]:
    """EER: our CPU time and theirs, round by round, and how wrong each is."""
    rows: dict[str, Any] = {}
    for name in peers:
        peer, data = PEERS[name](), small if name in QUADRATIC else scores
        peer(*data), metrics.eer(*data)
        theirs, ours = [], []
        for _ in range(repeats):
            theirs.append(cpu_seconds(partial(peer, *data)))
            ours.append(cpu_seconds(partial(metrics.eer, *data)))
        ratio = spread([t / max(o, 1e-9) for t, o in zip(theirs, ours, strict=True)])
        rows[name] = {
            "version": importlib.metadata.version("scikit-learn" if name == "sklearn" else name),
            "trials": len(data[0]) + len(data[1]),
            "seconds": spread(theirs),
            "times_ours": ratio,
            "error": error(peer, data),
            "our_error": error(metrics.eer, data),
        }
        print(
            f"{name:13s} {rows[name]['trials']:>8d} trials  {np.median(theirs):8.3f} s   "
            f"{ratio['median']:8.1f} x ours ({ratio['min']:.1f} to {ratio['max']:.1f})   "
            f"error {rows[name]['error']:.5f}, ours {rows[name]['our_error']:.5f}"
        )
    return rows


def bootstraps(repeats: int) -> dict[str, Any]:
    """CPU time of 1000 resamples of the speakers."""
    rows: dict[str, Any] = {}
    for speakers, trials in ((13, 125), (40, 1125)):
        enrolled = [f"s{i}" for i in range(speakers)]
        of_trial = [enrolled[i % speakers] for i in range(trials)]
        own = np.equal.outer(enrolled, of_trial)
        scores = np.random.default_rng(0).normal(size=own.shape) + DISTANCE * own
        for name in ("eer", "min_cllr", "cllr", "d_sys", "zebra_worst"):
            work = partial(
                metrics.bootstrap_speakers, OURS[name], scores, enrolled, of_trial, seed=0
            )
            key = f"{name}, {scores.size} trials"
            rows[key] = spread([cpu_seconds(work) for _ in range(repeats)])
            print(f"bootstrap of {key:25s} {rows[key]['median']:7.3f} s")
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1_000_000)
    parser.add_argument("--quadratic", type=int, default=20_000, help="for peers of that cost")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path, help="where to write the results")
    options = parser.parse_args()
    pin()
    scores, small = normal_scores(options.trials), normal_scores(options.quadratic)
    installed = [name for name in PEERS if importlib.util.find_spec(name)]
    print(f"{options.trials} trials; CPU time on one core, median of {options.repeats}")
    rows: dict[str, Any] = {}
    for name, metric in OURS.items():
        metric(*small)
        rows[name] = spread([cpu_seconds(partial(metric, *scores)) for _ in range(options.repeats)])
        print(f"{name:20s} {rows[name]['median']:7.3f} s")
    peers = compare(installed, scores, small, options.repeats)
    resampling = bootstraps(options.repeats)
    finish(
        {"trials": options.trials, "rows": rows, "peers": peers, "bootstrap": resampling},
        options.json,
    )


if __name__ == "__main__":
    main()
