from __future__ import annotations

import json

import numpy as np
import pytest

from voxguard.attacks.attribute_results import AttributeResult
from voxguard.attacks.profiles import profile_uniqueness
from voxguard.errors import ConfigurationError


def result(attribute, truth, predicted, *, each=1, knowledge="retrained", speakers=None):
    who = speakers or [f"s{number:02d}" for number in range(len(truth))]
    return AttributeResult(
        attribute,
        knowledge,
        tuple(sorted({*truth, *predicted})),
        np.arange(len(truth) * each),
        *(
            tuple(value for value in column for _ in range(each))
            for column in (who, truth, predicted, predicted)
        ),
    )


def test_by_hand():
    found = profile_uniqueness(
        [result("sex", "FFMM", "FFMM"), result("age", "yoyo", "yoyy")], seed=1
    )
    assert found.inferred == (("F", "y"), ("F", "o"), ("M", "y"), ("M", "y"))
    assert found.unique.value == 0.5
    assert found.correct.value == 0.75
    assert found.correct_and_unique.value == 0.5
    assert found.unique_in_truth == 1.0
    assert found.attributes == ("sex", "age")
    assert found.unique.n == 4
    assert 0.0 <= found.correct_and_unique.low < 0.5 < found.correct_and_unique.high <= 1.0


def test_the_majority_of_a_speakers_utterances_decides():
    truth, predicted = "FFFMMM", "FMFMMF"
    speakers = ["a", "a", "a", "b", "b", "b"]
    found = profile_uniqueness([result("sex", truth, predicted, speakers=speakers)])
    assert found.inferred == (("F",), ("M",))
    assert found.correct_and_unique.value == 1.0


def test_chance_is_what_the_frequencies_make():
    """Nobody is unique among many with few profiles; right and unique only by the odds."""
    rng = np.random.default_rng(0)
    truth = [[str(v) for v in rng.integers(0, 3, size=12)] for _ in range(2)]
    guessed = [[str(v) for v in rng.permutation(column)] for column in truth]
    found = profile_uniqueness(
        [result(n, t, g) for n, t, g in zip("ab", truth, guessed, strict=True)], shuffles=2000
    )
    simulated = []
    for _ in range(2000):
        dealt = list(zip(*(rng.permutation(column) for column in guessed), strict=True))
        alone = [dealt.count(profile) == 1 for profile in dealt]
        real = list(zip(*truth, strict=True))
        simulated.append(
            (np.mean(alone), np.mean([a and d == t for a, d, t in zip(alone, dealt, real)]))  # noqa: B905
        )
    unique, correct = np.mean(simulated, axis=0)
    assert found.unique_by_chance == pytest.approx(unique, abs=0.02)
    assert found.correct_and_unique_by_chance == pytest.approx(correct, abs=0.02)


def test_knowing_everything_beats_chance():
    truth = [f"{number % 2}" for number in range(16)], [f"{number // 2}" for number in range(16)]
    found = profile_uniqueness([result(n, t, t) for n, t in zip("ab", truth, strict=True)])
    assert found.unique.value == found.correct_and_unique.value == 1.0
    assert found.correct_and_unique_by_chance < 0.2
    assert found.unique.low == pytest.approx(1 / (1 + 1.96**2 / 16), abs=1e-3)  # Wilson, all of n


def test_speakers_without_one_of_the_attributes_are_told():
    found = profile_uniqueness(
        [
            result("sex", "FMFM", "FMFM"),
            result("age", "yoy", "yoy", speakers=["s00", "s01", "s02"]),
        ]
    )
    assert found.speakers == ("s00", "s01", "s02")
    assert found.notes == ("1 speakers lack one of the attributes and are left out",)


def test_a_row_of_results_is_json():
    found = profile_uniqueness([result("sex", "FM", "FM", knowledge="ignorant")])
    row = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert row["knowledge"] == "ignorant"
    assert row["unique"]["value"] == row["correct_and_unique"]["value"] == 1.0


def test_what_makes_no_profile():
    sex = result("sex", "FM", "FM")
    with pytest.raises(ConfigurationError, match="none"):
        profile_uniqueness([])
    with pytest.raises(ConfigurationError, match="ignorant, retrained"):
        profile_uniqueness([sex, result("age", "yo", "yo", knowledge="ignorant")])
    with pytest.raises(ConfigurationError, match="counts once"):
        profile_uniqueness([sex, sex])
    with pytest.raises(ConfigurationError, match="no speaker"):
        profile_uniqueness([sex, result("age", "yo", "yo", speakers=["x", "y"])])
    with pytest.raises(ConfigurationError, match=r"emotion varies within a \(joy, rage\)"):
        profile_uniqueness(
            [result("emotion", ["joy", "rage"], ["joy", "joy"], speakers=["a", "a"])]
        )
