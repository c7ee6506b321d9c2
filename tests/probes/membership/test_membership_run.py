"""A model that fails, dies half-way, is gone: nothing is asked twice, lost, or counted twice."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections import Counter

import numpy as np
import pytest

from voxguard.audio import encode
from voxguard.audiollm import TextScores
from voxguard.errors import ConfigurationError, CorruptAudioError, ModelError
from voxguard.evaluation import Utterance
from voxguard.probes.data import Heard
from voxguard.probes.membership import Clips, ScoreRecord
from voxguard.probes.membership.asking import ask_all
from voxguard.probes.membership.two_stage import SELF, TRANSCRIPT

WAYS = [Heard("raw"), Heard("silence"), Heard("loud", lambda samples, rate: 2.0 * samples)]


@pytest.fixture(scope="module")
def clips(tmp_path_factory, make_voice):
    folder = tmp_path_factory.mktemp("run")
    made = []
    for i in range(12):
        path = folder / f"{i}.wav"
        path.write_bytes(encode((0.01 * (i + 1) * make_voice(seconds=0.5))[None], 16_000, "wav"))
        made.append(Utterance(f"{i}", path, f"s{i}", transcript=f"word {i}" if i < 11 else ""))
    return Clips(tuple(made), np.arange(12) < 6, tuple(f"s{i}" for i in range(12)))


class Loudness:
    """Finds everything the likelier, the louder the clip is; counts what it is asked."""

    name = "loudness"

    def __init__(self, fails=lambda times: False):
        self.asked, self._fails = Counter(), fails

    def __call__(self, samples, sample_rate, prompt):
        self.asked[round(float(np.abs(samples).sum()), 3)] += 1
        if self._fails(self.asked.total()):
            raise OSError("out of memory")
        return "something"

    def score(self, samples, sample_rate, prompt, text):
        level = float(np.sqrt(np.mean(samples**2)))
        distribution = np.log(np.array([[0.5 + level, 0.5 - level]] * 3, np.float32))
        return TextScores(("a", "b", "c"), distribution[:, 0], distribution)


def test_each_clip_is_scored_once_as_it_is_heard(clips):
    model, told = Loudness(), []
    asked = ask_all(
        model, clips, WAYS, ScoreRecord(), prompt="Write.", progress=lambda *at: told.append(at)
    )
    assert set(asked.vectors) == {(way.name, text) for way in WAYS for text in (SELF, TRANSCRIPT)}
    perplexity = asked.vectors["raw", SELF][:, 0]
    assert (np.diff(perplexity) < 0).all()
    np.testing.assert_allclose(asked.vectors["silence", SELF][:, 0], np.log(2.0))
    assert (asked.vectors["loud", TRANSCRIPT][:11, 0] < perplexity[:11]).all()
    assert np.isnan(asked.vectors["raw", TRANSCRIPT][11]).all()  # has none
    assert asked.counts["scored/raw/transcript/members"] == 6
    assert asked.counts["scored/raw/transcript/non_members"] == 5
    assert not asked.reasons
    assert told == [(i, 36) for i in range(1, 37)]


def test_texts_that_nobody_knows_are_not_asked_for(clips):
    unknown = Clips(
        tuple(Utterance(u.id, u.path, u.speaker) for u in clips.utterances),
        clips.member,
        clips.units,
    )
    asked = ask_all(Loudness(), unknown, WAYS[:1], ScoreRecord(), prompt="Write.")
    assert set(asked.vectors) == {("raw", SELF)}


def test_what_is_kept_is_not_asked_again_and_is_the_same(clips, tmp_path):
    with ScoreRecord(tmp_path / "s.jsonl", "m") as record:
        first = ask_all(Loudness(), clips, WAYS, record, prompt="Write.")
    model = Loudness()
    with ScoreRecord(tmp_path / "s.jsonl", "m") as record:
        again = ask_all(model, clips, WAYS, record, prompt="Write.")
    assert not model.asked
    assert again.counts == first.counts
    for key, vectors in first.vectors.items():
        np.testing.assert_array_equal(vectors, again.vectors[key])
    lines = (tmp_path / "s.jsonl").read_text().splitlines()
    assert len(lines) == 1 + 36
    assert "word" not in "".join(lines[1:])
    with ScoreRecord(tmp_path / "s.jsonl", "m") as record:
        ask_all(model, clips, WAYS[:1], record, prompt="Write it down.")
    assert model.asked.total() == 12  # another prompt is another question


def test_another_anonymizer_of_the_same_name_is_another_system(clips, tmp_path):
    import voxguard

    for coefficient in (0.8, 0.9):
        way = Heard("mcadams", voxguard.McAdams(coefficient=coefficient, seed=0))
        model = Loudness()
        with ScoreRecord(tmp_path / "s.jsonl", "m") as record:
            ask_all(model, clips, [way], record, prompt="Write.")
        assert model.asked.total() == 12


def test_failures_are_counted_and_asked_again(clips, tmp_path):
    with ScoreRecord(tmp_path / "s.jsonl", "m") as record:
        asked = ask_all(Loudness(lambda n: n in (2, 8)), clips, WAYS[:1], record, prompt="Write.")
    assert asked.counts["failed/raw/self-transcription/members"] == 1
    assert asked.counts["failed/raw/self-transcription/non_members"] == 1
    assert asked.counts["scored/raw/self-transcription/members"] == 5
    assert np.isnan(asked.vectors["raw", SELF][[1, 7]]).all()
    assert asked.reasons == ("OSError: out of memory",)
    model = Loudness()
    with ScoreRecord(tmp_path / "s.jsonl", "m") as record:
        again = ask_all(model, clips, WAYS[:1], record, prompt="Write.")
    assert model.asked.total() == 2
    assert again.counts["scored/raw/self-transcription/members"] == 6
    assert "failed/raw/self-transcription/members" not in again.counts


def test_a_model_that_has_gone_stops_the_run_and_loses_nothing(clips, tmp_path):
    with (
        ScoreRecord(tmp_path / "s.jsonl", "m") as record,
        pytest.raises(ModelError, match=r"failed 3 times in a row.*s\.jsonl; run again"),
    ):
        ask_all(Loudness(lambda n: n > 4), clips, WAYS, record, prompt="Write.", give_up_after=3)
    model = Loudness()
    with ScoreRecord(tmp_path / "s.jsonl", "m") as record:
        ask_all(model, clips, WAYS, record, prompt="Write.")
    assert model.asked.total() == 36 - 4


def test_a_clip_that_breaks_is_not_the_models_fault(clips):
    def broken(samples, rate):
        raise CorruptAudioError("no voice in it")

    def infinite(samples, rate):
        return samples / 0.0

    ways = [Heard("broken", broken), Heard("infinite", infinite)]
    with np.errstate(all="ignore"):
        asked = ask_all(Loudness(), clips, ways, ScoreRecord(), prompt="W", give_up_after=2)
    assert not any(name.startswith("scored") for name in asked.counts)
    assert len(asked.reasons) == 2


def test_a_model_that_cannot_be_used_stops_at_once(clips):
    with pytest.raises(ConfigurationError, match=r"score\(\)"):
        ask_all(lambda samples, rate, prompt: "", clips, WAYS, ScoreRecord(), prompt="Write.")


def dies(path, clips):
    """Scores 5 clips; then its process is killed."""

    def killed(times):
        if times > 5:
            os.kill(os.getpid(), signal.SIGKILL)
        return False

    with ScoreRecord(path, "m") as record:
        ask_all(Loudness(killed), clips, WAYS, record, prompt="Write.")


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_a_run_that_is_killed_goes_on_where_it_was(clips, tmp_path):
    path = tmp_path / "s.jsonl"
    plain = Clips(clips.utterances, clips.member, clips.units)
    child = multiprocessing.get_context("fork").Process(target=dies, args=(path, plain))
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    assert len(path.read_text().splitlines()) == 1 + 5
    with path.open("a") as file:
        file.write('{"place": "cut sh')
    model = Loudness()
    with ScoreRecord(path, "m") as record:
        asked = ask_all(model, clips, WAYS, record, prompt="Write.")
    assert model.asked.total() == 31
    places = [json.loads(line)["place"] for line in path.read_text().splitlines()[1:]]
    assert len(places) == len(set(places)) == 36
    assert asked.counts["scored/silence/self-transcription/members"] == 6


def test_records_of_another_model_are_refused(tmp_path):
    ScoreRecord(tmp_path / "s.jsonl", "one").close()
    with pytest.raises(ConfigurationError, match="take another file"):
        ScoreRecord(tmp_path / "s.jsonl", "other")
    assert ScoreRecord().path is None
    with ScoreRecord(tmp_path / "t.jsonl") as record:
        assert record.path == tmp_path / "t.jsonl"
