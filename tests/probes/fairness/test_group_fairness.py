"""Gamma: closed forms, what chance makes of it, and planted preferences that must come back."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

import voxguard
from voxguard.audio import AudioWriter
from voxguard.audiollm import AnswerRecord
from voxguard.dsp.voice import fundamental_hz
from voxguard.errors import ConfigurationError
from voxguard.evaluation.manifest import Manifest, Utterance
from voxguard.metrics import bootstrap
from voxguard.probes.document import ProbeDocument
from voxguard.probes.fairness import (
    QUESTIONS,
    FairnessQuestion,
    group_fairness,
    probe_fairness,
    unfairness,
)
from voxguard.probes.fairness.paired import pairs_of

RATE = 16_000
MIDDLE_HZ = 150.0
FEW = {"permutations": 200, "resamples": 200}


def test_unfairness_of_two_answers_is_the_difference_of_shares():
    assert unfairness([[[30, 70], [50, 50]]]) == pytest.approx(0.2)
    assert unfairness([[[1, 0, 0], [0, 1, 0]]]) == 1.0
    assert unfairness([[[1, 2, 3], [10, 20, 30]]]) == pytest.approx(0.0)


def test_unfairness_is_the_mean_over_pairs_and_questions():
    rng = np.random.default_rng(0)
    tables = rng.integers(1, 9, (3, 4, 5)).astype(float)
    shares = tables / tables.sum(axis=2, keepdims=True)
    by_hand = [
        0.5 * abs(shares[q, g] - shares[q, h]).sum()
        for q in range(3)
        for g, h in combinations(range(4), 2)
    ]
    assert unfairness(tables) == pytest.approx(np.mean(by_hand))


def test_groups_that_were_not_asked_are_left_out():
    assert unfairness([[[1, 0], [0, 1], [0, 0]], [[0, 0], [0, 0], [5, 0]]]) == 1.0
    assert unfairness([[[1, 0], [0, 0]]]) is None


def answers_of(rng, shares, speakers=12, clips=5):
    """Yes or no, with a share of yes for each of two groups; speakers alternate."""
    who = [f"s{i:02}" for i in range(speakers) for _ in range(clips)]
    groups = ["FM"[int(name[1:]) % 2] for name in who]
    said = ["yes" if rng.random() < shares["FM".index(g)] else "no" for g in groups]
    return ["hire?"] * len(who), groups, said, who


def test_a_fair_model_has_the_gamma_of_chance_and_a_level_test():
    rng = np.random.default_rng(1)
    found = [group_fairness(*answers_of(rng, (0.5, 0.5)), seed=i, **FEW) for i in range(60)]
    assert np.mean([f.gamma.value for f in found]) < 0.95  # though it is fair
    assert np.mean([f.gamma.value for f in found]) == pytest.approx(
        np.mean([f.null_gamma for f in found]), abs=0.02
    )
    assert np.mean([f.corrected.value for f in found]) == pytest.approx(1.0, abs=0.02)
    assert np.mean([f.p_value <= 0.05 for f in found]) <= 0.12
    assert np.mean([f.gamma.high >= 0.99 for f in found]) > 0.6  # reflected: 1 is not left out


def test_a_biased_model_is_found():
    rng = np.random.default_rng(2)
    found = group_fairness(*answers_of(rng, (0.2, 0.8), clips=40), **FEW)
    assert found.gamma.value == pytest.approx(0.4, abs=0.1)
    assert found.gamma.value < found.null_low < found.null_gamma < found.null_high
    assert found.p_value < 0.01
    assert found.corrected.value == pytest.approx(found.gamma.value / found.null_gamma)


def test_speakers_who_always_get_the_same_answer_count_once():
    rng = np.random.default_rng(3)
    low = 0
    for seed in range(40):
        own = rng.random(12) < 0.5  # one answer a speaker, whatever the group
        who = [f"s{i:02}" for i in range(12) for _ in range(20)]
        said = ["yes" if own[int(name[1:])] else "no" for name in who]
        groups = ["FM"[int(name[1:]) % 2] for name in who]
        low += group_fairness(["q"] * 240, groups, said, who, seed=seed, **FEW).p_value <= 0.05
    assert low <= 6  # clip by clip, nearly all of them would be


def test_what_cannot_be_compared_is_refused():
    one = (["q"] * 4, ["F", "F", "M", "M"], ["a"] * 4)
    with pytest.raises(ConfigurationError, match="of two speakers or more"):
        group_fairness(*one, ["a", "a", "b", "c"])
    with pytest.raises(ConfigurationError, match="in two groups"):
        group_fairness(*one, ["a", "b", "a", "c"])
    with pytest.raises(ConfigurationError, match="each; got"):
        group_fairness(*one, ["a"])
    with pytest.raises(ConfigurationError, match="of two speakers"):
        group_fairness(["q"] * 4, ["F"] * 4, ["a"] * 4, ["a", "b", "c", "d"])
    with pytest.raises(ConfigurationError, match="for two groups"):
        group_fairness(["q", "q", "r", "r"], *one[1:], ["a", "b", "c", "d"])
    with pytest.raises(ConfigurationError, match="stereotype or decision"):
        FairnessQuestion("x", "verdict", "?", ("a", "b"))
    with pytest.raises(ConfigurationError, match="different options"):
        FairnessQuestion("x", "decision", "?", ("a", "a"))


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Six low and six high voices, two clips of each."""
    folder = tmp_path_factory.mktemp("people")
    low = [s for s in range(60) if fundamental_hz(s) < 120.0][:6]
    high = [s for s in range(60) if fundamental_hz(s) > 180.0][:6]
    clips = []
    for speaker in (*low, *high):
        for number in range(2):
            path = folder / f"{speaker}-{number}.wav"
            with AudioWriter(path, RATE, 1) as file:
                file.write(
                    voxguard.synthetic_voice(seconds=0.6, speaker=speaker, seed=number)[None]
                )
            labels = {"pitch": "low" if speaker in low else "high"}
            clips.append(Utterance(path.stem, path, f"{speaker}", labels=labels, transcript="hi"))
    return Manifest("people", tuple(clips))


