"""What the recipe for voice conversion takes: configurations and recordings; and what it keeps."""

import csv
import doctest
import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from recipes import common, staged
from recipes.common import filled
from recipes.train_voice_conversion import (
    compare,
    corpus,
    settings,
    tables,
)
from recipes.train_voice_conversion.__main__ import main
from voxguard.models import converter, live
from voxguard.models.network import NetworkShape
from voxguard.models.shipped import shipped

ROOT = Path(__file__).parents[2]
RECIPE = ROOT / "recipes" / "train_voice_conversion"


def test_the_readme_shows_the_committed_results():
    page = (RECIPE / "README.md").read_text()
    assert filled(page, tables.made(tables.RESULTS)) == page


@pytest.mark.parametrize(
    ("run", "looked_at", "file"),
    [
        ("segments", "segments-levels1-segments20", converter.FILE),
        ("taught", "taught-levels1", live.FILE),
    ],
)
def test_what_ships_is_what_the_configuration_makes(run, looked_at, file):
    found = json.loads((RECIPE / "results" / f"{looked_at}.json").read_text())
    weights = shipped(file)
    assert found["weights"] == weights.sha256
    # What the run that it started from was called then is no setting of the training.
    made = replace(settings.Settings(**weights.metadata["settings"]), start_from="")
    asked = replace(settings.read(f"{run}.yaml").settings, start_from="")
    assert json.dumps(asdict(made)) == json.dumps(asdict(asked))


@pytest.mark.parametrize(
    ("new", "old"),
    [
        ("segments-levels1-segments20", "offline-levels1-segments20"),
        ("taught-levels1", "live-levels3"),
    ],
)
def test_what_ships_was_kept_over_what_shipped_before(new, old):
    results = [json.loads((RECIPE / "results" / f"{name}.json").read_text()) for name in (new, old)]
    assert not compare.objections(*results)


@pytest.mark.parametrize("name", [path.name for path in settings.CONFIGS.glob("*.yaml")])
def test_the_configurations_can_be_read(name):
    config = settings.read(name)
    assert config.name == name.removesuffix(".yaml")
    if name != "smoke.yaml":
        assert replace(config.settings.shape, causal=False, ahead=0) == NetworkShape()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("step: 3", "no setting 'step'; there are steps"),
        ("learning_rate: 5e-4", "learning_rate takes a float, got '5e-4'"),
        ("start_from: /home/anna/run", "name of a run in the work folder"),
        ("causal: 1", "causal takes a bool, got 1"),
        ("codebooks: [8, 8]", "kept_levels takes one number a codebook"),
        ("evaluation: {level: 3}", "no setting 'level'"),
        ("- steps", "setting: value"),
        ("{apart: true, batch: 1}", "apart takes a batch of 2 chunks"),
        ("{causal: true, teacher: ../run}", "teacher takes the name of a run"),
        ("teacher: segments", "teacher goes with causal: true"),
        ("{causal: true, ahead: 1}", "ahead takes 0, or 1 where there is a teacher"),
        ("{causal: true, teacher: segments, ahead: 2}", "ahead takes 0, or 1"),
    ],
)
def test_a_setting_that_is_none_is_refused(tmp_path, text, message):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(SystemExit, match=message):
        settings.read(str(path))


def test_an_unknown_configuration_is_refused():
    with pytest.raises(
        SystemExit, match=r"one of ablation\.yaml, heard\.yaml, live-apart\.yaml, live\.yaml, many"
    ):
        settings.read("none.yaml")


@pytest.fixture
def rows(tmp_path):
    """Gives a folder with these rows as manifest.csv, and a file for each."""

    def write(*rows, columns=corpus.COLUMNS, absent=()):
        with (tmp_path / "manifest.csv").open("w", newline="") as file:
            csv.writer(file).writerows([columns, *rows])
        for row in rows:
            if row[0] not in absent and "/" not in row[0]:
                (tmp_path / row[0]).touch()
        return tmp_path

    return write


def row(name, speaker, split="train", transcript=""):
    return (f"{name}.wav", name, speaker, "F", split, transcript)


GOOD = [row("a", "5789"), row("b", "1"), row("c", "2", "pool")]


