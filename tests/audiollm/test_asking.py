"""Questions to a model that fails in every way, dies half-way, and is gone on with."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections import Counter
from threading import Lock

import numpy as np
import pytest

from voxguard.audiollm import AnswerRecord, Question, ask
from voxguard.errors import ConfigurationError, CorruptAudioError, ModelError

RATE = 16_000


def questions(count=10):
    return [Question(f"q{i}", f"What is {i}?") for i in range(count)]


class Counting:
    """Answers, and counts how often it was asked what; fails where told to."""

    name = "counting"

    def __init__(self, fails=lambda prompt, times: False):
        self.asked = Counter()
        self._fails, self._lock = fails, Lock()

    def __call__(self, samples, sample_rate, prompt):
        with self._lock:
            self.asked[prompt] += 1
            times = self.asked[prompt]
        if self._fails(prompt, times):
            raise OSError("no route to host")
        return f"answer to {prompt}"


def test_each_is_asked_once_and_kept(tmp_path):
    model = Counting()
    with AnswerRecord(tmp_path / "a.jsonl", "counting") as record:
        answers = ask(model, questions(), record, concurrency=4)
    assert [answers[f"q{i}"].text for i in range(10)] == [
        f"answer to What is {i}?" for i in range(10)
    ]
    with AnswerRecord(tmp_path / "a.jsonl", "counting") as record:
        assert ask(model, questions(), record) == answers
    assert set(model.asked.values()) == {1}


def test_a_failure_is_tried_again_and_then_an_error():
    model = Counting(lambda prompt, times: "3" in prompt or ("4" in prompt and times < 3))
    answers = ask(model, questions(), attempts=3, pause_s=0.0)
    assert answers["q4"].text == "answer to What is 4?"
    assert answers["q3"].text is None
    assert "no route to host" in answers["q3"].error
    assert model.asked["What is 3?"] == 3


def test_errors_are_asked_again_next_time(tmp_path):
    path = tmp_path / "a.jsonl"
    with AnswerRecord(path, "m") as record:
        ask(Counting(lambda prompt, _: "3" in prompt), questions(), record, attempts=1)
    with AnswerRecord(path, "m") as record:
        model = Counting()
        answers = ask(model, questions(), record)
    assert list(model.asked) == ["What is 3?"]
    assert answers["q3"].error is None


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_model_that_has_gone_stops_the_run_and_loses_nothing(tmp_path, concurrency):
    path = tmp_path / "a.jsonl"
    gone = Counting(lambda prompt, _: int(prompt[8:-1]) >= 20)
    with (
        AnswerRecord(path, "m") as record,
        pytest.raises(ModelError, match=r"\d times in a row.*run"),
    ):
        ask(gone, questions(100), record, attempts=1, concurrency=concurrency)
    assert len(gone.asked) < 50  # a late success starts the count anew
    back = Counting()
    with AnswerRecord(path, "m") as record:
        answers = ask(back, questions(100), record, concurrency=concurrency)
    assert len(answers) == 100
    assert all(answer.text for answer in answers.values())
    assert not back.asked.keys() & {f"What is {i}?" for i in range(20)}


@pytest.mark.parametrize("junk", [None, 7, b"yes", ["yes"]])
def test_what_is_no_text_is_an_error(junk):
    answers = ask(lambda *_: junk, questions(1), attempts=1)
    assert answers["q0"].text is None
    assert type(junk).__name__ in answers["q0"].error


def test_an_empty_answer_is_an_answer():
    assert ask(lambda *_: "", questions(1))["q0"].text == ""


def test_a_clip_that_cannot_be_read_is_no_fault_of_the_model():
    def broken():
        raise CorruptAudioError("cut short")

    asked = [Question(f"q{i}", "?", broken) for i in range(20)]
    answers = ask(Counting(), asked)
    assert all(
        answer.error == "the clip could not be used: cut short" for answer in answers.values()
    )


def test_questions_that_always_fail_do_not_keep_the_others_from_being_asked(tmp_path):
    model = Counting(lambda prompt, _: int(prompt[8:-1]) < 7)
    with AnswerRecord(tmp_path / "a.jsonl", "m") as record:
        for _ in range(3):
            with pytest.raises(ModelError):
                ask(model, questions(30), record, attempts=1)
    with AnswerRecord(tmp_path / "a.jsonl", "m") as record:
        assert all(record.answer(question).text for question in questions(30)[7:])


def test_a_wrong_configuration_stops_at_once():
    def refuses(samples, sample_rate, prompt):
        raise ConfigurationError("no such model")

    with pytest.raises(ConfigurationError, match="no such model"):
        ask(refuses, questions(100))


def test_the_model_gets_the_clip():
    heard = []

    def model(samples, sample_rate, prompt):
        heard.append((samples, sample_rate))
        return "yes"

    clip = np.ones(5, dtype=np.float32)
    ask(model, [Question("a", "?", lambda: (clip, 8_000)), Question("b", "?")])
    assert heard[0][0] is clip
    assert heard[0][1] == 8_000
    assert heard[1][0] is None


def test_another_prompt_under_the_same_key_is_another_question():
    with AnswerRecord() as record:
        ask(Counting(), [Question("q", "old?")], record)
        assert ask(Counting(), [Question("q", "new?")], record)["q"].text == "answer to new?"


def test_keys_are_unique():
    with pytest.raises(ConfigurationError, match="not unique"):
        ask(Counting(), [Question("q", "a"), Question("q", "b")])


@pytest.mark.parametrize("option", ["concurrency", "attempts", "give_up_after"])
def test_numbers_are_checked(option):
    with pytest.raises(ConfigurationError, match=option):
        ask(Counting(), questions(), **{option: 0})


def test_progress_starts_where_the_record_is():
    told = []
    with AnswerRecord() as record:
        ask(Counting(), questions(4), record)
        ask(
            Counting(),
            questions(6),
            record,
            progress=lambda done, total: told.append((done, total)),
        )
    assert told == [(5, 6), (6, 6)]


class TestRecord:
    def test_a_line_that_was_cut_short_is_taken_away(self, tmp_path):
        path = tmp_path / "a.jsonl"
        with AnswerRecord(path, "m") as record:
            ask(Counting(), questions(3), record)
        whole = path.read_bytes()
        for cut in range(len(whole) - 60, len(whole)):
            path.write_bytes(whole[:cut])
            model = Counting()
            with AnswerRecord(path, "m") as record:
                answers = ask(model, questions(3), record)
            assert len(answers) == 3
            assert list(model.asked) == ["What is 2?"]
            assert path.read_bytes() == whole

    def test_of_another_model(self, tmp_path):
        AnswerRecord(tmp_path / "a.jsonl", "one").close()
        with pytest.raises(ConfigurationError, match=r"model 'one'.*model 'two'"):
            AnswerRecord(tmp_path / "a.jsonl", "two")

    @pytest.mark.parametrize(
        "content", [b"path", b"path,speaker\n", b"[1]\n", b"\xff\n", b'{"a": 1}\n']
    )
    def test_that_is_none_is_left_alone(self, tmp_path, content):
        path = tmp_path / "a.jsonl"
        path.write_bytes(content)
        with pytest.raises(ConfigurationError, match=r"a\.jsonl"):
            AnswerRecord(path, "m")
        assert path.read_bytes() == content

    def test_of_two_runs_at_once_one_is_refused(self, tmp_path):
        with (
            AnswerRecord(tmp_path / "a.jsonl", "m"),
            pytest.raises(ConfigurationError, match="in use"),
        ):
            AnswerRecord(tmp_path / "a.jsonl", "m")
        AnswerRecord(tmp_path / "a.jsonl", "m").close()

    def test_killed_at_any_moment_it_is_gone_on_with(self, tmp_path):
        path = tmp_path / "a.jsonl"
        for moment in (1, 7, 20):
            killed = multiprocessing.get_context("fork").Process(
                target=_killed_after, args=(path, moment)
            )
            killed.start()
            killed.join(20)
            assert killed.exitcode == -signal.SIGKILL
        model = Counting()
        with AnswerRecord(path, "m") as record:
            answers = ask(model, questions(60), record)
        assert len(answers) == 60
        assert sum(model.asked.values()) == 60 - 28
        keys = [json.loads(line)["key"] for line in path.read_text().splitlines()[1:]]
        assert sorted(keys) == sorted(f"q{i}" for i in range(60))


def _killed_after(path, count):
    def model(samples, sample_rate, prompt):
        nonlocal count
        if not count:
            os.kill(os.getpid(), signal.SIGKILL)
        count -= 1
        return "yes"

    ask(model, questions(60), AnswerRecord(path, "m"))