def pitch_hz(samples):
    """By the peak of the autocorrelation."""
    spectrum = np.abs(np.fft.rfft(samples, 2 * samples.size)) ** 2
    correlation = np.fft.irfft(spectrum)[: RATE // 60]
    shortest = RATE // 350
    return RATE / (shortest + int(correlation[shortest:].argmax()))


def letter_of(prompt, option):
    lines = [line.split(") ", 1) for line in prompt.splitlines() if ") " in line]
    return next(letter for letter, text in lines if text == option)


def prefers_low(samples, sample_rate, prompt):
    """Engineers, and yes, for low voices; of two, the low one."""
    if samples is None:
        return "I cannot say."
    if "two speakers" in prompt:
        half = samples.size // 2
        first = pitch_hz(samples[: half - 4000]) < pitch_hz(samples[half + 4000 :])
        return letter_of(prompt, "the first speaker" if first else "the second speaker")
    low = pitch_hz(samples) < MIDDLE_HZ
    for option in ("engineer" if low else "nurse", "yes" if low else "no"):
        if f") {option}\n" in prompt:
            return letter_of(prompt, option)
    return "A"


def likes_a(samples, sample_rate, prompt):
    return "A"


def refuses(samples, sample_rate, prompt):
    return "I'm sorry, I can't judge people by their voice."


def refuses_high(samples, sample_rate, prompt):
    if samples is None or "two speakers" in prompt or pitch_hz(samples) > MIDDLE_HZ:
        return "I cannot answer that."
    return letter_of(prompt, "yes") if ") yes" in prompt else "B"


def one_voice(samples, rate):
    """Everybody sounds like one: nothing of a voice is left."""
    made = voxguard.synthetic_voice(seconds=samples.size / rate, sample_rate=rate, speaker=9)
    return made[: samples.size]


def test_a_planted_preference_comes_back_and_goes_with_the_voice(people):
    found = probe_fairness(
        prefers_low, people, group="pitch", anonymizers={"one voice": one_voice}, permutations=200
    )
    interview = {"form": "decision", "question": "interview"}
    assert found.figure("gamma", **interview).value < 0.3
    assert found.figure("gamma_p", **interview).value < 0.05
    assert found.figure("null_gamma", **interview).value > 0.6
    assert found.figure("gamma", "one voice", **interview).value == 1.0
    change = found.figure("gamma_change", "one voice", **interview)
    assert 0.4 < change.low <= change.value <= 1.0
    occupation = found.figure("gamma", form="stereotype", question="occupation")
    subject = found.figure("gamma", form="stereotype", question="subject")
    assert occupation.value < 0.3 < subject.value
    high = found.figure("preference", form="paired", group="high", against="low")
    assert high.value < 0.15
    assert 120 < high.n <= 24 * 2 * 3  # a pair that is drawn twice is asked once
    assert found.figure("first", form="paired", group="high").value == pytest.approx(0.5, abs=0.1)
    assert any("one voice: the answer is always" in note for note in found.notes)


def test_options_are_shuffled_so_that_a_liking_for_a_letter_is_fair(people):
    found = probe_fairness(likes_a, people, group="pitch", permutations=200)
    for form in ("decision", "stereotype"):
        where = {"form": form, "question": "all"}
        assert found.figure("gamma_p", **where).value > 0.01
        assert found.figure("gamma", **where).value < 1.0
    assert found.figure("preference", form="paired", group="high").value == pytest.approx(
        0.5, abs=0.2
    )


def test_refusing_everything_is_not_fairness(people):
    found = probe_fairness(refuses, people, group="pitch", permutations=50)
    gamma = found.figure("gamma", form="decision", question="all")
    assert gamma.value is None
    assert "not fairness" in gamma.why
    assert found.find("refusal", form="decision", question="all")[0].value == 1.0
    assert found.counts["refused"] == found.counts["asked"]


def test_refusing_one_group_is_unfair(people):
    found = probe_fairness(refuses_high, people, group="pitch", pairs=0, permutations=200)
    assert found.figure("gamma", form="decision", question="all").value < 0.3
    assert found.figure("refusal", form="decision", question="all", group="high").value > 0.6
    assert not found.find("preference")


def test_what_is_said_may_be_the_reason(people):
    texts = {"low": "I lead a team", "high": "I like flowers"}
    clips = tuple(
        Utterance(u.id, u.path, u.speaker, transcript=texts[u.labels["pitch"]], labels=u.labels)
        for u in people.utterances
    )

    def reads(samples, sample_rate, prompt):
        return letter_of(prompt, "yes" if "team" in prompt else "no") if ") yes" in prompt else "B"

    found = probe_fairness(
        reads,
        Manifest("said", clips),
        group="pitch",
        controls=("raw", "transcript"),
        pairs=0,
        permutations=200,
    )
    where = {"form": "decision", "question": "all"}
    assert found.figure("gamma", "transcript", **where).value == 0.0
    assert found.figure("gamma", "raw", **where).value == 1.0


def test_a_run_goes_on_where_it_died(people, tmp_path):
    asked = []

    def dies(samples, sample_rate, prompt):
        asked.append(prompt)
        if len(asked) == 50:
            raise KeyboardInterrupt
        return prefers_low(samples, sample_rate, prompt)

    options = {"group": "pitch", "questions": QUESTIONS[3:], "pairs": 4, "permutations": 20}
    with pytest.raises(KeyboardInterrupt), AnswerRecord(tmp_path / "a.jsonl", "m") as record:
        probe_fairness(dies, people, record=record, **options)
    with AnswerRecord(tmp_path / "a.jsonl", "m") as record:
        found = probe_fairness(dies, people, record=record, **options)
    assert found.figures == probe_fairness(prefers_low, people, **options).figures
    assert len(asked) == found.counts["asked"] + 1
    found.write(tmp_path / "fairness.json")
    assert ProbeDocument.read(tmp_path / "fairness.json").figures == found.figures


def test_pairs_are_of_two_groups_in_both_orders(people):
    groups = {u.id: u.labels["pitch"] for u in people.utterances}
    pairs = pairs_of(people.utterances, groups, 12, seed=0)
    assert len(pairs) == 24
    assert {pair.groups for pair in pairs} == {("high", "low"), ("low", "high")}
    turned = {(pair.second.id, pair.first.id) for pair in pairs}
    assert turned == {(pair.first.id, pair.second.id) for pair in pairs}
    speakers = [pair.first.speaker for pair in pairs]
    assert {speakers.count(s) for s in set(speakers)} == {2}


def test_the_interval_of_a_preference_covers_what_it_should():
    rng = np.random.default_rng(5)
    liked = rng.random(8) < 0.5
    interval = bootstrap(lambda times: float(times @ liked / times.sum()), 8, n=8, seed=0)
    assert interval.low < 0.5 < interval.high


def test_questions_that_cannot_be_asked_are_refused(people):
    with pytest.raises(ConfigurationError, match="names of their own"):
        probe_fairness(likes_a, people, group="pitch", questions=(QUESTIONS[0],) * 2)
    with pytest.raises(ConfigurationError, match="no recording with the label 'accent'"):
        probe_fairness(likes_a, people, group="accent")
    with pytest.raises(ConfigurationError, match="of two speakers"):
        probe_fairness(likes_a, people, group="pitch", limit=1)
