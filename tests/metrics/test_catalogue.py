"""Every figure of the results is explained, and chance is what guessing really gives."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial

import numpy as np
import pytest

import voxguard.metrics
from voxguard.metrics import (
    METRICS,
    d_sys,
    describe_metrics,
    eer,
    identification_rate,
    link_rate,
    min_cllr,
    rocch_eer,
    tpr_at_fpr,
    true_rows,
    zebra_expected,
)

IN_RESULTS = [
    "eer",
    "rocch_eer",
    "cllr",
    "min_cllr",
    "d_sys",
    "zebra_expected",
    "zebra_worst",
    "tpr_at_fpr_1e-2",
    "tpr_at_fpr_1e-3",
    "identification_rate",
    "srd_max",
    "srd_mean",
    "singling_out_rate",
    "link_rate",
    "g_vd",
    "deid",
    "balanced_accuracy",
    "advantage",
    "recall",
    "unique",
    "correct_and_unique",
    "wer",
    "cer",
    "uar",
    "pitch_correlation",
    "rtf",
    "peak_memory_mib",
]
ON_SCORES = {
    "eer": eer,
    "rocch_eer": rocch_eer,
    "min_cllr": min_cllr,
    "d_sys": d_sys,
    "zebra_expected": zebra_expected,
    "tpr_at_fpr_1e-2": partial(tpr_at_fpr, fpr=1e-2),
    "tpr_at_fpr_1e-3": partial(tpr_at_fpr, fpr=1e-3),
}


@pytest.mark.parametrize("key", IN_RESULTS)
def test_every_figure_of_the_results_is_there(key):
    info = METRICS[key]
    assert info.title
    assert info.plain
    assert info.source


def test_each_is_about_privacy_or_about_use():
    for key, info in METRICS.items():
        assert not (info.private and info.better), key
        assert info.private in ("higher", "lower", "")
        assert info.unit in ("%", "bit", "dB", "log10 LR", "MiB", "")


@pytest.mark.parametrize("key", ON_SCORES)
def test_chance_is_what_no_evidence_gives(key, gaussian):
    mated, non_mated = gaussian(0.0)
    chance = METRICS[key].chance
    assert ON_SCORES[key](mated, non_mated) == pytest.approx(chance, abs=0.025)


@pytest.mark.parametrize("key", ON_SCORES)
def test_direction(key, gaussian):
    strong, weak = ON_SCORES[key](*gaussian(3.0)), ON_SCORES[key](*gaussian(0.5))
    assert (weak > strong) == (METRICS[key].private == "higher")


@pytest.mark.parametrize("metric", [identification_rate, partial(link_rate, population=20)])
def test_chance_of_naming_a_speaker_is_one_in_n(metric, matrix):
    scores, enrolled, trials = matrix(20, 200, d=0.0)
    assert metric(scores, true_rows(enrolled, trials)) == pytest.approx(1 / 20, abs=0.01)


def test_the_catalogue_goes_into_json():
    described = json.loads(json.dumps(describe_metrics()))
    assert described["eer"]["title"] == "Equal error rate"
    assert set(described) == set(METRICS)


def test_public_names_are_there_and_sorted():
    for name in voxguard.metrics.__all__:
        assert getattr(voxguard.metrics, name) is not None
    assert len(set(voxguard.metrics.__all__)) == len(voxguard.metrics.__all__)


def test_importing_loads_numpy_and_no_more():
    code = "import sys, json, voxguard.metrics; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = json.loads(done.stdout)
    assert "numpy" in loaded
    heavy = ("scipy", "torch", "sklearn", "librosa", "jiwer", "numba")
    assert not [name for name in loaded if name.split(".")[0] in heavy]


def test_no_evidence_is_no_evidence_however_it_is_measured():
    rng = np.random.default_rng(0)
    mated, non_mated = rng.normal(size=3000), rng.normal(size=30_000)
    assert eer(mated, non_mated) == pytest.approx(0.5, abs=0.02)
    assert min_cllr(mated, non_mated) > 0.995
    assert zebra_expected(mated, non_mated) < 0.005
