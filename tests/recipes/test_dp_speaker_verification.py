"""The recipe in the small: it runs, is taken up, keeps people apart, and fills its tables."""
# ruff: noqa: E402 -- only where what the recipe needs is installed

import importlib.util
import json
import math
import shutil
from dataclasses import replace

import numpy as np
import pytest

# Found, not imported: modules of speechbrain warn when pytest's plugins look at them.
_NEEDED = ("torch", "speechbrain", "opacus", "dp_accounting")
if missing := [name for name in _NEEDED if importlib.util.find_spec(name) is None]:
    pytest.skip(f"needs {', '.join(missing)}", allow_module_level=True)

import torch

from recipes.common import filled
from recipes.dp_speaker_verification import (
    corpus,
    losses,
    private,
    settings,
    speech,
    summary,
    tables,
)
from recipes.dp_speaker_verification.__main__ import main
from recipes.dp_speaker_verification.features import Features
from recipes.dp_speaker_verification.network import Encoder, _make_private
from voxguard.models.ecapa import EcapaModel
from voxguard.privacy import preflight

SMOKE = settings.read("smoke.yaml")
TINY = SMOKE.settings


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """The work folder of a whole smoke run."""
    folder = tmp_path_factory.mktemp("work")
    main(["synthetic", "--work", str(folder), "--config", "smoke.yaml", "--device", "cpu"])
    return folder


@pytest.fixture(scope="module")
def said(work):
    """Everybody's speech."""
    spoken = corpus.read(work / "synthetic", TINY)
    return speech.Speech(spoken, Features(work / "features"), TINY)


def encoder(seed=0):
    torch.manual_seed(seed)
    return Encoder(TINY)


def prepared(said, name, seed=0):
    method = next(m for m in SMOKE.methods if m.name == name)
    drawn = corpus.draw(said.corpus.private, TINY, seed)
    return private.prepare(method, encoder(seed), said, drawn, TINY, "cpu")


def test_every_run_leaves_its_figures_and_no_key(work):
    found = json.loads((work / "results" / "smoke.json").read_text())
    assert len(found["runs"]) == len(SMOKE.methods) * len(TINY.epsilons)
    assert {run["method"]["name"] for run in found["audits"]} == {"speaker", "speaker-tuned"}
    for run in found["runs"]:
        assert 0.0 <= run["after"]["eer"]["value"] <= 1.0
        assert run["privacy"]["unit"] == run["method"]["unit"]
        if run["epsilon"] == "inf":
            assert run["privacy"]["epsilon_pld"] == "inf"
        else:
            assert 0.99 * run["epsilon"] < run["privacy"]["epsilon_pld"] <= run["epsilon"]
            assert run["privacy"]["epsilon_pld"] < run["privacy"]["epsilon_rdp"]
            assert run["population_for"] > 1
    assert not list(work.glob("smoke/under way/*/checkpoint.pt"))
    assert not any(run["contradicts"] for run in found["audits"])


def test_nobody_and_no_path_is_in_the_results(work):
    told = (work / "results" / "smoke.json").read_text()
    assert str(work) not in told
    assert "pool1" not in told


def test_what_is_there_is_not_done_again(work, capsys):
    before = {path: path.stat().st_mtime_ns for path in work.glob("smoke/runs/*.json")}
    main(["synthetic", "--work", str(work), "--config", "smoke.yaml", "--method", "example"])
    assert {path: path.stat().st_mtime_ns for path in work.glob("smoke/runs/*.json")} == before
    assert "CPU s" not in capsys.readouterr().err


def test_runs_of_other_settings_are_not_mixed_with_these(work, tmp_path):
    changed = tmp_path / "smoke.yaml"
    changed.write_text(
        (settings.CONFIGS / "smoke.yaml").read_text().replace("steps: 3", "steps: 4")
    )
    with pytest.raises(SystemExit, match="another configuration"):
        main(["synthetic", "--work", str(work), "--config", str(changed)])


@pytest.mark.parametrize(("name", "epsilon"), [("speaker", 8.0), ("example", math.inf)])
def test_an_interrupted_training_ends_as_one_that_was_not(said, name, epsilon, tmp_path):
    def stop(steps, _report):
        if steps == 1:
            raise KeyboardInterrupt

    whole, cut = prepared(said, name), prepared(said, name)
    arguments = (TINY, 0, "cpu")
    untouched = private.train(whole, epsilon, tmp_path / "whole", *arguments, lambda *_: None)
    every_step = replace(TINY, checkpoint_every=1)
    with pytest.raises(KeyboardInterrupt):
        private.train(cut, epsilon, tmp_path / "cut", every_step, 0, "cpu", stop)
    again = prepared(said, name)
    resumed = private.train(again, epsilon, tmp_path / "cut", every_step, 0, "cpu", lambda *_: None)
    assert resumed == untouched
    for one, other in zip(whole.model.parameters(), again.model.parameters(), strict=True):
        assert torch.equal(one, other)


def test_nobody_is_in_two_sets_and_outsiders_are_not_trained_on(said):
    who = said.corpus
    tested = {u.speaker for u in who.test}
    assert not set(who.public) & set(who.private)
    assert not tested & (set(who.public) | set(who.private))
    drawn = corpus.draw(who.private, TINY, 3)
    assert drawn == corpus.draw(dict(reversed(who.private.items())), TINY, 3)
    assert set(drawn.members) | set(drawn.outsiders) == set(who.private)
    assert not set(drawn.members) & set(drawn.outsiders)
    assert 0 < len(drawn.outsiders) < len(drawn.audited)
    assert corpus.draw(who.private, TINY, 4) != drawn
    assert set(prepared(said, "speaker", 3).units) == set(drawn.members)


