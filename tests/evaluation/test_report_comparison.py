"""Evaluations side by side: what may be compared, and the command."""

import json

import pytest
import typer
from example import bare, example, reference
from typer.testing import CliRunner

from voxguard.cli.compare import compare as command
from voxguard.errors import ConfigurationError, OutputError
from voxguard.evaluation.report import compare, render_comparison
from voxguard.evaluation.results import Results

pytest.importorskip("jinja2")


def pair(change=None, **options):
    other = example(name="other", **options)
    if change:
        change(other)
    return compare([Results(example()), Results(other)], ["a.json", "b.json"])


def test_the_same_evaluation_of_two_methods_is_comparable():
    comparison = pair(strength=0.3, wer=0.5)
    assert comparison.comparable
    assert not comparison.remarks


def sets(*path, to):
    def apply(document):
        found = document
        for key in path[:-1]:
            found = found[key]
        found[path[-1]] = to

    return apply


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (sets("protocol", "name", to="vpc"), "protocol differs (A: libri-mini 1; B: vpc 1)"),
        (sets("protocol", "version", to=2), "protocol differs"),
        (sets("protocol", "settings", "segment_s", to=3.0), "setting segment_s differs"),
        (sets("data", "trials", to=99), "data, trials differs (A: 125; B: 99)"),
        (sets("data", "name", to="x"), "data, name differs"),
        (sets("data", "excluded", to=[]), "utterances left out differs"),
        (lambda d: d["attackers"].pop(3), "ignorant/dvector/cosine is not in the panel of B"),
        (sets("attackers", 0, "fingerprint", to="ff"), "have other weights or settings"),
        (sets("attackers", 0, "metrics", "eer", "value", to=0.2), "not the same EER on original"),
        (sets("utility", 0, "how", to="whisper"), "wer was measured in different ways"),
    ],
)
def test_what_cannot_be_compared_is_named(change, message):
    comparison = pair(change)
    assert not comparison.comparable
    assert message in "\n".join(comparison.differences)
    page = render_comparison(comparison)
    assert "NOT COMPARABLE" in page
    assert "Do not rank" in page


def test_weights_that_were_learnt_from_original_speech_are_rounded_by_the_machine():
    def elsewhere(document):
        document["attackers"][0].update(fingerprint="ff", options={"seed": 0})

    assert pair(elsewhere).comparable


def test_weights_of_retrained_attackers_differ_as_they_must():
    assert pair(sets("attackers", 10, "fingerprint", to="another")).comparable


def test_a_method_is_comparable_with_original_speech():
    comparison = compare([Results(reference()), Results(example())], ["none", "mcadams"])
    assert comparison.comparable, comparison.differences
    assert not pair(sets("data", "train_draws", to=1)).comparable


def test_version_and_seed_are_remarks():
    comparison = pair(sets("seed", to=7))
    assert comparison.comparable
    assert comparison.remarks == ("seed differs (A: 0; B: 7)",)


def test_two_evaluations_of_one_method_are_told_apart():
    comparison = compare([Results(example())] * 2, ["a.json", "b.json"])
    assert [entry.label for entry in comparison.entries] == ["mcadams (a.json)", "mcadams (b.json)"]


def test_many_methods():
    many = [Results(example(name=f"m{i}", strength=0.1 + i / 30)) for i in range(30)]
    comparison = compare(many, [f"{i}.json" for i in range(30)])
    assert len({entry.key for entry in comparison.entries}) == 30
    assert render_comparison(comparison).count("<circle") == 3  # one reference, in plot and legend


def test_one_is_not_enough():
    with pytest.raises(ConfigurationError, match="two results or more"):
        compare([Results(example())], ["a"])


def test_nothing_measured():
    page = render_comparison(compare([Results(bare())] * 2, ["a", "b"]))
    assert "<svg" not in page
    assert "not measured: one speaker only" in page


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    app.command()(command)

    def call(*arguments):
        return CliRunner().invoke(app, list(map(str, arguments)))

    Results(example()).write("a.json")
    Results(example(name="vc", strength=0.2, wer=0.3, trusted=True)).write("b.json")
    return call


def test_the_command(run, tmp_path):
    done = run("a.json", "b.json", "--html", "c.html", "--csv", "c.csv", "--svg", "c.svg")
    assert done.exit_code == 0, done.output
    assert "36.6 %  n 125" in done.stdout
    assert "A (mcadams) is UNTRUSTED" in done.stderr
    assert "not comparable" not in done.stderr
    assert "<svg" in (tmp_path / "c.html").read_text("utf-8")
    assert (tmp_path / "c.svg").read_text("utf-8").startswith("<svg xmlns=")
    assert len((tmp_path / "c.csv").read_text("utf-8").splitlines()) > 200


def test_the_command_warns(run):
    Results(example(name="x") | {"seed": 5, "attackers": example()["attackers"][1:]}).write(
        "c.json"
    )
    done = run("a.json", "c.json")
    assert done.exit_code == 0
    assert "warning: not comparable: attacker unprotected/dvector/cosine" in done.stderr
    assert "warning: seed differs" in done.stderr


def test_the_command_for_machines(run):
    content = json.loads(run("a.json", "b.json", "--json").stdout)
    assert content["comparable"] is True
    assert [m["label"] for m in content["methods"]] == ["mcadams", "vc"]
    assert content["methods"][0]["eer"]["n"] == 125
    assert content["methods"][1]["trusted"] is True


def test_the_command_refuses(run, tmp_path):
    (tmp_path / "bad.json").write_text("{}")
    for arguments, error, message in (
        (["a.json"], ConfigurationError, "two files"),
        (["a.json", "bad.json"], ConfigurationError, "bad.json"),
        (["a.json", "none.json"], ConfigurationError, "cannot be read"),
        (["a.json", "b.json", "--csv", "x", "--html", "x"], ConfigurationError, "same file"),
        (["a.json", "b.json", "--csv", "a.json"], OutputError, "exists"),
    ):
        done = run(*arguments)
        assert isinstance(done.exception, error), arguments
        assert message in str(done.exception)
    assert Results.read("a.json").system == "mcadams"
