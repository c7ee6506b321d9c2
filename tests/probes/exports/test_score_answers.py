"""Answers of another harness: the same figures as the probe's own, and nothing taken on trust."""

from __future__ import annotations

import json

import pytest

import voxguard
from voxguard.audio import AudioWriter, read
from voxguard.dsp.voice import fundamental_hz
from voxguard.errors import ConfigurationError
from voxguard.evaluation import Manifest, Utterance
from voxguard.probes.attributes import Attribute, probe_attributes
from voxguard.probes.exports import export_jsonl, score_answers

RATE = 16_000
FEW = {"resamples": 100}
ASKED = {"prompts": ["direct"], "forms": ["open", "closed"]}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory, make_voice):
    folder = tmp_path_factory.mktemp("voices")
    clips = []
    for number in range(8):
        path = folder / f"{number}.wav"
        with AudioWriter(path, RATE, 1) as file:
            file.write(make_voice(seconds=0.5, speaker=number // 2, seed=number)[None])
        sex = "F" if fundamental_hz(number // 2) > 150 else "M"
        labels = {"sex": sex, "hand": "left" if number % 4 else "right"}
        clips.append(Utterance(f"u{number}", path, f"s{number // 2}", labels=labels))
    return Manifest("eight", tuple(clips))


def loud(samples, sample_rate, prompt):
    """Something that depends on the clip: not a good model, but one that two ways must agree on."""
    if samples is None or not samples.any():
        return "I cannot tell."
    return "It is a woman." if float(samples[2000] ** 2) > float(samples[4000] ** 2) else "B"


@pytest.fixture(scope="module")
def export(manifest, tmp_path_factory):
    return export_jsonl(
        tmp_path_factory.mktemp("out") / "leaves", manifest, systems=["raw", "silence"], **ASKED
    )


def answered(export, model=loud):
    """What a harness does."""
    for line in map(json.loads, (export.folder / "questions.jsonl").read_text().splitlines()):
        samples = read(export.folder / line["audio"])[0][0] if line["audio"] else None
        yield {"id": line["id"], "answer": model(samples, RATE, line["prompt"])}


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_figures_are_those_of_the_probe_itself(manifest, export, tmp_path):
    answers = write(tmp_path / "answers.jsonl", answered(export))
    imported = score_answers(export.folder, answers, model="loud", **FEW)
    own = probe_attributes(
        loud, manifest, conditions=["raw", "silence"], states=False, **ASKED, **FEW
    )
    assert [f.as_dict() for f in imported.figures] == [f.as_dict() for f in own.figures]
    assert imported.counts == own.counts
    assert (imported.probe, imported.data["speakers"]) == ("attributes", 4)
    assert imported.figure("refusal_rate", "silence", attribute="sex", form="open").value == 1.0


def test_the_order_of_answers_and_their_place_do_not_matter(export, tmp_path):
    rows = list(answered(export))
    plain = score_answers(export.folder, write(tmp_path / "a.jsonl", rows), model="loud", **FEW)
    nested = [{"doc": {"id": row["id"]}, "resps": [[row["answer"]]]} for row in reversed(rows)]
    halves = [write(tmp_path / f"{i}.jsonl", nested[i::2]) for i in range(2)]
    other = score_answers(
        export.folder, halves, model="loud", fields=("doc.id", "resps.0.0"), **FEW
    )
    assert other.as_dict() == plain.as_dict()


def test_missing_answers_are_errors_and_not_wrong(export, tmp_path):
    rows = list(answered(export, lambda *_: "a woman"))
    rows[0]["answer"] = None
    found = score_answers(export.folder, write(tmp_path / "a.jsonl", rows[:-3]), model="m", **FEW)
    assert found.counts["error"] == 4
    assert found.counts["correct"] + found.counts["wrong"] == len(rows) - 4
    assert "4 of 32 questions have no answer and are left out" in found.notes


def test_other_columns_and_attributes_of_ones_own_come_back(manifest, tmp_path):
    hand = Attribute(
        "hand", ("left", "right"), "Which hand?", words={"left": ["sinister"], "right": []}
    )
    for attribute, given in (("hand", ()), (hand, (hand,))):
        out = tmp_path / f"out{len(given)}"
        export = export_jsonl(
            out, manifest, anonymizers=voxguard.McAdams(), attributes=[attribute], forms=["open"]
        )
        answers = write(tmp_path / f"{len(given)}.jsonl", answered(export, lambda *_: "sinister"))
        found = score_answers(out, answers, model="m", attributes=given, **FEW)
        accuracy = found.figure("inference_accuracy", "protected", attribute="hand")
        if given:
            assert accuracy.value == 0.75
        else:  # a word that only the attribute itself knows
            assert accuracy.value is None


def test_what_does_not_belong_together_is_refused(manifest, export, tmp_path):
    rows = list(answered(export))

    def score(rows, **options):
        return score_answers(
            export.folder, write(tmp_path / "x.jsonl", rows), model="m", **FEW, **options
        )

    with pytest.raises(ConfigurationError, match="line 33: a second answer"):
        score([*rows, rows[0]])
    with pytest.raises(ConfigurationError, match="is no id of this export"):
        score([{"id": "other", "answer": "A"}])
    with pytest.raises(ConfigurationError, match="line 1: no 'answer'"):
        score([{"id": rows[0]["id"], "text": "A"}])
    with pytest.raises(ConfigurationError, match="is int, not text"):
        score([{"id": rows[0]["id"], "answer": 1}])
    with pytest.raises(ConfigurationError, match="no answer in"):
        score([{"id": rows[0]["id"], "answer": None}])
    with pytest.raises(ConfigurationError, match="key="):
        score(rows, key=tmp_path / "gone.json")
    (tmp_path / "odd.json").write_text("{}")
    with pytest.raises(ConfigurationError, match="no key of an export"):
        score(rows, key=tmp_path / "odd.json")
    other = export_jsonl(tmp_path / "other", manifest, systems=["no-audio"])
    with pytest.raises(ConfigurationError, match="key of another export"):
        score(rows, key=other.key)
    (tmp_path / "junk.jsonl").write_text("{\n")
    with pytest.raises(ConfigurationError, match="line 1: no JSON"):
        score_answers(export.folder, tmp_path / "junk.jsonl", model="m")
