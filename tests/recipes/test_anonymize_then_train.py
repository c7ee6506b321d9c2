"""Training on anonymized speech: the smoke run, and attacks that find what there is to find."""

import doctest
import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")

from recipes.anonymize_then_train import leaks, members, settings, tables  # noqa: E402
from recipes.anonymize_then_train.__main__ import main  # noqa: E402
from recipes.anonymize_then_train.recogniser import Recipe, accuracy, losses  # noqa: E402
from recipes.anonymize_then_train.renderings import render  # noqa: E402
from recipes.anonymize_then_train.study import RAW, Corpus, acquainted, study  # noqa: E402
from recipes.common import filled  # noqa: E402
from recipes.dp_keyword import synthetic  # noqa: E402
from voxguard.audio import read  # noqa: E402

ROOT = Path(__file__).parents[2]
RECIPE = ROOT / "recipes" / "anonymize_then_train"
RUN = ["synthetic", "--config", "smoke.yaml", "--device", "cpu"]


@pytest.fixture(scope="module")
def done(smoke_run):
    return smoke_run("anonymize_then_train")


def test_all_figures_are_there(done):
    _, found = done
    assert [result["method"] for result in found] == [RAW, "mcadams"]
    raw, anonymized = found
    assert set(raw["accuracy"]) == set(raw["speaker"]) == set(raw["members"]) == {RAW}
    assert set(anonymized["accuracy"]) == set(anonymized["speaker"]) == {RAW, "anonymized"}
    assert set(anonymized["members"]) == {RAW, "own draws"} == set(anonymized["member_speakers"])
    assert raw["accuracy"][RAW] > 0.9  # made-up words are easy
    assert anonymized["accuracy"]["anonymized"] > 0.6
    for result in found:
        figures = [*result["members"].values(), *result["member_speakers"].values()]
        assert all(f["attack"] == "lira" and f["references"] == 2 for f in figures)
        assert result["members"][RAW]["members"] == result["members"][RAW]["non_members"] == 360
        assert result["member_speakers"][RAW]["members"] == 18


def test_the_same_command_does_nothing_twice(done, capsys):
    work, found = done
    before = {p: p.stat().st_mtime_ns for p in work.rglob("*") if p.suffix in (".wav", ".npy")}
    (work / "runs" / "smoke" / "mcadams-seed0.json").unlink()
    main([*RUN, "--work", str(work)])
    assert "raw, seed" not in capsys.readouterr().err
    again = json.loads((work / "results" / "smoke.json").read_text())
    assert {p: p.stat().st_mtime_ns for p in before} == before
    assert again[0] == found[0]
    assert again[1] == found[1] | {"seconds": again[1]["seconds"]}


def test_every_recording_has_a_draw_of_its_own(done, tmp_path):
    work, _ = done
    path = next((work / "synthetic").glob("0-0-0.wav"))
    same = tmp_path / "same.wav"
    same.write_bytes(path.read_bytes()[:-2] + b"\0\0")  # the same but for a sample
    (first, second), _ = render([path, same], "mcadams", 0, tmp_path / "out")
    (other,), _ = render([path], "mcadams", 1, tmp_path / "out")
    samples = {p: read(p)[0] for p in (path, first, second, other)}
    assert len({x.shape for x in samples.values()}) == 1
    names = list(samples)
    for k, a in enumerate(names):
        for b in names[k + 1 :]:
            assert abs(np.corrcoef(samples[a].ravel(), samples[b].ravel())[0, 1]) < 0.98
    assert render([path], "mcadams", 1, tmp_path / "out")[0] == [other]


def test_halves_are_complements():
    found = members.halves(11, 4, np.random.default_rng(0))
    assert (found[0::2] == ~found[1::2]).all()
    assert set(found.sum(axis=1)) == {5, 6}
    assert len(np.unique(found, axis=0)) == 8


def test_members_are_found_by_losses_that_tell_them():
    rng = np.random.default_rng(0)
    is_in = members.halves(200, 4, rng)
    hard = rng.uniform(0.5, 3.0, 200)  # what is hard is so for all models
    names = [str(k) for k in range(200)]
    blind = hard * np.exp(0.1 * rng.normal(size=is_in.shape))
    told = members.attack(is_in, blind - 0.4 * is_in, blind, names)
    assert told["auc"]["value"] > 0.85
    assert told["references"] == 3
    chance = members.attack(is_in, blind, blind, names)["auc"]
    assert chance["low"] < 0.5 < chance["high"]


def test_references_have_not_seen_what_is_asked_about():
    """If they had, a member would look like everybody else."""
    is_in = members.halves(60, 3, np.random.default_rng(1))
    own = np.where(is_in, 0.01, 1.0) + 0.001 * np.random.default_rng(2).normal(size=is_in.shape)
    found = members.attack(is_in, own, own, [str(k) for k in range(60)])
    assert found["auc"]["value"] == 1.0


