"""What leaves and what must not (names, metadata, raw voices), and formats that harnesses read."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
import soundfile
import yaml

import voxguard
from voxguard.audio import AudioWriter, read
from voxguard.errors import ConfigurationError, OutputError, VoxguardError
from voxguard.evaluation import Manifest, Utterance
from voxguard.probes.exports import export_jsonl, export_lmms_eval

RATE = 16_000


@pytest.fixture(scope="module")
def manifest(tmp_path_factory, make_voice):
    """Six recordings of three people, with names in their paths and tags."""
    folder = tmp_path_factory.mktemp("recordings")
    clips = []
    for number in range(6):
        who = ("anna", "berta", "carl")[number % 3]
        path = folder / f"{who}-{number}.wav"
        with soundfile.SoundFile(path, "w", RATE, 1, "PCM_16") as file:
            file.artist, file.title = who, "an interview"
            file.write(make_voice(seconds=0.5, speaker=number))
        labels = {"sex": "M" if who == "carl" else "F"}
        clips.append(Utterance(f"{who}/{number}", path, who, labels=labels, transcript="OF COURSE"))
    return Manifest("interviews", tuple(clips))


def bytes_of(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def samples_of(folder):
    return [read(path)[0][0] for path in sorted(folder.rglob("*.wav"))]


@pytest.mark.parametrize("export", [export_jsonl, export_lmms_eval])
def test_no_name_leaves_in_any_byte_or_path(export, manifest, tmp_path):
    out = tmp_path / "out"
    export(out, manifest, anonymizers=voxguard.McAdams())
    left = bytes_of(out)
    assert len([path for path in left if path.suffix == ".wav"]) == 6
    for path, content in left.items():
        for name in ("anna", "berta", "carl", "interview", "OF COURSE"):
            assert name not in str(path.relative_to(out))
            assert name.encode() not in content
            assert name.upper().encode() not in content.upper()


@pytest.mark.parametrize("export", [export_jsonl, export_lmms_eval])
def test_raw_voices_leave_only_when_told(export, manifest, tmp_path):
    raw = [read(utterance.path)[0][0] for utterance in manifest.utterances]

    def nearest(folder):
        """Most alike a raw clip is to any that left."""
        return max(
            abs(float(np.corrcoef(one, other)[0, 1])) for one in raw for other in samples_of(folder)
        )

    export(tmp_path / "safe", manifest, anonymizers=voxguard.McAdams(coefficient=(0.5, 0.6)))
    assert nearest(tmp_path / "safe") < 0.9
    export(tmp_path / "told", manifest, anonymizers=voxguard.McAdams(), systems=["raw"])
    assert nearest(tmp_path / "told") > 0.999
    with pytest.raises(ConfigurationError, match="if raw voices are to leave"):
        export(tmp_path / "none", manifest)
    assert not (tmp_path / "none").exists()


def test_an_anonymizer_that_fails_lets_nothing_raw_out(manifest, tmp_path):
    def broken(samples, sample_rate):
        raise VoxguardError("no weights")

    with pytest.raises(VoxguardError, match="no weights"):
        export_jsonl(tmp_path / "out", manifest, anonymizers=broken)
    assert not [path for path in bytes_of(tmp_path) if path.suffix in (".wav", ".jsonl")]


def test_names_are_drawn_anew_and_the_order_is_not_that_of_the_manifest(manifest, tmp_path):
    names = []
    for number in range(6):
        export = export_jsonl(tmp_path / str(number), manifest, anonymizers=voxguard.McAdams())
        names.append({line.clip for line in export.lines})
        key = json.loads(export.key.read_text())
        order = [key["clips"][line.clip]["utterance"] for line in export.lines]
        lines = (tmp_path / str(number) / "questions.jsonl").read_text().splitlines()
        assert [json.loads(line)["id"] for line in lines] == [line.id for line in export.lines]
        if order != [utterance.id for utterance in manifest.utterances]:
            break
    else:
        pytest.fail("six times in the order of the manifest")
    other = export_jsonl(tmp_path / "again", manifest, anonymizers=voxguard.McAdams())
    assert not names[0] & {line.clip for line in other.lines}


def test_the_key_tells_who_is_who_and_stays(manifest, tmp_path):
    export = export_jsonl(tmp_path / "out", manifest, anonymizers=voxguard.McAdams())
    key = json.loads(export.key.read_text())
    assert export.key == tmp_path / "out-key.json"
    assert {one["speaker"] for one in key["clips"].values()} == {"anna", "berta", "carl"}
    with pytest.raises(ConfigurationError, match="is to leave"):
        export_jsonl(
            tmp_path / "x",
            manifest,
            anonymizers=voxguard.McAdams(),
            key=tmp_path / "x/sub/key.json",
        )


def test_speakers_are_named_where_they_are_the_label_asked_for(manifest, tmp_path):
    export = export_jsonl(
        tmp_path / "out", manifest, anonymizers=voxguard.McAdams(), attributes=["speaker"]
    )
    assert {line.answer for line in export.lines} == {"anna", "berta", "carl"}


def test_every_system_asks_the_same_of_the_same_clips(manifest, tmp_path):
    export = export_jsonl(
        tmp_path / "out",
        manifest,
        anonymizers={"McAdams 20": voxguard.McAdams()},
        systems=["McAdams 20", "silence", "no-audio", "transcript"],
        forms=["open", "closed"],
    )
    assert Counter(line.system for line in export.lines) == dict.fromkeys(
        ("McAdams 20", "silence", "no-audio", "transcript"), 12
    )
    asked = {}
    for line in export.lines:
        asked.setdefault((line.clip, line.form), []).append(line)
    for same in asked.values():
        assert len({line.options for line in same}) == 1
        assert len({line.answer for line in same}) == 1
    for line in export.lines:
        assert (line.audio is None) == (line.system in ("no-audio", "transcript"))
        assert ("OF COURSE" in line.prompt) == (line.system == "transcript")
        if line.audio:
            samples, _ = read(tmp_path / "out" / line.audio)
            assert samples.any() == (line.system != "silence")
        if line.form == "closed":
            assert f"{line.letter}) {line.answer}" in line.prompt


def test_a_clip_that_cannot_be_read_is_told_and_no_part_of_it_written(manifest, tmp_path):
    junk = tmp_path / "junk.wav"
    junk.write_bytes(b"no audio at all")
    bad = Utterance("bad", junk, "dora", labels={"sex": "F"})
    export = export_jsonl(
        tmp_path / "out",
        Manifest("with junk", (bad, *manifest.utterances)),
        anonymizers=voxguard.McAdams(),
        systems=["protected", "no-audio"],
    )
    assert list(export.failed) == ["bad"]
    assert len(export.lines) == 12
    assert len(list((tmp_path / "out").rglob("*.wav"))) == 6
    assert "dora" not in export.key.read_text()


def test_inspect_gets_chat_messages(manifest, tmp_path):
    out = tmp_path / "out"
    export_jsonl(
        out,
        manifest,
        dialects=["inspect"],
        anonymizers=voxguard.McAdams(),
        systems=["protected", "no-audio"],
        forms=["open", "closed"],
    )
    samples = [json.loads(line) for line in (out / "inspect.jsonl").read_text().splitlines()]
    assert len({sample["id"] for sample in samples}) == len(samples) == 24
    for sample in samples:
        (message,) = sample["input"]
        *audio, text = message["content"]
        assert (message["role"], text["type"]) == ("user", "text")
        assert len(audio) == (sample["metadata"]["system"] == "protected")
        for part in audio:
            assert (part["type"], part["format"]) == ("audio", "wav")
            assert (out / part["audio"]).is_file()
        about = sample["metadata"]
        letter = about["form"] == "closed"
        assert sample["target"] == (
            "AB"[about["options"].index(about["answer"])] if letter else about["answer"]
        )


def test_ultraeval_gets_a_registry(manifest, tmp_path):
    out = tmp_path / "out"
    export_jsonl(
        out,
        manifest,
        dialects=["ultraeval"],
        anonymizers=voxguard.McAdams(),
        systems=["protected", "no-audio"],
    )
    for system, heard in (("protected", True), ("no_audio", False)):
        name = f"voxguard-leak-{system}"
        kinds = ("dataset", "prompt", "eval_task")
        entry = {
            kind: yaml.safe_load((out / "registry" / kind / f"{name}.yaml").read_text())[name][
                "args"
            ]
            for kind in kinds
        }
        rows = [json.loads(r) for r in (out / entry["dataset"]["f_name"]).read_text().splitlines()]
        assert len(rows) == 6
        assert all(row[entry["dataset"]["ref_col"]] in "AB" for row in rows)
        assert all((out / row["WavPath"]).is_file() for row in rows if heard)
        (message,) = entry["prompt"]["template"]
        assert [part["type"] for part in message["contents"]] == ["audio", "text"][not heard :]
        assert (entry["eval_task"]["dataset"], entry["dataset"]["default_task"]) == (name, name)


def test_what_cannot_be_exported_is_refused(manifest, tmp_path):
    mcadams = voxguard.McAdams()
    with pytest.raises(ConfigurationError, match="dialects="):
        export_jsonl(tmp_path / "a", manifest, anonymizers=mcadams, dialects=["kaldi"])
    with pytest.raises(ConfigurationError, match="unknown system 'world'"):
        export_jsonl(tmp_path / "a", manifest, anonymizers=mcadams, systems=["world"])
    with pytest.raises(ConfigurationError, match="in a list"):
        export_jsonl(tmp_path / "a", manifest, anonymizers=mcadams, systems="raw")
    with pytest.raises(ConfigurationError, match="same file name"):
        export_jsonl(tmp_path / "a", manifest, anonymizers={"a b": mcadams, "a-b": mcadams})
    assert not (tmp_path / "a").exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "old.wav").touch()
    with pytest.raises(OutputError, match="not empty"):
        export_jsonl(tmp_path / "full", manifest, anonymizers=mcadams)
    with AudioWriter(tmp_path / "one.wav", RATE, 1) as file:
        file.write(np.zeros((1, 100), np.float32))
    one = Utterance("u", tmp_path / "one.wav", "s", labels={"sex": "F"})
    with pytest.raises(ConfigurationError, match="only 'female' occurs"):
        export_jsonl(tmp_path / "b", Manifest("one", (one,)), anonymizers=mcadams)
