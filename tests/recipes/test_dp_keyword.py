"""Words with differential privacy: the smoke run, what it goes on from, and what it promises."""

import csv
import doctest
import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("opacus")
pytest.importorskip("dp_accounting")

from recipes.common import filled  # noqa: E402
from recipes.dp_keyword import attacks, corpus, features, settings, tables, training  # noqa: E402
from recipes.dp_keyword.__main__ import main  # noqa: E402
from recipes.dp_keyword.envelopes import envelope  # noqa: E402
from recipes.dp_keyword.models import Convolutional, Linear, TailAverage  # noqa: E402
from recipes.dp_keyword.settings import Run  # noqa: E402
from recipes.dp_keyword.training import Clips  # noqa: E402
from voxguard import synthetic_voice  # noqa: E402

ROOT = Path(__file__).parents[2]
RECIPE = ROOT / "recipes" / "dp_keyword"
RUN = ["synthetic", "--config", "smoke.yaml", "--device", "cpu"]


@pytest.fixture(scope="module")
def done(smoke_run):
    return smoke_run("dp_keyword")


def test_every_training_has_its_account_and_its_figures(done):
    _, found = done
    assert len(found) == len(settings.read("smoke.yaml").runs) == 7
    for result in found:
        privacy, limit = result["privacy"], result["run"]["epsilon"]
        assert privacy["steps"] == result["run"]["steps"]
        assert 0.0 <= result["accuracy"] <= 1.0
        assert ("audit" in result) == bool(result["run"]["canaries"])
        assert ("membership" in result) != ("audit" in result)
        if limit is None:
            assert privacy["epsilon_pld"] is None
        else:
            assert 0.98 * limit < privacy["epsilon_pld"] <= limit < privacy["epsilon_rdp"]
            assert privacy["mechanisms"][0]["noise_multiplier"] > 0.5
    kernel = [r for r in found if r["run"]["front_end"] == "kernel" and "membership" in r]
    assert min(r["accuracy"] for r in kernel) > 0.8  # made-up words are easy


def test_units_are_counted_as_what_they_are(done):
    _, found = done
    population = {
        (r["run"]["unit"], r["run"]["canary"], r["run"]["canaries"]): r["privacy"]["population"]
        for r in found
    }
    examples, users = population["example", "label", 0], population["user", "label", 0]
    assert examples == 6 * 36
    assert users == 6 * 8  # seven of 5 clips and one of 1 from each speaker
    assert examples - 32 < population["example", "label", 32] < examples
    assert users < population["user", "gradient", 40] < users + 40


def test_the_same_command_does_nothing_twice(done, capsys):
    work, found = done
    before = {p: p.stat().st_mtime_ns for p in (work / "runs").iterdir()}
    main([*RUN, "--work", str(work)])
    assert "accuracy" not in capsys.readouterr().err
    assert {p: p.stat().st_mtime_ns for p in (work / "runs").iterdir()} == before
    assert json.loads((work / "results" / "smoke.json").read_text()) == found


def test_tables_are_made_of_results(done, tmp_path):
    _, found = done
    (tmp_path / "full.json").write_text(json.dumps(found))
    (tmp_path / "tuning.json").write_text(json.dumps(found))
    page = filled((RECIPE / "README.md").read_text(), tables.made(tmp_path))
    assert filled(page, tables.made(tmp_path)) == page
    rows = tables.results(tmp_path).splitlines()
    assert rows[2].split("|")[2].strip() == "infinite"
    assert len(rows) == 2 + 3 + 2
    assert all(row.count("|") == rows[0].count("|") for row in rows[:5])


def test_the_readme_shows_the_committed_results():
    page = (RECIPE / "README.md").read_text()
    assert filled(page, tables.made(tables.RESULTS)) == page