def test_means_over_the_clips_of_a_speaker():
    found = members.by_speaker(np.array([[1.0, 3.0, 5.0]]), ["b", "b", "a"], ["a", "b"])
    assert found.tolist() == [[5.0, 2.0]]


def corpus(shift=0.0, count=240):
    """Words in some dimensions, speakers in others; a rendering moves the speaker's."""
    rng = np.random.default_rng(0)
    labels, who = np.arange(count) % 3, (np.arange(count) // 3) % 4
    words, voices = rng.normal(size=(3, 10)), 2.0 * rng.normal(size=(4, 10))
    noise = 0.5 * rng.normal(size=(3, count, 20))
    raw = np.concatenate([words[labels], voices[who]], axis=1)
    moved = np.concatenate([words[labels], shift * voices[who]], axis=1)
    tested = rng.random(count) < 0.25
    return Corpus(
        torch.from_numpy(raw + noise[0]).float(),
        tuple(torch.from_numpy(moved + part).float() for part in noise[1:]),
        labels,
        np.array([f"s{k}" for k in who]),
        np.flatnonzero(~tested),
        np.flatnonzero(tested),
    )


def test_a_study_tells_a_rendering_without_voices_from_the_recordings():
    found = study(corpus(), Recipe(3, 32, 15), 0, pairs=3, splits=3)
    assert found["accuracy"]["anonymized"] > 0.9
    assert found["speaker"][RAW]["input"] > 0.9
    assert found["speaker"]["anonymized"]["input"] < 0.6
    assert found["speaker"]["anonymized"]["chance"] < 0.4
    raw = corpus()
    raw = Corpus(raw.raw, (), raw.labels, raw.speakers, raw.trained, raw.tested)
    plain = study(raw, Recipe(3, 32, 15), 0, pairs=3, splits=3)
    assert plain["members"][RAW]["auc"]["value"] > 0.55
    exact = found["members"][RAW]["auc"]
    assert exact["value"] < plain["members"][RAW]["auc"]["value"]


def test_speakers_who_cannot_be_asked_about_are_refused():
    who = np.array(list("aabbccdd"))
    everything = np.arange(8)
    assert acquainted(who, everything[::2], everything[1::2]) == list("abcd")
    with pytest.raises(SystemExit, match="here 0 do; divide the clips of each speaker"):
        acquainted(who, everything[:4], everything[4:])


def test_a_recogniser_learns_and_repeats():
    data = corpus()
    recipe = Recipe(3, 32, 60)
    a, b = (recipe.train(data.raw, data.labels, seed=1) for _ in range(2))
    assert accuracy(a, data.raw, data.labels) > 0.95
    assert (losses(a, data.raw, data.labels) == losses(b, data.raw, data.labels)).all()


def test_the_attacker_on_speakers_is_no_blind_one():
    data = corpus()
    model = Recipe(3, 16, 5).train(data.raw, data.labels, seed=0)
    known = data.raw[data.trained], data.speakers[data.trained]
    asked = data.raw[data.tested], data.speakers[data.tested]
    found = leaks.speakers_found(model, known, asked)
    assert found["input"] > 0.9
    assert found["input"] >= found["output"]


def test_tables_are_made_of_results(done, tmp_path):
    _, found = done
    (tmp_path / "full.json").write_text(json.dumps(found))
    page = filled((RECIPE / "README.md").read_text(), tables.made(tmp_path))
    assert filled(page, tables.made(tmp_path)) == page
    for table in tables.made(tmp_path).values():
        rows = [row for row in table.splitlines() if row.startswith("|")]
        assert len(rows) >= 4
        assert len({row.count("|") for row in rows}) == 1


def test_the_readme_shows_the_committed_results():
    page = (RECIPE / "README.md").read_text()
    assert filled(page, tables.made(tables.RESULTS)) == page


def test_the_configurations_can_be_read():
    assert settings.read("full.yaml").seeds == (0, 1, 2)
    assert settings.read("smoke.yaml", seed=7).seeds == (7,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("methods: [whisper]", "no method 'whisper'; there are"),
        ("copies: 1", "draws and reference models of his own"),
        ("epoch: 1", "no setting 'epoch'"),
        ("- seeds", "setting: value"),
    ],
)
def test_a_setting_that_is_none_is_refused(tmp_path, text, message):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(SystemExit, match=message):
        settings.read(str(path))


def test_made_up_words_are_made_once(done):
    work, _ = done
    before = {p: p.stat().st_mtime_ns for p in (work / "synthetic").iterdir()}
    assert synthetic.make(work / "synthetic") == work / "synthetic"
    assert {p: p.stat().st_mtime_ns for p in (work / "synthetic").iterdir()} == before


def test_examples_of_the_recipe():
    found = doctest.testmod(members, optionflags=doctest.ELLIPSIS)
    assert found.attempted
    assert not found.failed