def test_no_speech_is_in_two_examples():
    frames = np.arange(470.0)[:, None]
    starts = [int(s[0, 0]) for s in speech.cut(frames, 200, 200)]
    assert starts == [0, 200]
    assert [int(s[0, 0]) for s in speech.cut(frames, 200, 100)] == [0, 100, 200]


def test_the_encoder_is_that_of_speechbrain():
    torch.manual_seed(0)
    theirs = EcapaModel(
        channels=TINY.channels, embedding=TINY.embedding, attention=TINY.attention
    ).network
    _make_private(theirs, TINY.groups)
    frames = 20.0 * torch.randn(2, 60, 80)
    torch.testing.assert_close(encoder()(frames), theirs(frames / 20.0).squeeze(1))


def test_preflight_accepts_the_encoder_and_not_what_it_was_made_from():
    frames = 20.0 * torch.randn(3, 40, 80)
    assert preflight(encoder().train(), frames, engine="hooks").ok
    plain = EcapaModel(channels=8, embedding=16, attention=8).network
    assert "BatchNorm" in str(preflight(plain, frames, engine="hooks"))


def test_the_vectors_of_public_speakers_follow_the_model():
    model = encoder().train()
    public, mine = 20.0 * torch.randn(6, 40, 80), 20.0 * torch.randn(3, 40, 80)
    kept, fresh = losses.AgainstPublic(public, 10.0), losses.AgainstPublic(public, 10.0, keep=False)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    seen = []
    for _ in range(2):
        loss = kept(model, mine)
        torch.testing.assert_close(loss, fresh(model, mine))
        torch.testing.assert_close(loss, kept(model, mine))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen.append(loss.item())
    assert seen[0] != seen[1]


def test_a_speaker_apart_from_public_ones_has_a_lower_loss():
    class Same(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = torch.nn.Parameter(torch.ones(()))

        def forward(self, inputs):
            return self.scale * inputs

    loss = losses.AgainstPublic(torch.eye(3)[:1], 10.0)
    among, apart = torch.eye(3)[[0, 0, 0]], torch.eye(3)[[1, 1, 1]]
    assert loss(Same(), apart) < 0.01 < loss(Same(), among)
    assert loss(Same(), torch.eye(3)[[1, 1, 1]]) < loss(Same(), torch.eye(3)[[1, 2, 2]])


def test_the_tables_show_the_results(work, tmp_path):
    results = tmp_path / "results"
    results.mkdir()
    shutil.copy(work / "results" / "smoke.json", results / "full.json")
    made = {mark: table(results) for mark, table in tables.TABLES.items()}
    rows = made["results"].splitlines()
    assert len([row for row in rows if row.startswith(("| speaker", "| example"))]) == 6
    assert len({row.count("|") for row in rows if row.startswith("|")}) == 1
    assert tables.NONE not in made.values()
    page = (tables.HERE / "README.md").read_text()
    assert filled(page, made) != page
    assert all(table(tmp_path / "none") == tables.NONE for table in tables.TABLES.values())


def test_the_readme_shows_the_committed_results():
    page = (tables.HERE / "README.md").read_text()
    made = {mark: table(tables.RESULTS) for mark, table in tables.TABLES.items()}
    assert filled(page, made) == page


def test_figures_of_the_seeds_are_put_together():
    assert tables.percent([0.1, 0.1]) == "10.0 %"
    assert tables.percent([0.10, 0.14]) == "12.0 ± 2.8 %"
    assert tables.population([1234, 5678]) == "5,700"
    assert tables.population([1234, None]) == "more than 1e9"


def test_a_configuration_that_cannot_be_is_refused(tmp_path):
    def refused(text, why):
        path = tmp_path / "own.yaml"
        path.write_text(text)
        with pytest.raises(SystemExit, match=why):
            settings.read(str(path))

    method = "{name: a, unit: speaker, start: random, trained: all, loss: strangers"
    method += ", steps: 3, sampling_rate: 1}"
    refused("seeds: [0]", "list of methods")
    refused(f"chanels: 8\nmethods: [{method}]", "no setting 'chanels'")
    refused(f"methods: [{method.replace('unit: speaker', 'unit: person')}]", "speaker or example")
    refused(f"methods: [{method[:-1]}, utterances: 1}}]", "2 or more")
    refused(f"methods: [{method}, {method}]", "name of its own")
    with pytest.raises(SystemExit, match="no configuration"):
        settings.read("none.yaml")


def test_other_corpora_need_no_splits_and_no_roles(work, tmp_path):
    made = work / "synthetic"
    for line in (made / "manifest.csv").read_text().splitlines()[1:]:
        path, _, speaker, *_ = line.split(",")
        (tmp_path / speaker).mkdir(exist_ok=True)
        shutil.copy(made / path, tmp_path / speaker / path)
    own = replace(TINY, public_split="", audited=0.5)
    read = corpus.read(tmp_path, own)
    assert len(read.public) == TINY.public_speakers
    assert len({u.speaker for u in read.test}) == 5
    assert {u.role for u in read.test} == {"enrolment", "trial"}
    with pytest.raises(SystemExit, match="private speakers"):
        corpus.read(tmp_path, replace(own, public_speakers=30))


def test_the_summary_has_no_run_that_is_not_finished(work, tmp_path):
    shutil.copytree(work / "smoke", tmp_path / "smoke")
    gone = tmp_path / "smoke" / "runs" / "example-eps8-seed0.json"
    gone.rename(gone.with_suffix(".part"))
    summary.write_summary(gone.parent, tmp_path / "found.json")
    assert len(json.loads((tmp_path / "found.json").read_text())["runs"]) == 5
