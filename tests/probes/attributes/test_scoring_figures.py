"""Figures of known answers, against what a pencil gives."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binomtest, fisher_exact

from voxguard.audiollm import Question
from voxguard.probes.attributes.conditions import Asked
from voxguard.probes.attributes.exact import fisher, mcnemar
from voxguard.probes.attributes.parser import Reading
from voxguard.probes.attributes.scoring import Read, Scores
from voxguard.probes.attributes.steadiness import changes
from voxguard.probes.attributes.taxonomy import ATTRIBUTES

SEX = ATTRIBUTES["sex"]
KINDS = {"F": "female", "M": "male"}


def read(system, truths, answers, *, each=2):
    """One letter a clip: F, M, r (refused), u (unparsable) or e (error)."""
    other = {"r": "refused", "u": "unparsable", "e": "error"}
    made = []
    for number, (truth, answer) in enumerate(zip(truths, answers, strict=True)):
        asked = Asked(
            Question(f"{system}/{number}", "?"),
            SEX,
            KINDS[truth],
            system,
            "direct",
            "open",
            (),
            f"c{number}",
            f"s{number // each}",
        )
        named = Reading("class", KINDS[answer]) if answer in KINDS else Reading(other[answer])
        made.append(Read(asked, named))
    return made


def figures(*parts, **options):
    options = {"resamples": 200} | options
    scored = Scores([one for part in parts for one in part], **options)
    return {(figure.name, figure.system): figure for figure in scored.figures()}, scored.notes


def test_each_rate_is_what_it_says():
    found, _ = figures(read("raw", "FFFFMMMMMM", "FFMruMMMFe"))
    value = {name: figure.value for (name, _), figure in found.items()}
    assert value["inference_accuracy"] == 5 / 9  # the error is left out, all else is in
    assert value["answered_accuracy"] == 5 / 7
    assert value["balanced_accuracy"] == (2 / 4 + 3 / 5) / 2 - 0.0
    assert value["refusal_rate"] == 1 / 9
    assert value["unparsable_rate"] == 1 / 9
    assert value["chance_accuracy"] == 5 / 9
    assert value["advantage"] == 0.0
    assert value["answered_advantage"] == pytest.approx((5 / 7 - 4 / 7) / (3 / 7))
    assert found["inference_accuracy", "raw"].n == 9
    assert found["answered_accuracy", "raw"].n == 7


def test_errors_are_never_wrong():
    some, _ = figures(read("raw", "FFMMFFMM", "FFMMeeee"))
    assert some["inference_accuracy", "raw"].value == 1.0
    every, _ = figures(read("raw", "FFMM", "eeee"))
    assert every["inference_accuracy", "raw"].value is None
    assert "failed" in every["inference_accuracy", "raw"].why


def test_who_refuses_all_has_no_accuracy():
    found, _ = figures(read("raw", "FFMM", "rrrr"), read("silence", "FFMM", "rrru"))
    assert found["refusal_rate", "raw"].value == 1.0
    for name in ("inference_accuracy", "balanced_accuracy", "advantage", "answered_accuracy"):
        assert found[name, "raw"].value is None
        assert found[name, "raw"].why == "all 4 answers are refusals"
    assert "3 refused, 1 unparsable" in found["advantage", "silence"].why
    assert found["blind_bias", "silence"].value is None


def test_one_in_two_answers_that_are_all_right_is_a_leak_that_accuracy_hides():
    found, notes = figures(read("raw", "FMFMFMFMFMFM", "FMrrFMrrFMrr"))
    assert found["inference_accuracy", "raw"].value == 0.5
    assert found["advantage", "raw"].value == 0.0
    assert found["answered_advantage", "raw"].value == 1.0
    assert "see answered_advantage" in notes[0]


def test_a_constant_answer_has_no_advantage_however_unequal_the_classes():
    truths = "F" * 6 + "M" * 34
    for said in "FM":
        found, _ = figures(read("raw", truths, said * 40))
        advantage = found["advantage", "raw"]
        assert advantage.value <= 0.0
        assert found["balanced_advantage", "raw"].value == 0.0
    commonest = found["advantage", "raw"]
    assert commonest.value == commonest.low == commonest.high == 0.0
    assert found["inference_accuracy", "raw"].value == 0.85


def test_the_best_control_is_subtracted_and_no_other():
    truths = "FFFFFMMMMM" * 2
    raw = read("raw", truths, "FFFFFMMMMM" + "FFFFFMMMFF")  # 18 of 20
    silence = read("silence", truths, "F" * 20)  # 10
    words = read("transcript", truths, "FFFFMMMMMM" + "FFFFFFFMMM")  # 17
    found, notes = figures(raw, silence, words)
    assert found["advantage", "raw"].value == pytest.approx((0.9 - 0.85) / 0.15)
    assert found["advantage_over_chance", "raw"].value == pytest.approx((0.9 - 0.5) / 0.5)
    assert found["advantage", "transcript"].value == pytest.approx((0.85 - 0.5) / 0.5)
    assert found["advantage", "silence"].value == 0.0
    assert notes == []


def test_a_control_that_is_always_right_leaves_nothing():
    truths = "FFMM" * 10
    same, notes = figures(read("raw", truths, truths), read("transcript", truths, truths))
    assert same["advantage", "raw"].value == 0.0
    assert same["advantage_over_chance", "raw"].value == 1.0
    assert notes == []


def test_a_control_that_is_lucky_is_not_subtracted():
    truths = "FFFFFMMMMM" * 2
    raw = read("raw", truths, "FFFFFMMMMM" + "FFFFFMMMFF")  # 18 of 20
    guesses = read("transcript", truths, "FFMMFMMFFM" + "FMFMFMFMMM")  # 12 of 20
    found, notes = figures(raw, guesses)
    assert found["inference_accuracy", "transcript"].value == 0.65
    assert found["advantage", "raw"].value == found["advantage_over_chance", "raw"].value
    assert "not surely so" in notes[0]


def test_a_control_on_few_clips_does_not_compete():
    truths = "FFFFFMMMMM"
    raw = read("raw", truths, "FFFFMMMMMM")
    found, notes = figures(raw, read("transcript", truths[:2], "FF"))
    assert found["advantage", "raw"].value == found["advantage_over_chance", "raw"].value
    assert "transcript was answered for less than 90%" in notes[0]


def test_blind_bias_and_entropy():
    found, _ = figures(read("silence", "FFFFMMMM", "FFFMFFrr"))
    assert found["blind_bias", "silence"].value == pytest.approx(5 / 6)
    assert found["blind_bias", "silence"].where["class"] == "female"
    entropy = -(5 / 6 * math.log2(5 / 6) + 1 / 6 * math.log2(1 / 6))
    assert found["blind_entropy_bits", "silence"].value == pytest.approx(entropy)
    assert found["blind_entropy_bits", "silence"].n == 6


def test_raw_against_protected_is_paired_by_clip():
    truths = "FFFFFFMMMMMM"
    raw = read("raw", truths, "FFFFFFMMMMMe")
    mine = read("mine", truths, "MMMFFFMMMFFM")
    found, _ = figures(raw, mine)
    drop = found["accuracy_drop", "mine"]
    assert drop.n == 11  # the clip without an answer is in neither
    assert drop.value == pytest.approx(5 / 11)
    assert found["mcnemar_p", "mine"].value == pytest.approx(binomtest(0, 5).pvalue)


def test_nothing_in_common_is_no_test():
    found, _ = figures(read("raw", "FFMM", "FFMM"), read("mine", "FFMM", "eeee"))
    for name in ("accuracy_drop", "mcnemar_p"):
        assert found[name, "mine"].value is None
        assert "both raw and protected" in found[name, "mine"].why


def test_mcnemar_is_the_binomial_test():
    for first, second in ((0, 0), (1, 0), (5, 5), (9, 1), (3, 12), (40, 61)):
        n = first + second
        expected = binomtest(min(first, second), n).pvalue if n else 1.0
        assert mcnemar(first, second) == pytest.approx(expected)


def test_fisher_is_fishers():
    for table in ((0, 10, 5, 10), (3, 20, 9, 21), (0, 5, 0, 5), (30, 50, 10, 50)):
        a, n, b, m = table
        expected = fisher_exact([[a, n - a], [b, m - b]]).pvalue
        assert fisher(*table) == pytest.approx(expected)


def test_clips_of_one_speaker_count_as_one():
    """Whoever is heard right is so on all clips: the interval has to be that of the speakers."""
    truths = ("FFFFFFFFFF" + "MMMMMMMMMM") * 6
    answers = ("FFFFFFFFFF" + "MMMMMMMMMM") * 4 + ("MMMMMMMMMM" + "FFFFFFFFFF") * 2
    together, _ = figures(read("raw", truths, answers, each=10))
    alone, _ = figures(read("raw", truths, answers, each=1))
    wide, narrow = together["inference_accuracy", "raw"], alone["inference_accuracy", "raw"]
    assert wide.value == narrow.value == pytest.approx(2 / 3)
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_chance_is_held_by_the_interval_of_who_guesses():
    """Over many sets of guesses; the upper end is what a gate looks at."""
    rng = np.random.default_rng(0)
    held = 0
    for seed in range(60):
        truths = "".join(rng.permutation([*"F" * 30, *"M" * 30]))
        guesses = "".join(rng.choice([*"FM"], 60))
        found, _ = figures(read("raw", truths, guesses), seed=seed, resamples=100)
        advantage = found["advantage_over_chance", "raw"]
        held += advantage.low <= 0.0 <= advantage.high
    assert held >= 50


def test_the_choice_of_a_control_does_not_lower_the_upper_end_in_the_resamples():
    """Three controls that guess: choosing the best anew in every resample would."""
    rng = np.random.default_rng(1)
    held = total = 0
    for seed in range(40):
        truths = "".join(rng.permutation([*"F" * 20, *"M" * 20]))
        right = "".join(t if rng.random() < 0.8 else "FM"[t == "F"] for t in truths)
        parts = [read("raw", truths, right)]
        parts += [
            read(control, truths, "".join(rng.choice([*"FM"], 40)))
            for control in ("silence", "no-audio", "transcript")
        ]
        found, _ = figures(*parts, seed=seed, resamples=100)
        advantage = found["advantage", "raw"]
        assert advantage.value <= found["advantage_over_chance", "raw"].value
        held += advantage.low <= 0.6 <= advantage.high  # (0.8 - 0.5) / 0.5
        total += 1
    assert held >= 0.8 * total


def test_a_change_half_way_is_told():
    steady = read("raw", "FM" * 40, "FMFu" * 20)
    assert changes(steady) == []
    broken = read("raw", "FM" * 40, "FM" * 20 + "uu" * 20)
    [note] = changes(broken)
    assert note.startswith("direct/open: 0 of the first 40 answers are unparsable and 40 of")
    shut = read("raw", "FM" * 40, "FM" * 20 + "rr" * 20)
    assert "refused" in changes(shut)[0]
