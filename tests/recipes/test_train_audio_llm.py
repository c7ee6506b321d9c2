"""A small audio LLM: the smoke run, what it learns from, and that nothing it is asked leaks in."""

import csv
import doctest
import functools
import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("jiwer")

from ten_words import asker, recorded  # noqa: E402

from recipes.common import filled  # noqa: E402
from recipes.train_audio_llm import (  # noqa: E402
    alignment,
    architecture,
    chat,
    checkpoint,
    clips,
    corpus,
    course,
    cutting,
    ears,
    features,
    members,
    questions,
    settings,
    synthetic,
    tables,
    wordings,
)
from recipes.train_audio_llm.__main__ import main  # noqa: E402
from recipes.train_audio_llm.clips import Clip, Recorded  # noqa: E402
from recipes.train_audio_llm.corpus import Utterance  # noqa: E402
from recipes.train_audio_llm.questions import Exchange  # noqa: E402
from voxguard.audio import read  # noqa: E402
from voxguard.audiollm import TransformersModel  # noqa: E402
from voxguard.evaluation import read_manifest  # noqa: E402

ROOT = Path(__file__).parents[2]
RECIPE = ROOT / "recipes" / "train_audio_llm"
RUN = ["synthetic", "--config", "smoke.yaml", "--device", "cpu"]


