"""Speakers as clients in the small: it trains, it leaks, Flower computes the same."""

import csv
import doctest
import json

import numpy as np
import pytest

from recipes.common import filled
from recipes.federated_attributes import corpus, features, settings, steps, tables, tasks
from recipes.federated_attributes.__main__ import main
from recipes.federated_attributes.app.federated_voices import model
from recipes.federated_attributes.app.federated_voices.local import local_round
from recipes.federated_attributes.app.federated_voices.speakers import Speakers
from recipes.federated_attributes.inprocess import federate
from recipes.federated_attributes.leakage import attack
from recipes.federated_attributes.settings import Plan

RECIPE = tables.HERE
RUN = ["synthetic", "--config", "smoke.yaml", "--step", "train"]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The work folder of a smoke run."""
    work = tmp_path_factory.mktemp("work")
    main([*RUN, "--work", str(work)])
    return work


def voices(count=12, seed=0, examples=6, width=5):
    """Speakers with a mean of their own, of two sexes that differ in the first feature."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(count), examples)
    sexes = tuple("FM"[k % 2] for k in range(count))
    y = np.array([sexes[k] == "M" for k in who], np.int64)
    x = rng.normal(size=(count, width))[who] + 0.3 * rng.normal(size=(len(who), width))
    x[:, 0] += 2.0 * (2 * y - 1)
    part = np.tile(np.arange(examples) % 2, count)
    return Speakers(tuple(f"v{k}" for k in range(count)), sexes, x.astype(np.float32), y, who, part)


def test_the_smoke_run_has_all_figures(done):
    found = json.loads((done / "federated_attributes" / "results" / "smoke.json").read_text())
    assert set(found["runs"]) == {"sex-none-0", "sex-mcadams-0"}
    run = found["runs"]["sex-none-0"]
    assert run["clients"] == 14
    assert run["utility"]["value"] > 0.6
    assert run["leakage"]["one update"]["sex"]["value"] > 0.9  # the class is the secret
    assert run["leakage"]["one update"]["inversion"]["value"] > 0.9


def test_what_is_done_is_not_done_again(done, tmp_path):
    files = [*(done / "federated_attributes" / "runs").iterdir(), *(done / "examples").iterdir()]
    before = {path: path.stat().st_mtime_ns for path in files}
    results = tmp_path / "results"
    main([*RUN, "--work", str(done), "--results", str(results)])
    assert before == {path: path.stat().st_mtime_ns for path in files}
    assert (results / "smoke.json").exists()


def test_other_settings_are_done_anew(done, tmp_path, capsys):
    path = tmp_path / "smoke.yaml"
    text = (RECIPE / "configs" / "smoke.yaml").read_text().replace("rounds: 4", "rounds: 5")
    path.write_text(text.replace("anonymize: [none, mcadams]", "anonymize: [none]"))
    run = ["synthetic", "--config", str(path), "--step", "train", "--work", str(done)]
    main([*run, "--results", str(tmp_path)])
    assert "sex-none-0: the settings are others" in capsys.readouterr().err
    assert json.loads((tmp_path / "smoke.json").read_text())["runs"]["sex-none-0"]["of"]["plan"][
        "rounds"
    ] == 5  # fmt: skip


def test_no_recording_and_no_path_is_in_the_results(done):
    text = (done / "federated_attributes" / "results" / "smoke.json").read_text()
    assert str(done) not in text
    assert "voice00" not in text


def test_anonymization_changes_what_is_measured(done):
    plain, changed = (
        Speakers.read(done / "examples" / f"sex-{method}-clients-3-0-0.npz")
        for method in ("none", "mcadams")
    )
    assert plain.names == changed.names
    assert plain.sexes == changed.sexes
    assert np.abs(plain.x - changed.x).max() > 0.1


def test_the_tables_show_the_results(done):
    page = (RECIPE / "README.md").read_text()
    shown = filled(page, tables.made(RECIPE / "results"))
    assert shown == page  # the committed ones are in it
    (done / "federated_attributes" / "results" / "smoke.json").rename(done / "full.json")
    made = tables.made(done)
    assert "| sex, none |" in made["results"]
    assert made["flower"] == made["deployment"] == tables.NONE