def test_eval_speakers_are_left_out(rows):
    found = corpus.read(rows(*GOOD, row("d", "3"), row("e", "3", "eval")))
    assert [(u.name, u.dev) for u in found] == [("a", True), ("b", False), ("c", False)]


def test_a_few_are_those_of_the_dev_speakers_first(rows):
    many = [row(f"{s}-{k}", s) for s in ("0", "1", "2", "5789") for k in range(3)]
    found = corpus.read(rows(*many), speakers=3, utterances=2)
    assert [u.name for u in found] == ["0-0", "0-1", "1-0", "1-1", "5789-0", "5789-1"]


@pytest.mark.parametrize(
    ("bad", "options", "message"),
    [
        (GOOD, {"absent": ["b.wav"]}, r"1 of 3 recordings .* not there, the first is b\.wav"),
        (GOOD[1:], {}, "none of the dev speakers"),
        (GOOD[:2], {}, "two speakers or more .* there are 1"),
        ([*GOOD, GOOD[1]], {}, "'b', 2 times"),
        ([*GOOD, row("x/../d", "3")], {"absent": ["x/../d.wav"]}, "without slashes"),
        ([*GOOD, ("d.wav", "d")], {}, "row 5: not as many fields"),
        (GOOD, {"columns": ("path", "name", "speaker", "sex", "split", "t")}, "no column utter"),
    ],
)
def test_a_bad_folder_is_refused(rows, bad, options, message):
    with pytest.raises(SystemExit, match=message):
        corpus.read(rows(*bad, **options))


def test_a_folder_without_manifest_is_refused(tmp_path):
    with pytest.raises(SystemExit, match=r"manifest\.csv cannot be read .* or 'synthetic'"):
        main([str(tmp_path), "--work", str(tmp_path / "work"), "--device", "cpu"])


def test_a_silent_recording_is_named(rows, tmp_path):
    import soundfile

    from recipes.train_voice_conversion.features import load

    soundfile.write(tmp_path / "quiet.wav", np.zeros(16_000), 16_000)
    with pytest.raises(SystemExit, match=r"quiet\.wav: digital silence"):
        load(tmp_path / "quiet.wav")
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    with pytest.raises(SystemExit, match=r"broken\.wav: "):
        load(tmp_path / "broken.wav")


RESULT = {
    "eer": {"ignorant": {"value": 0.1}, "lazy": {"value": 0.4}, "wccn": {"value": 0.3}},
    "wer": {"value": 0.4},
    "pitch_correlation": {"value": 0.7},
    "rtf": 0.03,
    "given": {"utterances": 10, "levels": 3},
}


@pytest.mark.parametrize(
    ("changed", "reasons"),
    [
        ({"wer": {"value": 0.38}}, []),
        ({"eer": {"lazy": {"value": 0.33}, "wccn": {"value": 0.35}}}, []),
        ({"eer": {"lazy": {"value": 0.28}, "wccn": {"value": 0.5}}}, ["neither", "less private"]),
        ({"wer": {"value": 0.3}, "eer": {"lazy": {"value": 0.4}, "wccn": {"value": 0.28}}},
         ["less private"]),
        ({"wer": {"value": 0.42}}, ["neither", "less clear"]),
        ({"wer": {"value": 0.395}}, ["neither"]),
        ({"wer": {"value": 0.38}, "pitch_correlation": {"value": 0.59}}, ["less melody"]),
        ({"wer": {"value": 0.38}, "rtf": 0.06}, ["slower"]),
    ],
)  # fmt: skip
def test_what_is_kept(changed, reasons):
    found = compare.objections(RESULT | changed, RESULT)
    assert len(found) == len(reasons)
    assert all(a.startswith(b) for a, b in zip(found, reasons, strict=True))


def test_results_of_two_kinds_are_not_compared():
    with pytest.raises(SystemExit, match="utterances is 5 in one and 10 in the other"):
        compare.objections(RESULT | {"given": {"utterances": 5}}, RESULT)


@pytest.mark.parametrize("module", [common, staged, compare, corpus])
def test_examples_of_the_recipe(module):
    found = doctest.testmod(module)
    assert found.attempted
    assert not found.failed
