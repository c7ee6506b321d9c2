from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("sklearn")

from voxguard.errors import ConfigurationError
from voxguard.utility.emotion import emotion_uar

EMOTIONS = ["joy", "anger", "calm"] * 20
SPEAKERS = [f"s{number // 6}" for number in range(60)]


def heard(noise, seed=0):
    rng = np.random.default_rng(seed)
    which = np.eye(3)[[["joy", "anger", "calm"].index(emotion) for emotion in EMOTIONS]]
    return 3.0 * which + noise * rng.normal(size=which.shape)


def test_what_is_lost():
    uar = emotion_uar(EMOTIONS, SPEAKERS, heard(0.3), heard(30.0))
    assert uar.original.balanced_accuracy.value > 0.95
    assert uar.anonymized.balanced_accuracy.value == pytest.approx(1 / 3, abs=0.15)
    kept = emotion_uar(EMOTIONS, SPEAKERS, heard(0.3), heard(0.3, seed=1))
    assert kept.anonymized.balanced_accuracy.value > 0.95


def test_a_row_of_results_with_subgroups():
    sexes = ["FM"[number // 6 % 2] for number in range(60)]
    damaged = heard(0.3)
    damaged[[sex == "M" for sex in sexes]] = 0.0
    uar = emotion_uar(EMOTIONS, SPEAKERS, heard(0.3), damaged, groups={"sex": sexes})
    row = json.loads(json.dumps(uar.as_dict("acoustic"), allow_nan=False))
    assert row["measure"] == "uar"
    assert "acoustic vectors" in row["how"]
    assert row["original"]["value"] > row["anonymized"]["value"]
    by_sex = row["subgroups"]["sex"]
    assert by_sex["worst"] == "M"
    assert by_sex["F"]["anonymized"]["value"] > 0.95
    expected = by_sex["F"]["anonymized"]["value"] - by_sex["M"]["anonymized"]["value"]
    assert by_sex["gap"] == pytest.approx(expected)


def test_one_emotion_is_none():
    with pytest.raises(ConfigurationError, match="two classes"):
        emotion_uar(["joy"] * 60, SPEAKERS, heard(1.0), heard(1.0))