def test_flower_computes_what_one_process_does(tmp_path):
    """By ``flwr run``, with cohorts and noise; and the server does not go over its budget."""
    pytest.importorskip("flwr")
    pytest.importorskip("ray")
    from recipes.federated_attributes.flower import simulate

    clients = voices(5)
    found = simulate(
        clients,
        clients,
        Plan(rounds=2, cohort=0.7),
        tmp_path / "run",
        classes=2,
        noise_multiplier=0.5,
        seed=3,
    )
    assert found["greatest_parameter"] > 0.01
    assert found["greatest_difference"] < 1e-6
    lines = (tmp_path / "run" / "rounds.jsonl").read_text().splitlines()
    assert [json.loads(line)["round"] for line in lines] == [0, 1, 2]
    ledger = json.loads((tmp_path / "run" / "ledger.json").read_text())
    assert ledger["unit"] == "speaker"


@pytest.mark.parametrize("hidden", [0, 4])
def test_training_descends_the_gradient(hidden):
    """A step is the learning rate times the slope of the mean cross-entropy."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(7, 5)), rng.integers(0, 3, 7)
    start = {
        name: array.astype(np.float64) + 0.1 * rng.normal(size=array.shape)
        for name, array in model.initial(5, 3, hidden, seed=1).items()
    }

    def loss(arrays):
        return -np.mean(np.log(model.probabilities(arrays, x)[np.arange(7), y]))

    after = model.train(start, x, y, steps=1, learning_rate=0.5)
    for name, array in start.items():
        for place in list(np.ndindex(array.shape))[:: max(1, array.size // 5)]:
            up, down = ({**start, name: array.copy()} for _ in range(2))
            up[name][place] += 1e-6
            down[name][place] -= 1e-6
            slope = (loss(up) - loss(down)) / 2e-6
            assert (array - after[name])[place] == pytest.approx(0.5 * slope, abs=1e-6)


def test_a_node_of_several_speakers_clips_each():
    speakers = voices(3)
    before = model.initial(5, 2)
    config = {"local-steps": 50, "learning-rate": 5.0}
    alone = [local_round(before, speakers, [k], config, 0.1) for k in range(3)]
    assert all(np.linalg.norm(one["input.weight"]) > 0.1 for one in alone)
    both = local_round(before, speakers, [0, 1, 2], config, 0.1)
    clipped = [0.1 * one["input.weight"] / _norm(one) for one in alone]
    np.testing.assert_allclose(both["input.weight"], np.mean(clipped, axis=0), atol=1e-6)


def _norm(arrays):
    return np.sqrt(sum(np.sum(array.astype(float) ** 2) for array in arrays.values()))


def test_more_nodes_than_speakers_are_refused(tmp_path):
    from recipes.federated_attributes.deploy import deploy

    given = (voices(4), voices(4), Plan(), settings.Settings(), tmp_path / "run")
    with pytest.raises(SystemExit, match="3 nodes of 8 speakers need more than 4"):
        deploy(*given, classes=2)


def test_training_learns_and_a_part_of_the_clients_is_a_part():
    clients = voices(16)
    trained = federate(clients, Plan(rounds=15), classes=2)
    found = steps.utility(trained.models[-1], voices(10, seed=1), 20, 0)
    assert found["value"] > 0.8
    assert all(0 < len(cohort) < 16 for cohort in trained.cohorts)
    some = clients.some([5, 2])
    assert some.names == ("v5", "v2")
    np.testing.assert_array_equal(some.of(1)[0], clients.of(2)[0])


def test_updates_leak_and_noise_hides():
    clients, plan = voices(24), Plan(rounds=3)
    trained = federate(clients, plan, classes=2)
    seen = (clients, trained.models, trained.cohorts, plan)
    plain = attack(*seen, truth=clients, resamples=20)
    noisy = attack(*seen, truth=clients, noise_multiplier=100.0, resamples=20)
    for view in plain:
        assert plain[view]["sex"]["value"] > 0.95
        assert plain[view]["link"]["value"] < 0.25
        assert plain[view]["inversion"]["value"] > 0.9
        assert noisy[view]["sex"]["low"] < 0.5 < noisy[view]["sex"]["high"]
        assert abs(noisy[view]["inversion"]["value"]) < 0.5
        assert noisy[view]["link"]["high"] > 0.4


def test_the_server_sees_only_what_takes_part():
    clients, plan = voices(12), Plan(rounds=2)
    models = federate(clients, plan, classes=2).models
    found = attack(
        clients, models, [list(range(9)), list(range(9))], plan, truth=clients, resamples=20
    )
    assert found["all updates"]["sex"]["n"] == 9
    assert found["one update"]["sex"]["n"] == 12


@pytest.fixture
def rows(tmp_path):
    """Gives a folder with these rows as manifest.csv."""

    def made(*rows, columns=corpus.COLUMNS):
        with (tmp_path / "manifest.csv").open("w", newline="") as file:
            csv.writer(file).writerows([columns, *rows])
        return tmp_path

    return made


def row(speaker, sex, split="train", text="0"):
    return (f"{speaker}-{text}.wav", f"{speaker}-{text}", speaker, sex, split)


PEOPLE = [row(f"{sex}{k}", sex, "pool") for k in range(6) for sex in "FM"]


def test_nobody_is_both_client_and_held_out(rows):
    extra = [row("e0", "F", "eval"), row("e1", "M", "eval"), row("e0", "F", "train", "1")]
    found = corpus.read(rows(*PEOPLE, *extra), held_out=4)
    assert not set(found.clients) & set(found.held_out)
    assert {"e0", "e1"} <= set(found.held_out)
    assert len(found.held_out) == 6
    assert len(found.held_out["e0"]) == 2
    assert len(found.clients) == 8
    assert corpus.read(rows(*PEOPLE, *extra), held_out=4) == found


def test_without_a_split_every_fifth_is_held_out(rows):
    found = corpus.read(rows(*PEOPLE, row("x", "")))
    assert len(found.held_out) == 2
    assert "x" not in found.everyone()


@pytest.mark.parametrize(
    ("bad", "columns", "message"),
    [
        ([row("a", "F"), row("b", "F")], corpus.COLUMNS, "both sexes are needed"),
        ([("a.wav", "x/a", "a", "F", "train")], corpus.COLUMNS, "no slashes"),
        ([("a.wav", "a")], corpus.COLUMNS, "row 2: not as many fields"),
        (PEOPLE, ("path", "name", "speaker", "sex", "split"), "no column utterance"),
    ],
)
def test_a_bad_manifest_is_refused(rows, bad, columns, message):
    with pytest.raises(SystemExit, match=message):
        corpus.read(rows(*bad, columns=columns))


def test_halves_are_two_sessions_or_two_ends_of_one(rows, tmp_path):
    import soundfile

    folder = rows(*PEOPLE, *(row("s", "F", text=str(k)) for k in range(3)))
    soundfile.write(tmp_path / "F0-0.wav", np.zeros(8 * 16_000), 16_000)
    found = corpus.read(folder).everyone()
    first, second = features.segments(found["s"], 10.0)
    assert (first.name, second.name) == ("s-0.0", "s-2.1")
    first, second = features.segments(found["F0"], 10.0)
    assert first.utterance == second.utterance
    assert (first.start_s, first.seconds, second.start_s) == (0.0, 4.0, 4.0)
    with pytest.raises(SystemExit, match="digital silence"):
        features.load(first)


def test_sounds_have_all_classes():
    import voxguard

    measured = features.measure(voxguard.synthetic_voice(seconds=6.0, speaker=1))
    pairs = list(tasks._of("sounds", measured, "F"))
    assert {y for _, y in pairs} == {0, 1, 2}
    assert pairs[0][0].shape == (3 * features.BANDS,)


@pytest.mark.parametrize("name", ["full.yaml", "smoke.yaml"])
def test_the_configurations_can_be_read(name):
    assert settings.read(name).name == name.removesuffix(".yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("plan: {steps: 3}", "no setting 'steps'; there are rounds"),
        ("seconds: long", "seconds takes a float, got 'long'"),
        ("- tasks", "setting: value"),
    ],
)
def test_a_setting_that_is_none_is_refused(tmp_path, text, message):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(SystemExit, match=message):
        settings.read(str(tmp_path / "mine.yaml"))


@pytest.mark.parametrize("module", [steps, tables])
def test_examples_of_the_federated_recipe(module):
    found = doctest.testmod(module)
    assert found.attempted
    assert not found.failed
