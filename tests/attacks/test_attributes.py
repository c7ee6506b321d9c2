"""Attribute attackers, on vectors whose truth is known."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("sklearn")

from voxguard.attacks.attributes import KNOWLEDGE, age_band, infer_attribute
from voxguard.errors import ConfigurationError


def population(speakers, each, *, seed=0, dimensions=6, apart=3.0):
    """Sexes alternate; a voice is where its sex is, plus the speaker, plus the utterance."""
    rng = np.random.default_rng(seed)
    names = np.repeat([f"s{number:03d}" for number in range(speakers)], each)
    sexes = np.repeat(["FM"[number % 2] for number in range(speakers)], each)
    voices = rng.normal(size=(speakers, dimensions)).repeat(each, axis=0)
    voices += 0.3 * rng.normal(size=voices.shape)
    voices[:, 0] += apart * (sexes == "F")
    return list(sexes), list(names), voices


def of(results):
    return {result.knowledge: result for result in results}


def test_what_is_there_is_found_and_what_is_not_is_not():
    sexes, names, voices = population(30, 5, apart=8.0)
    [found] = infer_attribute(sexes, names, original=voices)
    assert found.balanced_accuracy.value > 0.98
    assert found.advantage.value == pytest.approx(2 * found.balanced_accuracy.value - 1)

    chance = []
    for seed in range(5):  # the speakers are told apart with ease, their sex is not in the voice
        sexes, names, voices = population(40, 3, seed=seed, apart=0.0)
        [found] = infer_attribute(sexes, names, original=voices, resamples=1)
        chance.append(found.balanced_accuracy.value)
    assert np.mean(chance) == pytest.approx(0.5, abs=0.07)


def test_knowledge_and_the_direction_of_a_shift():
    """A method that swaps the sexes fools whoever does not retrain, and nobody else."""
    sexes, names, voices = population(24, 5, apart=6.0)
    swapped = voices.copy()
    swapped[:, 0] = 6.0 - swapped[:, 0]
    found = of(infer_attribute(sexes, names, original=voices, anonymized=swapped))
    assert tuple(found) == KNOWLEDGE
    assert found["unprotected"].balanced_accuracy.value > 0.95
    assert found["ignorant"].balanced_accuracy.value < 0.05
    assert found["ignorant"].advantage.value < -0.9
    assert found["retrained"].balanced_accuracy.value > 0.95


def test_which_attackers_the_vectors_allow():
    sexes, names, voices = population(8, 3)
    assert [*of(infer_attribute(sexes, names, original=voices))] == ["unprotected"]
    assert [*of(infer_attribute(sexes, names, anonymized=voices))] == ["retrained"]
    both = infer_attribute(
        sexes, names, original=voices, anonymized=voices, knowledge=("ignorant", "retrained")
    )
    assert [*of(both)] == ["ignorant", "retrained"]
    with pytest.raises(ConfigurationError, match="nobody can attack"):
        infer_attribute(sexes, names)
    with pytest.raises(ConfigurationError, match="ignorant need"):
        infer_attribute(sexes, names, original=voices, knowledge=("ignorant",))


def test_more_draws_make_the_retrained_attacker_stronger():
    sexes, names, voices = population(20, 4, dimensions=40, apart=6.0)
    rng = np.random.default_rng(5)

    def drawn():
        return voices + 3.0 * rng.normal(size=voices.shape)

    anonymized, further = drawn(), np.vstack([drawn() for _ in range(8)])
    draws = further, np.tile(np.arange(len(voices)), 8)
    alone = of(infer_attribute(sexes, names, anonymized=anonymized))["retrained"]
    more = of(infer_attribute(sexes, names, anonymized=anonymized, draws=draws))["retrained"]
    assert more.balanced_accuracy.value > alone.balanced_accuracy.value + 0.02


def test_draws_of_whom_is_attacked_are_not_trained_on():
    """The draws hold nothing but the sex of the very speaker: no use if they stay out."""
    sexes, names, _ = population(12, 3, apart=0.0)
    own = np.eye(12).repeat(3, axis=0) * 100.0
    draws = np.vstack([own] * 3), np.tile(np.arange(36), 3)
    scores = []
    for seed in range(3):
        [found] = infer_attribute(sexes, names, anonymized=own, draws=draws, seed=seed)
        scores.append(found.balanced_accuracy.value)
    assert np.mean(scores) < 0.65


def test_only_some_count_and_all_train():
    sexes, names, voices = population(40, 3, apart=2.5)
    counts = [number < 24 for number in range(len(names))]  # eight speakers
    [few] = infer_attribute(sexes[:24], names[:24], original=voices[:24])
    [many] = infer_attribute(sexes, names, original=voices, scored=counts)
    assert set(many.rows) == set(range(24)) == set(few.rows)
    assert set(many.speakers) == set(few.speakers)
    assert many.balanced_accuracy.value >= few.balanced_accuracy.value
    with pytest.raises(ConfigurationError, match="no utterance counts"):
        infer_attribute(sexes, names, original=voices, scored=[False] * len(names))


def test_figures_of_known_predictions():
    sexes, names, voices = population(10, 4, apart=8.0)
    [found] = infer_attribute(sexes, names, original=voices)
    right = [a == b for a, b in zip(found.truth, found.predicted, strict=True)]
    by_hand = {
        sex: np.mean([r for r, t in zip(right, found.truth, strict=True) if t == sex])
        for sex in "FM"
    }
    assert {sex: figure.value for sex, figure in found.recall.items()} == by_hand
    assert found.balanced_accuracy.value == pytest.approx(np.mean([*by_hand.values()]))
    assert found.recall["F"].n == 20
    assert found.recall["F"].groups == 5
    assert list(found.truth) == sexes
    assert (found.blind, found.blind_accuracy) == (0.5, 0.5)


def test_accuracy_goes_for_the_majority_and_balanced_accuracy_does_not():
    rng = np.random.default_rng(1)
    names = [f"s{number // 4}" for number in range(160)]
    accents = ["rare" if number // 4 < 8 else "common" for number in range(160)]
    voices = rng.normal(size=(160, 3)) + 1.0 * (np.array(accents) == "rare")[:, None]
    [found] = infer_attribute(accents, names, original=voices)
    assert found.blind_accuracy == 0.8
    assert found.accuracy.value > 0.75
    assert found.likeliest.count("rare") < found.predicted.count("rare")
    share = np.mean([a == b for a, b in zip(found.truth, found.likeliest, strict=True)])
    assert found.accuracy.value == pytest.approx(share)
    assert found.accuracy_advantage.value == pytest.approx((share - 0.8) / 0.2)
    assert found.balanced_accuracy.value > 0.65


def test_intervals_hold_the_value_and_shrink_with_speakers():
    widths = []
    for speakers in (10, 60):
        sexes, names, voices = population(speakers, 4, apart=2.0)
        [found] = infer_attribute(sexes, names, original=voices)
        score = found.balanced_accuracy
        assert score.low <= score.value <= score.high
        assert score.groups == speakers
        assert score.n == 4 * speakers
        widths.append(score.high - score.low)
    assert widths[1] < 0.75 * widths[0]


def test_subgroups_with_worst_and_gap():
    """The sex is in the voices of the young only."""
    sexes, names, voices = population(40, 4, apart=0.0)
    ages = ["young" if number // 4 % 4 < 2 else "old" for number in range(160)]
    voices[:, 0] += 8.0 * np.array([s == "F" and a == "young" for s, a in zip(sexes, ages)])  # noqa: B905
    voices[:, 1] += 8.0 * np.array([a == "old" for a in ages])
    [found] = infer_attribute(
        sexes, names, original=voices, groups={"age": ages, "sex": sexes, "empty": [""] * 160}
    )
    by_age = found.subgroups["age"]
    assert by_age["worst"] == "young"
    assert by_age["young"]["balanced_accuracy"].value > 0.9
    assert by_age["old"]["balanced_accuracy"].value < 0.75
    expected = by_age["young"]["advantage"].value - by_age["old"]["advantage"].value
    assert by_age["gap"] == pytest.approx(expected)
    assert by_age["young"]["balanced_accuracy"].n == 80
    assert found.subgroups["sex"]["F"]["balanced_accuracy"].value is None
    assert "only 'F' occurs here" in found.subgroups["sex"]["F"]["balanced_accuracy"].why
    assert found.subgroups["sex"]["worst"] is None
    assert found.subgroups["empty"] == {"worst": None, "gap": None}


def test_a_group_that_lacks_one_of_three_classes():
    rng = np.random.default_rng(0)
    names = [f"s{number // 3}" for number in range(90)]
    accents = ["abc"[number // 3 % 3] for number in range(90)]
    where = ["ab" if accent in "ab" and number < 60 else "all"
             for number, accent in enumerate(accents)]  # fmt: skip
    voices = rng.normal(size=(90, 2)) + 9.0 * np.array(
        [{"a": (1, 0), "b": (0, 1), "c": (0, 0)}[accent] for accent in accents]
    )
    [found] = infer_attribute(accents, names, original=voices, groups={"where": where})
    assert found.blind == pytest.approx(1 / 3)
    assert found.subgroups["where"]["ab"]["balanced_accuracy"].value == 1.0
    assert found.subgroups["where"]["ab"]["advantage"].value == 1.0


def test_a_row_of_results_is_json():
    sexes, names, voices = population(10, 3)
    [found] = infer_attribute(
        sexes, names, original=voices, attribute="sex", groups={"age": ["30-44"] * 30}
    )
    row = json.loads(json.dumps(found.as_dict("acoustic"), allow_nan=False))
    assert row["attribute"] == "sex"
    assert row["features"] == "acoustic"
    assert row["blind"] == 0.5
    assert set(row["balanced_accuracy"]) == {"value", "low", "high", "n"}
    assert row["subgroups"]["age"]["30-44"]["advantage"]["value"] is not None
    assert row["subgroups"]["age"]["gap"] is None
    assert row["models"]


def test_the_same_seed_gives_the_same():
    sexes, names, voices = population(12, 3, apart=1.0)
    one, two = (infer_attribute(sexes, names, original=voices, seed=4)[0] for _ in range(2))
    assert one.predicted == two.predicted
    assert one.balanced_accuracy == two.balanced_accuracy


def test_the_order_of_the_utterances_does_not_matter():
    sexes, names, voices = population(14, 4, apart=1.5)
    order = np.random.default_rng(0).permutation(len(names))
    [one] = infer_attribute(sexes, names, original=voices)
    [two] = infer_attribute(
        [sexes[k] for k in order], [names[k] for k in order], original=voices[order]
    )
    assert [one.predicted[k] for k in order] == list(two.predicted)


def test_missing_labels_and_small_classes_are_told():
    sexes, names, voices = population(10, 4, apart=6.0)
    sexes[3] = sexes[7] = ""
    sexes[36:] = ["other"] * 4
    [found] = infer_attribute(sexes, names, original=voices)
    assert found.classes == ("F", "M")
    assert set(range(40)) - set(found.rows) == {3, 7, 36, 37, 38, 39}
    told = " / ".join(found.notes)
    assert "2 of 40 utterances have no label" in told
    assert "class 'other' is left out (4 utterances): it has 1 speaker" in told


@pytest.mark.parametrize("labels", [["F"] * 8, [""] * 8, ["F"] * 6 + ["M"] * 2])
def test_too_few_classes(labels):
    names = [f"s{number // 2}" for number in range(8)]
    with pytest.raises(ConfigurationError, match="two classes of two speakers or more"):
        infer_attribute(labels, names, original=np.zeros((8, 2)))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"original": np.zeros((11, 2))}, r"give \(12, d\)"),
        ({"original": np.zeros(12)}, r"give \(12, d\)"),
        ({"original": np.full((12, 2), np.nan)}, "12 of 12 vectors hold NaN"),
        ({"scored": [True]}, "1 in scored"),
        ({"groups": {"age": ["x"]}}, "'age' has 1 values"),
        ({"anonymized": np.zeros((12, 2)), "draws": (np.zeros((3, 2)), [0, 1, 12])}, "below 12"),
        ({"anonymized": np.zeros((12, 2)), "draws": (np.zeros((3, 4)), [0, 1, 2])}, "got shapes"),
        ({"draws": (np.zeros((3, 2)), [0, 1, 2])}, "as anonymized has them"),
    ],
)
def test_input_that_does_not_fit(change, told):
    sexes, names, voices = population(4, 3)
    with pytest.raises(ConfigurationError, match=told):
        infer_attribute(sexes, names, **{"original": voices} | change)


def test_lengths_that_differ():
    with pytest.raises(ConfigurationError, match="3 labels, 2 speakers"):
        infer_attribute(["a", "b", "a"], ["x", "y"], original=np.zeros((3, 1)))


def test_two_speakers_of_each_class_are_enough():
    sexes, names, voices = population(4, 5, dimensions=1, apart=20.0)
    [found] = infer_attribute(sexes, names, original=voices)
    assert found.balanced_accuracy.value == 1.0


@pytest.mark.parametrize(
    ("age", "band"),
    [(0, "0-12"), ("12", "0-12"), (12.9, "0-12"), (13, "13-17"), (18, "18-29"), ("29.0", "18-29"),
     (30, "30-44"), (45, "45-59"), (60, "60+"), (130, "60+"), ("", ""), (" sixties ", "sixties")],
)  # fmt: skip
def test_age_bands(age, band):
    assert age_band(age) == band


@pytest.mark.parametrize("age", [-1, "131", float("nan"), "inf"])
def test_no_age(age):
    with pytest.raises(ConfigurationError, match="0 to 130 years"):
        age_band(age)
