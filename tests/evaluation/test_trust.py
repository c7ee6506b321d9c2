"""Every known way to a flattering figure, planted and caught."""

from __future__ import annotations

import csv
import shutil

import pytest
from faults import OtherVoice, SameSexVoice

import voxguard
from voxguard.evaluation import read_manifest
from voxguard.evaluation.protocol import AttackerPlan, AttributePlan
from voxguard.evaluation.trust import (
    Scored,
    able,
    enough,
    retraining_helped,
    sex_is_not_the_target,
    verdict,
)

LAZY = Scored("lazy", "lazy-informed", 0.20, 0.15, 0.25)
OPEN = Scored("open", "unprotected", 0.02, 0.01, 0.03)


def semi(eer):
    return Scored("semi", "semi-informed", eer, eer - 0.05, eer + 0.05)


@pytest.mark.parametrize(("eer", "passed"), [(0.10, True), (0.24, True), (0.26, False)])
def test_a_retrained_attacker_that_is_weaker_than_an_untrained_one(eer, passed):
    assert retraining_helped([LAZY, semi(eer)], 10).passed is passed


def test_a_panel_without_a_retrained_attacker():
    assert retraining_helped([OPEN, LAZY], 10).passed is False
    assert retraining_helped([OPEN, semi(0.1)], 10).passed is None


def test_an_attacker_retrained_on_hardly_anybody():
    assert retraining_helped([LAZY, semi(0.1)], 9).passed is False


@pytest.mark.parametrize(
    ("size", "passed"),
    [((10, 50, 500), True), ((9, 50, 500), False), ((10, 49, 500), False), ((10, 50, 499), False)],
)
def test_too_few_speakers_or_trials(size, passed):
    assert enough(*size, LAZY).passed is passed


def test_an_interval_that_says_nothing():
    assert enough(30, 900, 9000, Scored("a", "ignorant", 0.3, 0.1, 0.45)).passed is False
    assert enough(30, 900, 9000, Scored("a", "ignorant", 0.3)).passed is False


@pytest.mark.parametrize(("eer", "passed"), [(0.02, True), (0.3, False)])
def test_attackers_that_recognise_nobody(eer, passed):
    assert able([Scored("open", "unprotected", eer), LAZY]).passed is passed
    assert able([LAZY]).passed is None


@pytest.mark.parametrize(
    ("agreement", "eer", "passed"),
    [(0.5, 0.4, True), (0.99, 0.19, False), (0.99, 0.10, True), (None, 0.1, None)],
)
def test_target_voices_of_the_same_sex(agreement, eer, passed):
    assert sex_is_not_the_target(agreement, [LAZY, semi(eer)], "no labels").passed is passed


def test_the_apparent_sex_is_no_shortcut_where_speakers_are_recognised_as_before():
    weak = [OPEN, Scored("lazy", "lazy-informed", 0.03, 0.02, 0.04), semi(0.03)]
    assert sex_is_not_the_target(0.99, weak, "").passed is True


def test_what_could_not_be_checked_is_no_reason_and_a_failure_is():
    good, unknown = able([OPEN]), able([LAZY])
    assert verdict([good, unknown]) == (True, [])
    trusted, (reason,) = verdict([good, retraining_helped([LAZY], 10)])
    assert not trusted
    assert reason.startswith("semi-informed not weaker than lazy-informed: no (")


# From here on with real attackers on voices that voxguard makes.

pytest.importorskip("torch")


def outcome(results):
    return {check["check"]: check["passed"] for check in results.headline.checks}


HEARS = "the retrained attacker hears the speaker, not the target voice"
SEX = "target voices are not chosen by the speaker's sex"
HELPED = "semi-informed not weaker than lazy-informed"


def test_planted_an_attacker_that_hears_the_target_voice(corpus, panel, work):
    results = voxguard.evaluate(
        OtherVoice(),
        panel(("wccn",), level="speaker", attributes=AttributePlan()),
        data=corpus / "manifest.csv",
        work=work,
    )
    assert results.headline.eer.value > 0.3  # which looks like privacy
    assert not results.headline.trusted
    assert outcome(results)[HEARS] is False


def test_planted_targets_of_the_same_sex(corpus, panel, work):
    results = voxguard.evaluate(
        SameSexVoice(), panel(("cosine", "wccn")), data=corpus / "manifest.csv", work=work
    )
    assert not results.headline.trusted
    assert outcome(results)[SEX] is False


def test_planted_labels_that_taught_the_attacker_nothing(corpus, panel, work, tmp_path):
    with (corpus / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if row["split"] == "train":  # classes across speakers: what they differ in is unlearnt
            number, speaker = row["utterance"][-1], int(row["speaker"][1:])
            row["speaker"] = f"class {number}{speaker // 2 % 2}"
        row["path"] = str(corpus / row["path"])
    with (tmp_path / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    plan = panel(attributes=AttributePlan())
    attackers = (
        AttackerPlan("dvector", ("cosine",), ("unprotected", "lazy-informed")),
        AttackerPlan("dvector", ("lda",), ("semi-informed",)),
    )
    plan = type(plan)(**{**vars(plan), "attackers": attackers})
    results = voxguard.evaluate(
        voxguard.McAdams(seed=1), plan, data=tmp_path / "manifest.csv", work=work
    )
    assert not results.headline.trusted
    assert outcome(results)[HELPED] is False


def test_planted_too_few_speakers(corpus, panel, work):
    few = read_manifest(corpus / "manifest.csv").select(
        {"speaker": [f"s{n:02}" for n in (0, 1, 2, 3, 4, 5, 6, 8)]}
    )
    results = voxguard.evaluate(
        voxguard.McAdams(), panel(attributes=AttributePlan()), data=few, work=work
    )
    assert not results.headline.trusted
    assert outcome(results)["enough speakers and trials"] is False


def test_planted_enrolment_that_was_never_anonymized(corpus, panel, work, tmp_path):
    theirs = tmp_path / "theirs"
    voxguard.anonymize_folder(corpus, theirs, voxguard.McAdams())
    for number in range(3):  # what the evaluator enrols
        shutil.copy(corpus / f"s02/{number}.wav", theirs / f"s02/{number}.wav")
    results = voxguard.evaluate(
        None,
        panel(("cosine", "wccn"), attributes=AttributePlan()),
        data=corpus / "manifest.csv",
        anonymized=theirs,
        work=work,
    )
    assert not results.headline.trusted
    (found,) = [c for c in results.headline.checks if "is not the original" in c["check"]]
    assert (found["passed"], found["detail"][:8]) == (False, "3 of 98 ")
