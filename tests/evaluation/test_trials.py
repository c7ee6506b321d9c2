from pathlib import Path

import pytest

from voxguard.errors import ConfigurationError
from voxguard.evaluation.manifest import Manifest, Utterance
from voxguard.evaluation.protocol import DataPlan
from voxguard.evaluation.trials import assign, divide


def utterances(speakers, each=4, **more):
    return tuple(
        Utterance(f"{s}-{n}", Path(f"{s}/{n}.wav"), s, **more)
        for s in speakers
        for n in range(each)
    )


def test_no_speaker_is_on_both_sides_when_chance_divides():
    manifest = Manifest("data", utterances("abcdefgh"))
    evaluate, train = divide(manifest, DataPlan(train_share=0.5), seed=1)
    assert len(evaluate.speakers) == len(train.speakers) == 4
    assert not set(evaluate.speakers) & set(train.speakers)
    assert divide(manifest, DataPlan(), seed=1)[0].speakers == evaluate.speakers
    assert any(
        divide(manifest, DataPlan(), seed=s)[0].speakers != evaluate.speakers for s in range(2, 6)
    )


def test_too_few_speakers_leave_the_attacker_nothing_to_train_on():
    manifest = Manifest("data", utterances("abc"))
    assert divide(manifest, DataPlan(), seed=0) == (manifest, None)


def test_the_column_split_divides():
    manifest = Manifest(
        "data",
        (*utterances("ab", labels={"split": "train"}), *utterances("cd", labels={"split": "test"})),
    )
    evaluate, train = divide(manifest, DataPlan(), seed=0)
    assert (evaluate.speakers, train.speakers) == (("c", "d"), ("a", "b"))


def test_an_attacker_does_not_meet_its_victims():
    train = utterances("ab", 2, labels={"split": "train"})
    mixed = (*train, Utterance("a-9", Path("a/9.wav"), "a", labels={"split": "eval"}))
    plan = DataPlan(evaluate={"split": "eval"}, train={"split": "train"})
    for chosen in (plan, DataPlan()):
        evaluate, training = divide(Manifest("data", mixed), chosen, seed=0)
        assert (evaluate.speakers, training.speakers) == (("a",), ("b",))
        (exclusion,) = training.excluded
        assert exclusion.speaker == "a"
        assert "is evaluated" in exclusion.reason
    with pytest.raises(ConfigurationError, match="has met its victims"):
        divide(Manifest("data", train), DataPlan(), seed=0)


def test_roles_are_given_where_the_data_have_none():
    sets = assign(utterances("ab", 7), (), DataPlan(enrolment=5), None)
    assert [u.id for u in sets.enrolment if u.speaker == "a"] == ["a-0", "a-1", "a-2"]
    assert len(sets.trial) == 8
    assert {u.role for u in sets.trial} == {"trial"}
    assert sets.mask(["a", "b"], ["a-5"]) is None


def test_a_speaker_with_one_utterance_is_excluded_and_told():
    sets = assign((*utterances("ab"), *utterances("c", 1)), (), DataPlan(), None)
    assert {u.speaker for u in sets.evaluated} == {"a", "b"}
    (exclusion,) = sets.excluded
    assert (exclusion.speaker, exclusion.utterance) == ("c", "c-0")
    assert "cannot be enrolled and tried" in exclusion.reason


@pytest.mark.parametrize("who", [utterances("a"), utterances("abc", 1)])
def test_fewer_than_two_speakers_are_an_error(who):
    with pytest.raises(ConfigurationError, match="needs at least two speakers"):
        assign(who, (), DataPlan(), None)


def test_given_roles_are_kept():
    tried = Utterance("a-t", Path("t.wav"), "a", "trial"), Utterance("c-t", Path("u.wav"), "c")
    mixed = (*utterances("ab", 1, role="enrolment"), *tried)
    trials = frozenset({("a", "a-t")})
    sets = assign(mixed, (), DataPlan(enrolment=5), trials, roles_given=True)
    assert [u.id for u in sets.trial] == ["a-t", "c-t"]
    assert sets.mask(["a", "b"], ["a-t", "c-t"]).tolist() == [[True, False], [False, False]]


def test_cross_session_trials_leave_out_mated_pairs_of_one_session():
    mixed = (
        Utterance("a-0", Path("0.wav"), "a", "enrolment", "monday"),
        Utterance("b-0", Path("1.wav"), "b", "enrolment", "monday"),
        Utterance("a-1", Path("2.wav"), "a", "trial", "monday"),
        Utterance("a-2", Path("3.wav"), "a", "trial", "friday"),
    )
    sets = assign(mixed, (), DataPlan(sessions="cross"), None, roles_given=True)
    assert sets.mask(["a", "b"], ["a-1", "a-2"]).tolist() == [[False, True], [True, True]]
    with pytest.raises(ConfigurationError, match=r"no trial is mated.*column session"):
        assign(utterances("ab"), (), DataPlan(sessions="cross"), None)
    with pytest.raises(ConfigurationError, match="no trial is mated: the list"):
        assign(utterances("ab"), (), DataPlan(), frozenset({("a", "b-3")}))


def test_roles_that_the_data_give_are_never_dealt_anew():
    tried = utterances("ab", role="trial")
    with pytest.raises(ConfigurationError, match="0 speakers can be enrolled"):
        assign(tried, (), DataPlan(), None, roles_given=True)


def test_rows_without_a_split_are_told():
    manifest = Manifest(
        "data",
        (
            *utterances("ab", labels={"split": "train"}),
            *utterances("cd", labels={"split": "test"}),
            *utterances("e", 1),
        ),
    )
    evaluate, _ = divide(manifest, DataPlan(), seed=0)
    assert [(e.utterance, e.reason[:8]) for e in evaluate.excluded] == [("e-0", "no split")]