def clips(count=120, dimensions=30, seed=0):
    """Two words that can be told apart, from two speakers."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    x = rng.normal(size=(count, dimensions)) + 1.5 * (labels[:, None] - 0.5)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    speakers = ["anna" if k < count / 2 else "bert" for k in range(count)]
    trained = list(range(0, count, 2)) + list(range(1, count - 20, 2))
    tested = [k for k in range(count) if k not in set(trained)]
    return Clips(torch.from_numpy(x).float(), labels, speakers, sorted(trained), tested, 2)


@pytest.mark.parametrize("unit", ["example", "user"])
def test_a_training_that_was_killed_goes_on_to_the_same_model(tmp_path, unit):
    data = clips()
    run = Run(unit=unit, epsilon=4.0, delta=1e-3, steps=6, seed=3)
    units = training.units_of(data, run)
    whole = training.train(data, units, run, tmp_path / "whole")

    def killed(step, _report):
        if step == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.train(data, units, run, tmp_path / "parts", progress=killed)
    parts = training.train(data, units, run, tmp_path / "parts")
    assert parts.privacy == whole.privacy
    assert parts.privacy["steps"] == 6
    for a, b in zip(whole.model.parameters(), parts.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_canaries_are_found_in_a_model_that_overfits_and_not_under_dp(tmp_path):
    data = clips(count=300, dimensions=400)
    plain = Run(epsilon=float("inf"), steps=200, learning_rate=50.0, canaries=100)
    private = Run(epsilon=1.0, delta=1e-3, steps=10, learning_rate=10.0, canaries=100)
    units = training.units_of(data, plain)
    bound = {}
    for run in (plain, private):
        rest, canaries = attacks.mislabelled(units, run.canaries, data.classes, seed=1)
        assert len(rest) == len(units) - 100
        spoilt = canaries.speakers()
        assert all(said[0][1] != units[name][0][1] for name, said in spoilt.items())
        model = training.train(data, dict(canaries.speakers(rest)), run, tmp_path / run.name).model
        bound[run.epsilon] = attacks.find_mislabelled(model, data, units, canaries, 1e-3)
    assert bound[plain.epsilon]["lower"] > 1.5
    assert bound[plain.epsilon]["auc"]["value"] > 0.95
    assert bound[1.0]["lower"] <= 1.0
    assert bound[1.0]["auc"]["value"] < 0.75


def test_pseudo_users_share_out_the_clips_of_a_speaker():
    data = clips()
    users = training.units_of(data, Run(unit="user", user_clips=7))
    assert sorted(index for said in users.values() for index, _ in said) == sorted(data.trained)
    assert all(len({data.speakers[index] for index, _ in said}) == 1 for said in users.values())
    assert max(len(said) for said in users.values()) == 7
    assert users != training.units_of(data, Run(unit="user", user_clips=7, seed=1))
    speakers = training.units_of(data, Run(unit="user", user_clips=0))
    assert sorted(speakers) == ["anna", "bert"]
    examples = training.units_of(data, Run())
    assert len(examples) == len(data.trained)


def test_the_average_is_that_of_the_last_weights(tmp_path):
    model = Linear(2, 2)
    average = TailAverage(model, first=2)
    for k in range(1, 6):
        with torch.no_grad():
            model.weight.fill_(float(k))
        average.step()
        if k == 3:  # as after an interruption
            state = {name: value.clone() for name, value in average.state_dict().items()}
            average = TailAverage(model, first=2)
            average.load_state_dict(state)
    average.apply()
    assert model.weight.unique().tolist() == [4.0]


@pytest.fixture(scope="module")
def mels():
    return [
        envelope(synthetic_voice(seconds=0.4, sample_rate=8000, speaker=k, seed=k), 8000)
        for k in range(3)
    ]


@pytest.mark.parametrize("name", sorted(features.FRONT_ENDS))
def test_what_a_clip_looks_like_does_not_depend_on_the_others(mels, name):
    """Else one person's recording would change what is released of another's."""
    together = features.FRONT_ENDS[name](mels)
    alone = features.FRONT_ENDS[name](mels[:1])
    np.testing.assert_allclose(together[:1], alone, atol=1e-5)
    assert together.dtype == np.float32
    assert not np.allclose(together[0], together[1], atol=1e-2)
    if name in ("kernel", "encoded", "both"):
        np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1.0, atol=1e-5)


def test_silence_around_a_word_and_its_level_do_not_matter():
    word = synthetic_voice(seconds=0.4, sample_rate=8000)
    quiet = 1e-4 * np.random.default_rng(0).standard_normal(1600).astype(np.float32)
    padded = np.concatenate([quiet, 0.25 * word, quiet])
    a, b = features.kernel([envelope(word, 8000), envelope(padded, 8000)])
    other = features.kernel(
        [envelope(synthetic_voice(seconds=0.4, sample_rate=8000, seed=1), 8000)]
    )
    assert a @ b > 0.85 > 0.7 > float((a @ other.T)[0])


def test_a_network_that_learns_its_features_is_one_that_dp_can_train():
    from voxguard.privacy import preflight

    model = Convolutional(64, 32, 10)
    assert preflight(model, torch.randn(3, 64, 32)).ok


def test_the_recordings_of_fsdd_are_divided_as_they_are_meant_to_be(tmp_path):
    for word in (0, 1):
        for take in (0, 4, 5, 14, 15, 49):
            (tmp_path / f"{word}_anna_{take}.wav").touch()
    (tmp_path / "README.md").touch()
    found = corpus.read(tmp_path)
    split = {clip.path.stem: clip.split for clip in found if clip.word == "1"}
    assert split == {
        "1_anna_0": "test", "1_anna_4": "test", "1_anna_5": "dev", "1_anna_14": "dev",
        "1_anna_15": "train", "1_anna_49": "train",
    }  # fmt: skip
    assert len(corpus.read(tmp_path, most=1)) == 6


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("a.wav", "yes", "anna", "eval"), r"row 3: .* a split is one of train, dev, test"),
        (("a.wav", "yes", "anna"), "row 3: the columns path, word, speaker, split"),
        (("b.wav", "yes", "anna", "test"), r"row 3: b\.wav is not there"),
        (("a.wav", "no", "anna", "test"), "two words or more are needed to test, got 1"),
    ],
)
def test_a_bad_manifest_is_refused(tmp_path, row, message):
    (tmp_path / "a.wav").touch()
    with (tmp_path / "manifest.csv").open("w", newline="") as file:
        rows = [corpus.COLUMNS, ("a.wav", "no", "anna", "train"), row]
        rows += [("a.wav", "yes", "anna", "train")] * (row[-1] == "test")
        csv.writer(file).writerows(rows)
    with pytest.raises(SystemExit, match=message):
        corpus.read(tmp_path)


def test_a_folder_without_words_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="or pass 'synthetic'"):
        main([str(tmp_path), "--work", str(tmp_path / "work"), "--device", "cpu"])


@pytest.mark.parametrize("name", ["full.yaml", "tuning.yaml", "smoke.yaml"])
def test_the_configurations_can_be_read(name):
    config = settings.read(name)
    assert config.name == name.removesuffix(".yaml")
    assert len({run.name for run in config.runs}) == len(config.runs)
    if name == "full.yaml":
        assert {run.seed for run in config.runs} == {0, 1, 2}
        assert not any(run.dev for run in config.runs)
    if name == "tuning.yaml":
        assert all(run.dev and run.seed >= 100 for run in config.runs)


def test_a_list_is_a_training_each(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("seeds: [0, 1]\nruns:\n  - {epsilon: [8, .inf], steps: [2, 3]}\n")
    assert len(settings.read(str(path)).runs) == 8
    assert {run.seed for run in settings.read(str(path), seed=-1).runs} == {-1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("runs: [{step: 3}]", "no setting 'step'; there are unit"),
        ("runs: [{steps: 3.5}]", "steps takes a int, got 3.5"),
        ("runs: [{unit: person}]", "unit is one of example, user"),
        ("runs: [{canaries: 20, canary: gradient}]", "are for the unit user"),
        ("runs: [{canaries: 20, seed: -1}]", "canaries spoil a model"),
        ("steps: 3", "a list of trainings"),
        ("{runs: [], clips: 3}", "no setting 'clips'; there are name"),
    ],
)
def test_a_setting_that_is_none_is_refused(tmp_path, text, message):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(SystemExit, match=message):
        settings.read(str(path))


def test_examples_of_the_recipe():
    found = doctest.testmod(features, optionflags=doctest.ELLIPSIS)
    assert found.attempted
    assert not found.failed