@pytest.fixture(scope="module")
def done(smoke_run):
    return smoke_run("train_audio_llm")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A model that has not learnt anything, and its folder."""
    folder = tmp_path_factory.mktemp("small")
    some = Clip(recorded(), 0, 300, ("THREE",))
    texts = questions.texts(asker(), ["one two three"], some, np.random.default_rng(0))
    model, processor = architecture.build(texts, seconds=2, mels=16, width=64, layers=1)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return TransformersModel(folder, device="cpu", local_files_only=True)


def test_the_smoke_run_learns_what_can_be_learnt(done):
    _, found = done
    forms = {form: found["figures"][f"which word, eval, {form}"] for form in ("named", "letter")}
    assert sum(figures["raw"]["n"] for figures in forms.values()) == 32
    raw, silence = (forms["named"][way] for way in ("raw", "silence"))
    assert raw["n"] == silence["n"] >= 16
    assert raw["low"] <= raw["value"] <= raw["high"]
    assert raw["chance"] == 0.25
    assert raw["value"] > 0.5  # of 8 strangers; by chance once in a thousand times
    assert raw["value"] > silence["value"]
    raw, silence = (found["figures"]["first word, eval"][way] for way in ("raw", "silence"))
    assert raw["n"] == 32
    assert raw["value"] > 0.5 > silence["value"]


def test_the_model_is_loaded_as_any_other(done):
    work, found = done
    model = TransformersModel(work / "smoke" / "model", device="cpu", local_files_only=True)
    about = json.loads((work / "smoke" / "model" / "training.json").read_text())
    assert about == found["training"]
    clip = next((work / "clips2").glob("*.flac"))
    samples, rate = read(clip)
    assert model(samples[0], rate, "What is the sex of the speaker?")
    assert model(None, rate, "What is the sex of the speaker?")
    assert len(model.score(samples[0], rate, "Who?", "A man.")) >= 2


def test_the_same_command_does_nothing_twice(done, capsys):
    work, found = done
    weights = work / "smoke" / "model" / "model.safetensors"
    before = weights.read_bytes()
    (work / "results" / "smoke.json").unlink()
    main([*RUN, "--work", str(work)])
    assert weights.read_bytes() == before
    assert json.loads((work / "results" / "smoke.json").read_text()) == found
    assert "questions: 64 of 64" not in capsys.readouterr().err  # answers are kept


def test_members_are_planted(done):
    work, _ = done
    main([*RUN, "--work", str(work), "--step", "members", "--anonymizer", "mcadams"])
    folder = work / "smoke" / "members-mcadams"
    inside, outside = (read_manifest(folder / name) for name in (members.MEMBERS, members.OTHERS))
    assert len(inside.utterances) == len(outside.utterances) == 12
    assert {u.labels["member"] for u in inside.utterances} == {"1"}
    recordings = [{u.labels["recording"] for u in side.utterances} for side in (inside, outside)]
    assert not recordings[0] & recordings[1]
    assert all(u.path.is_file() and u.transcript for u in inside.utterances)
    found = json.loads((work / "results" / "smoke-members-mcadams.json").read_text())
    assert set(found["figures"]) == {"members", "non-members", "members as trained on"}
    assert found["training"]["members"] == 12
    base = (work / "smoke" / "model" / "model.safetensors").read_bytes()
    assert (folder / "model.safetensors").read_bytes() != base


def test_other_settings_are_not_mixed_into_a_run(done, tmp_path):
    work, _ = done
    text = (settings.CONFIGS / "smoke.yaml").read_text()
    (tmp_path / "smoke.yaml").write_text(text.replace("rate: 0.0015", "rate: 0.001"))
    with pytest.raises(SystemExit, match=r"rate was 0.0015 and is 0.001"):
        main(["synthetic", "--work", str(work), "--config", str(tmp_path / "smoke.yaml"),
              "--device", "cpu", "--step", "listen"])  # fmt: skip


def test_a_course_that_is_killed_comes_out_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(course, "_KEPT_EVERY_S", 0.0)

    def trained(path, stop=None):
        torch.manual_seed(0)
        net = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Dropout(0.5))

        def losses(rng):
            losses.count += 1
            if losses.count == stop:
                raise KeyboardInterrupt
            x = torch.from_numpy(rng.normal(size=(8, 4)).astype(np.float32))
            return {"square": (net(x) - x).square().mean()}

        losses.count = 0
        about = {"rate": 0.1}
        course.run(path, {"net": net}, net.parameters(), losses, about, steps=9, rate=0.1, seed=3)
        return net[0].weight.detach(), losses.count

    whole, _ = trained(tmp_path / "whole.pt")
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "killed.pt", stop=6)
    again, count = trained(tmp_path / "killed.pt")
    assert count == 4  # five were kept
    with pytest.raises(SystemExit, match=r"rate was 0.1 and is 0.2"):
        checkpoint.load(tmp_path / "killed.pt", {}, {"rate": 0.2})
    assert torch.equal(whole, again)
    assert trained(tmp_path / "killed.pt")[1] == 0


def test_exchanges_in_one_sequence_are_as_if_each_were_alone(small, voice):
    """The packed loss is what the model says of the answer when it is asked in the usual way."""
    hear = features.extractor(16, 2)
    mel = features.spectrogram(voice, hear)
    clip = Clip(Recorded(recorded().utterance, mel, alignment.whole("", len(mel))), 0, len(mel), ())
    some = [Exchange("sex", "Who is it?", "A man."), Exchange("sex", "And\nwho?", "B")]
    talk = chat.Chat(small.model, small.processor.tokenizer)
    with torch.no_grad():
        found, counts = ears.states(small.model, *ears.stacked([clip], 200, "cpu"))
        heard = small.model.model.multi_modal_projector(found)[0][: counts[0]]
        for states, samples in ((heard, voice), (None, None)):
            packed = float(talk.loss([chat.Heard(states)], [some]))
            alone = [
                small.score(samples, 16_000, e.prompt, e.answer + "<|im_end|>").log_probability
                for e in some
            ]
            alone_loss = -np.mean([s.mean() for s in alone])
            assert packed == pytest.approx(alone_loss, abs=5e-4)  # half floats


def test_clips_in_one_batch_do_not_change_each_other(small):
    talk = chat.Chat(small.model, small.processor.tokenizer)
    short, long = [Exchange("sex", "Who?", "A")], [Exchange("sex", "Who is it that speaks?", "B")]
    states = torch.randn(9, 64)
    with torch.no_grad():
        one, two = (
            float(talk.loss([chat.Heard(h)], [e])) for h, e in ((states, short), (None, long))
        )
        both = float(talk.loss([chat.Heard(states), chat.Heard(None)], [short, long]))
    assert both == pytest.approx((one + two) / 2, abs=1e-4)  # as many tokens in both answers


def test_the_encoder_hears_what_the_adapter_hears(small, voice):
    hear = features.extractor(16, 2)
    mel = features.spectrogram(voice[:12_345], hear)
    heard = small.inputs(voice[:12_345], 16_000, "?")
    own = features.window(mel, 0, len(mel), 200)
    assert int(heard["feature_attention_mask"].sum()) == len(mel) == 78
    # Half floats; the frame behind the clip has some of its last window in it.
    assert np.abs(heard["input_features"][0].numpy() - own)[:, :78].max() < 2e-3
    assert (own[:, 79:] == own[0, 199]).all()
    assert np.allclose(heard["input_features"][0, :, 79:], own[:, 79:], atol=2e-3)
    nothing = small.inputs(np.zeros(12_345, np.float32), 16_000, "?")["input_features"][0]
    assert np.allclose(nothing, features.silence(16, 200), atol=1e-6)


def test_members_and_others_are_of_the_same_speakers(tmp_path):
    sources = [recorded(k, speaker=str(k % 3)) for k in range(18)]
    cuts = [
        cutting.Cut(clip, f"{s.utterance.name}-{k}", tmp_path / "x.flac")
        for s in sources
        for k, clip in enumerate(clips.divide(s, 500))
    ]
    inside, outside = members.sides(cuts, 999, seed=0)
    names, others = ({c.clip.source.utterance.name for c in side} for side in (inside, outside))
    assert len(names) == len(others) == 9
    assert not names & others
    who = [{c.clip.source.utterance.speaker for c in side} for side in (inside, outside)]
    assert who[0] == who[1] == {"0", "1", "2"}
    assert members.sides(cuts, 999, seed=0) == (inside, outside)
    assert members.sides(cuts, 999, seed=1) != (inside, outside)
    assert [len(side) for side in members.sides(cuts, 5, seed=0)] == [5, 5]
    with pytest.raises(SystemExit, match="two clips each with a transcript"):
        members.sides(cuts[:1], 9, seed=0)


def test_clips_are_files_that_are_cut_once(tmp_path, make_voice):
    import soundfile

    samples = make_voice(seconds=2.0)
    soundfile.write(tmp_path / "a.wav", samples, 16_000)
    said = Utterance(tmp_path / "a.wav", "a", "7", "F", "ONE TWO", corpus.TRAINED, True)
    source = Recorded(said, np.zeros((200, 16), np.float16), alignment.whole("ONE TWO", 200))
    divided = functools.partial(clips.divide, longest=120)
    made = cutting.cut([source], divided, tmp_path / "clips")
    assert [one.clip.words for one in made] == [("ONE",)]  # the second is but a moment
    found = read(made[0].path)[0][0]
    assert np.abs(found - samples[: len(found)]).max() < 1e-4
    before = made[0].path.stat().st_mtime_ns
    cutting.cut([source], divided, tmp_path / "clips")
    assert made[0].path.stat().st_mtime_ns == before
    with (tmp_path / "clips" / cutting.MANIFEST).open(newline="") as file:
        row = next(csv.DictReader(file))
    assert row["transcript"] == "ONE"
    assert "question" not in row
    cutting.cut([source], divided, tmp_path / "asked", asked=True)
    with (tmp_path / "asked" / cutting.MANIFEST).open(newline="") as file:
        assert next(csv.DictReader(file))["answer"] == "one"
    assert row["recording"] == "a"


def corpus_of(folder, rows):
    folder.mkdir(exist_ok=True)
    with (folder / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows([corpus.COLUMNS, *rows])
    for row in rows:
        (folder / row[0]).touch()
    return folder


def test_speakers_of_eval_are_trained_on_nowhere(tmp_path):
    rows = [(f"{s}{k}.wav", f"{s}{k}", s, "F", "train", "") for s in "abc" for k in range(6)]
    rows += [("c9.wav", "c9", "c", "F", "eval", "x"), ("c8.wav", "c8", "c", "F", "pool", "")]
    rows += [("p.wav", "p", "p", "M", "pool", ""), ("a9.wav", "a9", "a", "F", "pool", "")]
    found = corpus.read(corpus_of(tmp_path / "d", rows))
    assert {u.name for u in found if u.speaker == "c"} == {"c9"}
    assert [u.name for u in corpus.of(found, corpus.HELD_OUT)] == ["a5", "b5"]
    assert {u.speaker for u in found if u.known} == {"a", "b"}
    assert next(u for u in found if u.name == "c9").transcript == "X"
    few = corpus.read(tmp_path / "d", speakers=2, utterances=3)
    assert sum(u.speaker == "b" for u in few) == 3


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("a1.wav", "a1", "a", "F", "train", ""), "needs a name of its own"),
        (("z.wav", "x/z", "a", "F", "train", ""), "without slashes"),
        (("z.wav", "z", "a", "?", "train", ""), r"sex takes F or M .* got '\?'"),
        (("b1.wav", "z", "b", "F", "eval", ""), "there are 1"),
    ],
)
def test_a_corpus_that_is_none_is_refused(tmp_path, row, message):
    rows = [(f"{s}1.wav", f"{s}1", s, "F", "train", "") for s in "ab"]
    with pytest.raises(SystemExit, match=message):
        corpus.read(corpus_of(tmp_path / "d", [*rows, row]))


def test_recordings_that_are_gone_are_told(tmp_path):
    rows = [(f"{s}1.wav", f"{s}1", s, "F", "train", "") for s in "ab"]
    folder = corpus_of(tmp_path / "d", rows)
    (folder / "b1.wav").unlink()
    with pytest.raises(SystemExit, match=r"1 of 2 recordings .* the first is b1.wav"):
        corpus.read(folder)


def test_words_are_found_in_time(shared_data, tmp_path):
    pytest.importorskip("pocketsphinx")
    utterance = next(u for u in corpus.read(shared_data / "speech") if u.part == "eval")
    alignment.align([utterance], tmp_path)
    found = alignment.read(tmp_path, utterance.name)
    assert list(found.words) == utterance.transcript.split()
    starts, ends = found.times.T
    assert (starts < ends).all()
    assert (starts[1:] >= ends[:-1]).all()
    assert (found.phones >= 0).mean() > 0.9
    before = (tmp_path / f"{utterance.name}.npz").stat().st_mtime_ns
    alignment.align([utterance], tmp_path)
    assert (tmp_path / f"{utterance.name}.npz").stat().st_mtime_ns == before


def test_tables_are_made_of_results(done, tmp_path):
    _, found = done
    (tmp_path / "base.json").write_text(json.dumps(found))
    made = tables.made(tmp_path)
    page = filled((RECIPE / "README.md").read_text(), made)
    assert filled(page, made) == page
    assert "| base | which of four words is said, strangers, named options |" in made["answers"]
    assert "| base | the first word, strangers |" in made["answers"]
    for table, count in ((made["answers"], 5), (made["cost"], 5)):
        rows = table.splitlines()
        assert len(rows) == count
        assert len({row.count("|") for row in rows}) == 1
    assert made["written"] == tables.NONE


def test_the_readme_shows_the_committed_results():
    page = (RECIPE / "README.md").read_text()
    assert filled(page, tables.made(tables.RESULTS)) == page


def test_the_configurations_can_be_read():
    assert settings.read("base.yaml").settings.aligned
    assert settings.read("voices.yaml").settings.kinds == ("sex", "speaker")
    assert settings.read("smoke.yaml", seed=7).settings.seed == 7


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kinds: [age]", "no kind of question 'age'"),
        ("refusals: 2.0", "a share from 0 to 1"),
        ("width: 100", "multiple of 64"),
        ("batch: 0", "batch takes 1 or more"),
        ("step: 1", "no setting 'step'"),
        ("asked: many", "asked takes a number"),
        ("members: 5", "setting: value"),
        ("- seeds", "setting: value"),
    ],
)
def test_a_setting_that_is_none_is_refused(tmp_path, text, message):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(SystemExit, match=message):
        settings.read(str(path))


def test_made_up_voices_are_made_once(done):
    work, _ = done
    before = {p: p.stat().st_mtime_ns for p in (work / "synthetic").iterdir()}
    assert synthetic.make(work / "synthetic") == work / "synthetic"
    assert {p: p.stat().st_mtime_ns for p in (work / "synthetic").iterdir()} == before


@pytest.mark.parametrize("module", [questions, wordings])
def test_examples_of_the_recipe(module):
    found = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert found.attempted
    assert not found.failed
