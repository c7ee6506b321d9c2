"""Two in one clip: what the small audio LLM hears of them, and what it is asked about either."""

import dataclasses

import numpy as np
import pytest
import soundfile

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("resemblyzer")

from ten_words import asker, recorded  # noqa: E402

from recipes.train_audio_llm import conversations, lessons, settings, wordings  # noqa: E402
from recipes.train_audio_llm.architecture import build  # noqa: E402
from recipes.train_audio_llm.clips import Clip  # noqa: E402
from recipes.train_audio_llm.cutting import Cut  # noqa: E402
from voxguard.evaluation import read_manifest  # noqa: E402
from voxguard.probes.bystanders import UNKNOWN, probe_conversations  # noqa: E402

RATE = 16_000


def person(speaker, sex):
    source = recorded(int(speaker), speaker=speaker)
    return dataclasses.replace(source, utterance=dataclasses.replace(source.utterance, sex=sex))


def chosen(exchange):
    return next(x for x in exchange.prompt.splitlines() if x.startswith(f"{exchange.answer}) "))[3:]


def test_one_speaks_after_the_other_and_as_loud():
    first, second = Clip(recorded(1), 100, 300, ("TWO",)), Clip(recorded(2), 0, 150, ("ONE",))
    quiet = dataclasses.replace(second.source, mel=second.source.mel - 0.5)
    two = conversations.Conversation(first, dataclasses.replace(second, source=quiet), 20)
    heard = two.heard(600)
    assert two.length == 370
    assert heard.shape == (16, 600)
    assert np.array_equal(heard[:, :200], first.source.mel[100:300].T.astype(np.float32))
    assert np.ptp(heard[:, 200:220]) == np.ptp(heard[:, 370:]) == 0.0
    assert heard[:, 220:370].mean() == pytest.approx(heard[:, :200].mean(), abs=2e-3)


def test_the_answers_are_true_and_the_bystander_is_protected_where_that_is_wanted():
    people = [person("1", "F"), person("2", "M"), person("3", "M")]
    sexes = {p.utterance.speaker: conversations.SEXES[p.utterance.sex] for p in people}
    rng = np.random.default_rng(0)
    for _ in range(100):
        two = conversations.meet(people, 600, rng)
        user, other = (clip.source.utterance.speaker for clip in (two.user, two.other))
        assert user != other
        assert two.length <= 600
        own, own_again, others, protected = two.exchanges()
        assert {own.kind, protected.kind} == {wordings.TALK}
        assert chosen(own) == chosen(own_again) == sexes[user]
        assert (chosen(others), chosen(protected)) == (sexes[other], UNKNOWN)
        assert "the other speaker" in others.prompt
        assert "Answer only" in protected.prompt


def test_a_clip_of_one_is_not_asked_about_two():
    made = asker(kinds=[wordings.SEX, wordings.TALK]).all_about(
        Clip(recorded(), 0, 300, ("ONE",)), np.random.default_rng(0)
    )
    assert [one.kind for one in made] == [wordings.SEX]


def test_a_decoder_learns_from_conversations(tmp_path, monkeypatch):
    """Both kinds of sound in a batch, and clips that are not heard."""
    monkeypatch.setattr(lessons, "_BLIND", 0.5)
    given = settings.Settings(seconds=6, mels=16, width=64, layers=1, talking=3, batch=6,
                              kinds=(wordings.SEX, wordings.TALK))  # fmt: skip
    people = [person("1", "F"), person("2", "M")]
    texts = [
        x.prompt for x in conversations.meet(people, 600, np.random.default_rng(0)).exchanges()
    ]
    model, processor = build(texts, seconds=6, mels=16, width=64, layers=1)
    ask = asker(kinds=given.kinds)
    before = model.lm_head.weight.detach().clone()
    lessons.talking(model, processor.tokenizer, people, ask, given, tmp_path / "talk.pt", "cpu")
    assert not torch.equal(before, model.lm_head.weight)


@pytest.fixture
def cuts(tmp_path, make_voice):
    found = []
    for number in range(20):
        name = f"c{number}"
        path = tmp_path / f"{name}.flac"
        voice = make_voice(seconds=3.0, speaker=number % 4, seed=number)
        soundfile.write(path, voice, RATE)
        clip = Clip(person(str(number % 4), "FM"[number % 2]), 0, 300, ("ONE",))
        found.append(Cut(clip, name, path))
    return found


def test_the_probe_takes_what_is_written(cuts, tmp_path):
    listed = conversations.write(cuts, tmp_path / "talks", seconds=6, per_user=2)
    manifest = read_manifest(listed)
    rows = [u for u in manifest.utterances if u.labels.get("about")]
    assert len(rows) == 4 * 2 * 2
    enrolled = {u.path for u in manifest.utterances if u.role == "enrolment"}
    assert len(enrolled) == 4 * 3
    assert not enrolled & {row.path for row in rows}
    samples, rate = soundfile.read(rows[0].path)
    assert rate == RATE
    assert 4.0 < len(samples) / rate <= 6.0
    answers = {(u.labels["about"], u.labels["answer"]) for u in rows}
    assert len(answers) == 4
    before = rows[0].path.stat().st_mtime_ns
    conversations.write(cuts, tmp_path / "talks", seconds=6, per_user=2)
    assert rows[0].path.stat().st_mtime_ns == before
    found = probe_conversations(lambda samples, rate, prompt: "A", manifest)
    assert found.counts["asked"] == 16 * 2 * 3
    assert found.figure("chance", about="bystander", mode="general").value == 0.5
    assert found.figure("leak", about="bystander", mode="general").value == 0.5
