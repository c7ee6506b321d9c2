"""Figures of outcomes that are known: rates, the control, what is removed and what is restored."""

from __future__ import annotations

import pytest

from voxguard.probes.adversarial.outcomes import ADAPTIVE, NOISE, NONE, PGD, Outcome, Table, rate

MAN, WOMAN = "A man.", "A woman."
HOW = {"seed": 0, "resamples": 200}


def outcomes(attack, system, answers, truth=""):
    """Clips of which the clean answer is "A man." and the target "A woman."."""
    return [
        Outcome(f"c{i}", f"s{i // 2}", attack, system, WOMAN, MAN, truth, answer)
        for i, answer in enumerate(answers)
    ]


def figures(*parts):
    found = Table([o for part in parts for o in part], **HOW).figures()
    return {(f.name, f.system, f.where["attack"]): f for f in found}


def table(**protected):
    return figures(
        outcomes(NONE, "raw", [MAN] * 8),
        outcomes(NOISE, "raw", [WOMAN, *[MAN] * 7]),
        outcomes(PGD, "raw", [WOMAN] * 6 + [MAN] * 2),
        *(outcomes(attack, "filter", answers) for attack, answers in protected.items()),
    )


def test_success_and_what_noise_does_stand_side_by_side():
    found = table()
    assert found["attack_success", "raw", PGD].value == 0.75
    assert found["attack_success", "raw", NOISE].value == 0.125
    assert found["success_over_noise", "raw", PGD].value == 0.625
    assert found["attack_success", "raw", PGD].n == 8
    assert found["attack_success", "raw", NONE].value == 0.0


def test_a_filter_that_breaks_all_answers_removes_everything_and_restores_nothing():
    junk = ["hm"] * 8
    found = table(none=junk, noise=junk, pgd=junk, adaptive=junk)
    assert found["attack_removed", "filter", PGD].value == 1.0
    assert found["answer_restored", "filter", PGD].value == 0.0
    assert found["answer_kept", "filter", NONE].value == 0.0


def test_a_filter_that_works_against_the_ignorant_only_is_seen_through():
    found = table(none=[MAN] * 8, noise=[MAN] * 8, pgd=[MAN] * 8, adaptive=[WOMAN] * 8)
    assert found["attack_removed", "filter", PGD].value == 1.0
    assert found["answer_restored", "filter", PGD].value == 1.0
    assert found["attack_removed", "filter", ADAPTIVE].value == 0.0
    assert found["attack_success", "filter", ADAPTIVE].value == 1.0
    assert found["attack_removed", "filter", ADAPTIVE].n == 6  # of those steered on raw audio


def test_a_filter_that_gives_the_target_by_itself_has_no_success_over_noise():
    always = [WOMAN] * 8
    found = table(none=always, noise=always, pgd=always, adaptive=always)
    assert found["attack_success", "filter", NONE].value == 1.0
    assert found["success_over_noise", "filter", ADAPTIVE].value == 0.0


def test_failed_questions_are_left_out_and_not_counted_as_removed():
    found = figures(
        outcomes(PGD, "raw", [WOMAN] * 4), outcomes(PGD, "filter", [None, None, WOMAN, WOMAN])
    )
    removed = found["attack_removed", "filter", PGD]
    assert (removed.value, removed.n) == (0.0, 2)


def test_what_has_no_clip_has_a_reason_and_no_value():
    found = figures(outcomes(PGD, "raw", [MAN] * 4), outcomes(PGD, "filter", [MAN] * 4))
    removed = found["attack_removed", "filter", PGD]
    assert removed.value is None
    assert removed.why == "no attack succeeded on raw audio"


def test_accuracy_stands_beside_the_blind_guess():
    parts = outcomes(NONE, "raw", [MAN, MAN, MAN, WOMAN], truth=MAN)
    found = figures(parts[:3], [Outcome("c3", "s1", NONE, "raw", MAN, WOMAN, WOMAN, WOMAN)])
    assert found["accuracy", "raw", NONE].value == 1.0
    assert found["blind_accuracy", "raw", NONE].value == 0.75


@pytest.mark.parametrize(("flag", "ends"), [(True, (0.292, 1.0)), (False, (0.0, 0.708))])
def test_flags_that_are_all_alike_have_an_interval_all_the_same(flag, ends):
    found = rate([flag] * 9, ["a", "b", "c"] * 3, **HOW)
    assert (found.low, found.high) == pytest.approx(ends, abs=1e-3)


def test_other_flags_have_the_interval_over_speakers():
    found = rate([True, True, False, False], ["a", "a", "b", "b"], **HOW)
    assert (found.value, found.low, found.high) == (0.5, 0.0, 1.0)
