"""Sex and emotion of the ten speakers of EmoDB, original and anonymized by McAdams."""

from __future__ import annotations

import csv

import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("pyworld")

import voxguard
from voxguard.attacks.attributes import age_band, infer_attribute
from voxguard.attacks.features import acoustic_features
from voxguard.attacks.profiles import profile_uniqueness
from voxguard.audio import read, resample


@pytest.fixture(scope="module")
def emodb(shared_data):
    """``(columns, original, anonymized)`` of every third utterance."""
    with (shared_data / "attributes" / "manifest.csv").open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["set"] == "emodb"][::3]
    mcadams = voxguard.McAdams(seed=0)
    original, anonymized = [], []
    for row in rows:
        samples, rate = read(shared_data / "attributes" / row["path"])
        samples = resample(samples[:1], rate, 16_000)[0]
        original.append(acoustic_features(samples))
        anonymized.append(acoustic_features(mcadams(samples, 16_000)))
    columns = {name: [row[name] for row in rows] for name in ("speaker", "gender", "emotion")}
    columns["age"] = [age_band(row["age"]) for row in rows]
    return columns, np.array(original), np.array(anonymized)


def attack(emodb, column):
    columns, original, anonymized = emodb
    groups = {"sex": columns["gender"], "age": columns["age"]}
    results = infer_attribute(
        columns[column], columns["speaker"], original=original, anonymized=anonymized,
        attribute=column, groups=groups,
    )  # fmt: skip
    return {result.knowledge: result for result in results}


def test_sex_is_in_the_voice_and_stays_there(emodb):
    found = attack(emodb, "gender")
    unprotected, ignorant, retrained = (
        found[name].balanced_accuracy for name in ("unprotected", "ignorant", "retrained")
    )
    assert unprotected.value > 0.9
    assert unprotected.low > 0.8
    assert retrained.value > 0.75
    assert retrained.low > 0.6
    assert retrained.value > ignorant.value + 0.1


def test_emotion_of_speakers_who_were_not_heard(emodb):
    found = attack(emodb, "emotion")["unprotected"]
    assert found.classes == ("anger", "happiness", "neutral", "sadness")
    assert found.balanced_accuracy.value > 0.6
    assert found.balanced_accuracy.low > 0.45
    assert found.subgroups["sex"]["worst"] in ("F", "M")
    assert set(found.subgroups["age"]) == {"18-29", "30-44", "worst", "gap"}


def test_profiles_of_sex_and_age(emodb):
    found = profile_uniqueness([attack(emodb, c)["unprotected"] for c in ("gender", "age")])
    assert found.unique_in_truth == 0.1  # among the young there is one woman
    assert found.correct_and_unique.value <= 0.1
    assert found.unique.n == 10
