"""The whole recipe in the small: it runs, is killed, goes on, and what it exports converts."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from recipes.common import filled
from recipes.train_voice_conversion import (
    checkpoint,
    corpus,
    curve,
    settings,
    synthetic,
    tables,
)
from recipes.train_voice_conversion.__main__ import main
from voxguard.models.converter import Converter
from voxguard.models.network import NetworkShape
from voxguard.models.pool import SpeakerPool

ROOT = Path(__file__).parents[2]
RECIPE = ROOT / "recipes" / "train_voice_conversion"
SMOKE = settings.read("smoke.yaml")
MODULE = [sys.executable, "-m", "recipes.train_voice_conversion"]
RUN = [*MODULE, "synthetic", "--config", "smoke.yaml", "--device", "cpu"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
PATIENCE_S = 300.0


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The work folder, and what was said, of a run that was killed in training and taken up."""
    work = tmp_path_factory.mktemp("work")
    command = [*RUN, "--work", str(work)]
    log = work / "smoke" / "log.jsonl"
    with (work / "first.txt").open("w") as said:
        first = subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, stderr=said)
        began = time.monotonic()
        while not (log.exists() and '"step": 8' in log.read_text()):
            assert first.poll() is None, (work / "first.txt").read_text()
            assert time.monotonic() - began < PATIENCE_S
            time.sleep(0.01)
        first.kill()
        assert first.wait() == -signal.SIGKILL
    second = subprocess.run(
        command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert second.returncode == 0, second.stderr
    return work, second.stderr


def test_a_killed_run_goes_on(done):
    work, said = done
    resumed = int(re.search(r"goes on after step (\d+)", said)[1])
    assert resumed >= 4
    assert not re.search(r"^(voices|features): |^labels: \d+,", said, re.MULTILINE)
    lines = [json.loads(line) for line in (work / "smoke" / "log.jsonl").read_text().splitlines()]
    whole = list(range(4, SMOKE.settings.steps + 1, 4))
    assert [line["step"] for line in lines if "mel" in line] == whole
    assert [line["step"] for line in lines if "dev_mel_1" in line] == whole
    assert [line["reading"] for line in lines if "reading" in line] == [4, 8]
    assert all("critic" in line for line in lines if line.get("mel") and line["step"] > 12)


def test_conversions_are_listened_to(done):
    work, _ = done
    lines = [json.loads(line) for line in (work / "smoke" / "log.jsonl").read_text().splitlines()]
    assert all(line["converted"] > 0.0 for line in lines if "mel" in line)


@pytest.fixture
def trainer(done, tmp_path):
    """A run that begins."""
    from recipes.train_voice_conversion import data
    from recipes.train_voice_conversion.train import Trainer

    work, _ = done
    voices = corpus.read(work / "synthetic", speakers=6, utterances=4)
    return Trainer(SMOKE.settings, data.load(voices, work), [], tmp_path)


def test_the_listener_hears_whether_words_survive(trainer):
    batch = next(trainer.batches)
    said = batch.plain
    listener = trainer.listener
    assert not any(p.requires_grad for p in listener.parameters())
    assert float(listener.missed(said, said)) == pytest.approx(0.0, abs=1e-4)
    backwards = said.flip(2).requires_grad_()
    missed = listener.missed(backwards, said)
    assert float(missed.detach()) > 1e-3
    missed.backward()
    assert backwards.grad.abs().max() > 0.0


def test_a_speaker_who_is_told_costs_what_is_known():
    import torch

    from recipes.train_voice_conversion.losses import advantage

    speaker = torch.tensor([0, 1, 2])
    even = torch.zeros(3, 4)
    assert float(advantage(even, speaker)) == pytest.approx(0.0, abs=1e-6)
    sure = 50.0 * torch.eye(4)
    assert float(advantage(sure[[0, 1, 2]], speaker)) == pytest.approx(np.log(4.0), abs=1e-5)
    assert float(advantage(sure[[3, 3, 3]], speaker)) == 0.0


def test_halves_of_a_recording_share_no_frame():
    from recipes.train_voice_conversion import data

    frames = 4 * data.CHUNK
    place = np.arange(frames, dtype=np.float32)
    recorded = data.Recorded(
        raw=np.zeros((frames, 80), np.float32),
        mel=np.repeat(place[:, None], 80, axis=1),
        level=0.0,
        mean=np.zeros(80, np.float32),
        spread=np.ones(80, np.float32),
        pitch=np.zeros((3, frames), np.float32),
        aperiodicity=np.zeros(frames, np.float32),
        vector=np.ones(256, np.float32),
        speaker=0,
        phones=np.zeros(frames, np.int8),
    )
    batches = data.Batches([recorded], 8, 0)
    for _ in range(20):
        batch = next(batches)
        first, last = batch.mel[:, 0, 0], batch.mel[:, 0, -1]
        assert batch.late.tolist() == 4 * [False, True]
        assert bool((last[~batch.late] < frames // 2).all())
        assert bool((first[batch.late] >= frames // 2).all())


def test_the_reader_of_speakers_learns_from_first_halves(trainer, monkeypatch):
    from recipes.train_voice_conversion import train

    batch = next(trainer.batches)
    taught, judged = [], []
    teach, advantage = train.teach, train.advantage

    def teaching(reader, optimiser, content, speaker):
        taught.append(speaker.tolist())
        return teach(reader, optimiser, content, speaker)

    def judging(scores, speaker):
        judged.append(speaker.tolist())
        return advantage(scores, speaker)

    monkeypatch.setattr(train, "teach", teaching)
    monkeypatch.setattr(train, "advantage", judging)
    trainer.one_step(batch)
    assert taught == [2 * batch.speaker[~batch.late].tolist()]
    assert judged == [2 * batch.speaker[batch.late].tolist()]


def test_silence_has_a_gradient(trainer):
    """A silent chunk once made every weight NaN: its spread has a root at zero."""
    import torch

    from recipes.train_voice_conversion.self_conversion import as_heard

    batch = next(trainer.batches)
    batch.mel[0] = -13.0
    decoded = torch.full_like(batch.mel, -13.0).requires_grad_()
    as_heard(decoded, batch).square().sum().backward()
    assert torch.isfinite(decoded.grad).all()


def test_a_training_without_numbers_stops(trainer, tmp_path):
    import torch

    trainer.reading.step = trainer.reading.steps
    with torch.no_grad():
        trainer.network.decoder.leave.bias[0] = torch.nan
    with pytest.raises(SystemExit, match="gradient of step 1 is no number"):
        trainer.run()
    assert not (tmp_path / "checkpoint.pt").exists()


def test_what_is_exported_converts(done, make_voice):
    work, _ = done
    converter = Converter.from_pretrained(work / "smoke" / "converter.safetensors")
    heard, target = make_voice(seconds=1.5, speaker=3), SpeakerPool.shipped().target(0)
    said = {
        levels: converter.convert(heard, target, rng=np.random.default_rng(0), levels=levels)
        for levels in (1, 4, None)
    }
    for samples in said.values():
        assert samples.shape == heard.shape
        assert np.isfinite(samples).all()
        assert np.std(samples) > 0.1 * np.std(heard)
    assert not np.array_equal(said[1], said[4])
    assert not np.array_equal(said[4], said[None])


def test_the_evaluation_has_all_figures(done):
    work, _ = done
    found = json.loads((work / "results" / "smoke-levels3.json").read_text())
    # two dev speakers; six speakers with two utterances, one of them to enrol
    assert found["wer"]["n"] == found["wer_original"]["n"] == 4
    assert {name: figure["n"] for name, figure in found["eer"].items()} == dict.fromkeys(
        ("ignorant", "lazy", "wccn"), 36
    )
    assert all(0.0 <= figure["low"] <= figure["high"] <= 1.0 for figure in found["eer"].values())
    assert found["steps"] == SMOKE.settings.steps
    assert found["rtf"] > 0.0
    assert np.isfinite(found["mel_distance"])


def test_the_content_is_attacked(done, tmp_path):
    work, _ = done
    arguments = ["synthetic", "--work", str(work), "--config", "smoke.yaml", "--device", "cpu"]
    main([*arguments, "--step", "content", "--results", str(tmp_path)])
    found = json.loads((tmp_path / "content-smoke.json").read_text())
    assert (
        found["weights"]
        == json.loads((work / "results" / "smoke-levels3.json").read_text())["weights"]
    )
    assert list(found["content"]) == [
        "no quantiser", "4 levels", "3 levels", "2 levels", "1 level",
        *(f"3 levels, {n} segments a second" for n in (20, 15, 10)),
        *(f"1 level, {n} segments a second" for n in (20, 15, 10)),
    ]  # fmt: skip
    # of six speakers, two recordings to enrol and two to try
    assert all(row["eer"]["n"] == 6 * 12 for row in found["content"].values())


@pytest.fixture(scope="module")
def taught(done, tmp_path_factory):
    """The work folder after a run for live signals that the smoke run has taught, and its name."""
    work, _ = done
    path = tmp_path_factory.mktemp("configs") / "smoke-live.yaml"
    lines = (RECIPE / "configs" / "smoke.yaml").read_text()
    path.write_text(lines + "causal: true\nteacher: smoke\nahead: 1\n")
    arguments = ["synthetic", "--work", str(work), "--config", str(path), "--device", "cpu"]
    for step in ("train", "export", "evaluate"):
        main([*arguments, "--step", step])
    return work, path


def test_a_live_network_is_taught_by_one_that_hears_ahead(taught):
    work, _ = taught
    lines = checkpoint.read_log(work / "smoke-live" / "log.jsonl")
    assert all(line["codes"] >= 0.0 for line in lines if "mel" in line)
    assert all(0.0 <= line["dev_right_1"] <= 1.0 for line in lines if "dev_mel_1" in line)
    found = json.loads((work / "results" / "smoke-live-levels3.json").read_text())
    assert found["live"]
    assert np.isfinite(found["mel_distance"])


def test_what_was_taught_is_said_live(taught, make_voice):
    from voxguard import VoiceConversion

    work, _ = taught
    weights = work / "smoke-live" / "converter-live.safetensors"
    method = VoiceConversion(live=True, checkpoint=weights, levels=1)
    assert 51 < method.stream(16_000).latency_ms < 52
    heard = make_voice(seconds=1.5, speaker=3)
    said = method(heard, 16_000)
    assert said.shape == heard.shape
    assert np.std(said) > 0.1 * np.std(heard)


def test_what_is_heard_live_is_what_a_live_signal_is(done):
    """Frame by frame as in a stream, and each view at its place, a frame ahead."""
    from recipes.train_voice_conversion import data, hearing
    from recipes.train_voice_conversion.export import population
    from voxguard.models.running import RunningEnvelope

    work, _ = done
    recorded = data.load(corpus.read(work / "synthetic", speakers=6, utterances=4), work)
    before = population(recorded)
    heard = hearing.versions(recorded, before, 2, seed=0)
    running = RunningEnvelope(before)
    expected = [running.normalise(frame) for frame in recorded[0].raw.astype(np.float32)]
    np.testing.assert_allclose(heard[0][0], expected, atol=0.02)
    assert np.abs(heard[1][0] - heard[0][0]).mean() > 0.1
    batches = hearing.LiveBatches(recorded, heard[:1], 4, 0, ahead=1)
    np.testing.assert_array_equal(
        batches.view(0, 7), heard[0][0][8 : 8 + data.CHUNK].T.astype(np.float32)
    )


def test_the_network_of_a_pupil_begins_as_the_teachers(done):
    """What hears no later code, or the same one as now, comes out as it did."""
    import torch

    from recipes.train_voice_conversion.pupil import causal
    from voxguard.models.network import Network

    shape = SMOKE.settings.shape
    before, after = Network(shape), Network(replace(shape, causal=True))
    after.load_state_dict(causal(before.state_dict()))
    mel = torch.zeros(1, shape.bands, 40) + torch.randn(1, shape.bands, 1)
    reach = 2 * (1 + sum(shape.encoder))
    a, b = (network.encoder(mel)[0, :, reach:-reach] for network in (before, after))
    torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)


def test_a_teacher_who_is_not_there_or_of_another_kind_is_said(done, tmp_path):
    work, _ = done
    lines = (RECIPE / "configs" / "smoke.yaml").read_text() + "causal: true\n"
    for name, more, message in (
        ("absent", "teacher: nobody\n", "taught by .*nobody.* not there yet"),
        ("wider", "teacher: smoke\nwidth: 24\n", "another width, dilations or codebooks"),
    ):
        path = tmp_path / f"{name}.yaml"
        path.write_text(
            lines.replace("width: 16\n", "") + more if name == "wider" else lines + more
        )
        arguments = ["synthetic", "--work", str(work), "--config", str(path), "--device", "cpu"]
        with pytest.raises(SystemExit, match=message):
            main([*arguments, "--step", "train"])


def test_no_path_and_no_voice_is_exported(done):
    work, _ = done
    content = (work / "smoke" / "converter.safetensors").read_bytes()
    assert str(work).encode() not in content
    length = int.from_bytes(content[:8], "little")
    told = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["voxguard"])
    assert set(told) == {"format", "shape", "steps", "settings", "population"}
    assert told["shape"] == json.loads(json.dumps(SMOKE.settings.shape.as_dict()))
    assert len(told["population"]["mean"]) == NetworkShape().bands


def test_another_configuration_does_not_go_on_with_the_run(done, tmp_path):
    work, _ = done
    (tmp_path / "smoke.yaml").write_text(
        (RECIPE / "configs" / "smoke.yaml").read_text().replace("steps: 24", "steps: 28")
    )
    arguments = ["synthetic", "--work", str(work), "--config", str(tmp_path / "smoke.yaml")]
    with pytest.raises(SystemExit, match="steps was 24 and is 28"):
        main([*arguments, "--step", "train", "--device", "cpu"])


def test_the_ablation_leaves_out_what_is_done(done, tmp_path, monkeypatch):
    from recipes.train_voice_conversion import ablate

    work, _ = done
    arguments = ["synthetic", "--work", str(work), "--config", "smoke.yaml", "--step", "ablate"]
    arguments += ["--device", "cpu", "--results", str(tmp_path)]
    both = {name: ablate.VARIANTS[name] for name in ("one_level", "unbounded")}
    monkeypatch.setattr(ablate, "VARIANTS", {"one_level": both["one_level"]})
    main(arguments)
    first = json.loads((tmp_path / "ablations.json").read_text())["variants"]["one_level"]
    assert set(first) == {"mel_1", "speaker_1", "phones_1", "speaker_chance"}
    assert first["speaker_chance"] == 0.25
    monkeypatch.setattr(ablate, "VARIANTS", both)
    main(arguments)
    found = json.loads((tmp_path / "ablations.json").read_text())["variants"]
    assert found["one_level"] == first
    assert "speaker_none" in found["unbounded"]
    row = next(x for x in tables.ablations(tmp_path).splitlines() if "reversal" in x)
    assert row.count("|") == 10


def test_the_curve_is_an_svg(done, tmp_path, monkeypatch):
    work, _ = done
    monkeypatch.setattr(
        sys, "argv", ["curve", str(work / "smoke" / "log.jsonl"), str(tmp_path / "a.svg")]
    )
    curve.main()
    drawn = ElementTree.fromstring((tmp_path / "a.svg").read_text())  # noqa: S314
    lines = list(drawn.iter("{http://www.w3.org/2000/svg}polyline"))
    assert sum(x.get("stroke") in curve.COLOURS for x in lines) == 6


def test_the_tables_show_the_results(done):
    work, _ = done
    page = filled((RECIPE / "README.md").read_text(), tables.made(work / "results"))
    assert re.search(r"\| smoke \| 3 \| \d+\.\d % \[", page)
    assert re.search(r"\| smoke \| 24 \| \d+ \|", page)
    assert filled(page, tables.made(work / "results")) == page


def test_a_step_says_what_it_needs(done, tmp_path):
    work, _ = done
    arguments = [str(work / "synthetic"), "--work", str(tmp_path), "--config", "smoke.yaml"]
    for step, needed in (("train", "features"), ("export", "train"), ("evaluate", "export")):
        with pytest.raises(SystemExit, match=f"--step {needed} first"):
            main([*arguments, "--step", step, "--device", "cpu"])


def test_synthetic_voices_are_made_once(done):
    work, _ = done
    before = {p: p.stat().st_mtime_ns for p in (work / "synthetic").iterdir()}
    assert synthetic.make(work / "synthetic") == work / "synthetic"
    assert {p: p.stat().st_mtime_ns for p in (work / "synthetic").iterdir()} == before
