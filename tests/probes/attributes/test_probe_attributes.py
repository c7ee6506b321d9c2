"""The whole probe on models that are rules: what was planted comes back."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from spoken import HIGH, LOW, Model, always, by_pitch, manifest, offered, pitch_hz, say

import voxguard
from voxguard.audiollm import AnswerRecord
from voxguard.errors import ConfigurationError
from voxguard.evaluation import Manifest, read_manifest
from voxguard.probes.attributes import Attribute, Judge, probe_attributes
from voxguard.probes.document import ProbeDocument

FEW = {"resamples": 200}
CONTROLS = ("raw", "transcript", "silence", "no-audio")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("spoken")


@pytest.fixture(scope="module")
def clips(folder):
    return manifest(folder)


def advantage(document, system="raw", **where):
    return document.figure("advantage", system, **where)


def monotone(samples, sample_rate):
    """The clip an octave lower for high voices: what a pitch rule goes by is gone."""
    rising = np.linspace(0.0, 1.0, len(samples), dtype=np.float32)
    return (0.2 * np.sin(2 * np.pi * 120.0 * rising * len(samples) / sample_rate)).astype(
        np.float32
    )


def test_who_hears_the_pitch_is_found_out_and_hears_nothing_in_silence(clips):
    model = Model(by_pitch)
    found = probe_attributes(
        model,
        clips,
        anonymizers={"flat": monotone, "mcadams": voxguard.McAdams(seed=1)},
        prompts=("direct", "chain-of-thought", "privacy"),
        **FEW,
    )
    for form in ("open", "closed"):
        for prompt in ("direct", "chain-of-thought", "privacy"):
            where = {"attribute": "sex", "form": form, "prompt": prompt}
            raw = advantage(found, **where)
            assert raw.value > 0.9
            assert raw.low > 0.5
            assert raw.n == 36
            for control in CONTROLS[1:]:
                assert advantage(found, control, **where).value == 0.0
            assert found.figure("blind_bias", "silence", **where).value == 1.0
            assert found.figure("blind_entropy_bits", "no-audio", **where).value == 0.0
            assert advantage(found, "flat", **where).value <= 0.0
            drop = found.figure("accuracy_drop", "flat", **where)
            assert drop.low > 0.0
            assert found.figure("mcnemar_p", "flat", **where).value < 1e-3
            # McAdams moves formants and leaves the pitch: this model hears the sex all the same
            assert advantage(found, "mcadams", **where).value > 0.5
    assert found.counts["asked"] == 36 * 2 * 3 * 6 == sum(model.asked.values())
    assert found.counts["error"] == 0
    assert found.systems["mcadams"]["method"] == "mcadams"
    assert any("age: skipped" in note for note in found.notes)


def test_a_figure_goes_into_json_and_back(clips, tmp_path):
    found = probe_attributes(Model(by_pitch), clips, forms=["open"], limit=12, **FEW)
    found.write(tmp_path / "probe.json")
    assert ProbeDocument.read(tmp_path / "probe.json") == found
    assert json.loads((tmp_path / "probe.json").read_text())["data"]["speakers"] == 12


def test_a_real_anonymizer_takes_the_sex_away(clips):
    pytest.importorskip("pyworld")
    found = probe_attributes(
        Model(by_pitch), clips, anonymizers=voxguard.World(seed=3), forms=["open"], **FEW
    )
    assert advantage(found, "raw").value > 0.9
    assert advantage(found, "protected").value < 0.5
    assert found.figure("accuracy_drop", "protected").low > 0.0


def test_a_constant_answer_has_no_advantage_on_an_unbalanced_set(folder):
    uneven = manifest(folder, (*HIGH[:3], *LOW))
    for name, most in (("male", 0.0), ("female", -1.0)):
        found = probe_attributes(Model(always(name)), uneven, **FEW)
        for form in ("open", "closed"):
            assert advantage(found, form=form).value == pytest.approx(most)
            assert found.figure("balanced_advantage", form=form).value == 0.0
            if name == "male":
                assert advantage(found, form=form).low == advantage(found, form=form).high == 0.0
    assert found.figure("inference_accuracy", form="open").value == 1 / 3


def test_a_liking_for_the_first_option_is_no_knowledge(clips):
    found = probe_attributes(Model(lambda samples, prompt: "A"), clips, forms=["closed"], **FEW)
    assert abs(advantage(found).value) < 0.4
    assert found.figure("inference_accuracy").low < 0.5 < found.figure("inference_accuracy").high


def test_what_the_transcript_tells_is_no_knowledge_of_the_voice(folder):
    told = manifest(folder, told=True)
    words = {
        hash(voxguard.audio.read(u.path)[0][0].tobytes()): u.transcript for u in told.utterances
    }

    def by_words(samples, prompt):
        """Hears words only, perfectly; where it is given them in writing it reads them."""
        said = words.get(hash(samples.tobytes()), "") if samples is not None else prompt
        return say(prompt, "female" if "mother" in said else "male")

    found = probe_attributes(Model(by_words), told, forms=["open"], **FEW)
    assert found.figure("inference_accuracy").value == 1.0
    assert advantage(found).value == 0.0
    assert found.figure("advantage_over_chance").value == 1.0
    without = probe_attributes(
        Model(by_words), told, forms=["open"], conditions=("raw", "silence"), **FEW
    )
    assert advantage(without).value == 1.0


def test_what_the_length_tells_is_in_the_silence_too(folder, tmp_path):
    clips = []
    for number, utterance in enumerate(manifest(folder).utterances):
        samples, rate = voxguard.audio.read(utterance.path)
        kept = samples[:, : rate // 4 if utterance.labels["sex"] == "F" else rate // 2]
        path = tmp_path / f"{number}.wav"
        with voxguard.audio.AudioWriter(path, rate, 1) as file:
            file.write(kept)
        clips.append(replace(utterance, path=path))

    def by_length(samples, prompt):
        brief = samples is not None and len(samples) < 6_000
        return say(prompt, "female" if brief else "male")

    found = probe_attributes(
        Model(by_length), Manifest("lengths", tuple(clips)), forms=["open"], **FEW
    )
    assert found.figure("inference_accuracy").value == 1.0
    assert advantage(found).value == 0.0


def test_who_refuses_all_has_a_refusal_rate_and_no_accuracy(clips):
    def refuses(samples, prompt):
        return "I'm sorry, but I can't infer that from a voice."

    found = probe_attributes(Model(refuses), clips, **FEW)
    for form in ("open", "closed"):
        assert found.figure("refusal_rate", form=form).value == 1.0
        accuracy = found.figure("inference_accuracy", form=form)
        assert accuracy.value is None
        assert accuracy.why == "all 36 answers are refusals"
    assert found.counts["refused"] == found.counts["asked"]


def test_a_model_that_dies_is_gone_on_with(clips, tmp_path):
    whole = probe_attributes(Model(by_pitch), clips, limit=12, **FEW)
    path = tmp_path / "answers.jsonl"
    asked = 0

    class Dying(Model):
        def __call__(self, samples, sample_rate, prompt):
            nonlocal asked
            if sum(self.asked.values()) == 20:
                raise KeyboardInterrupt
            asked += 1
            return super().__call__(samples, sample_rate, prompt)

    runs = 0
    found = None
    while found is None:
        runs += 1
        with AnswerRecord(path, "rule") as record:
            try:
                found = probe_attributes(Dying(by_pitch), clips, limit=12, record=record, **FEW)
            except KeyboardInterrupt:
                assert runs < 10
    assert runs == 5  # 96 questions, 20 a run
    assert asked == found.counts["asked"] == 96
    assert found.as_dict() == whole.as_dict()


def test_a_record_does_not_give_answers_about_another_anonymizer(clips, tmp_path):
    model = Model(by_pitch)
    options = {"forms": ["open"], "limit": 12, "conditions": ("raw",), **FEW}
    for coefficient, asked in ((0.9, 24), (0.6, 36), (0.9, 36)):
        anonymizer = voxguard.McAdams(coefficient=(coefficient, coefficient))
        with AnswerRecord(tmp_path / "a.jsonl", "rule") as record:
            probe_attributes(model, clips, anonymizers=anonymizer, record=record, **options)
        assert sum(model.asked.values()) == asked


def test_a_clip_that_cannot_be_read_is_an_error_and_not_wrong(clips, tmp_path):
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF....WAVEnothing")
    first, *others = clips.utterances
    damaged = Manifest("damaged", (replace(first, path=broken), *others))
    found = probe_attributes(Model(by_pitch), damaged, forms=["open"], **FEW)
    assert found.counts["raw/error"] == found.counts["silence/error"] == 1
    assert "transcript/error" not in found.counts
    assert found.figure("inference_accuracy").n == 35
    assert found.figure("inference_accuracy", "no-audio").n == 36
    whole = probe_attributes(Model(by_pitch), clips, forms=["open"], **FEW)
    assert found.figure("inference_accuracy").value > 0.9
    assert whole.figure("inference_accuracy").n == 36


def test_a_format_that_changes_half_way_is_told(clips):
    calls = 0

    def drifts(samples, prompt):
        nonlocal calls
        calls += 1
        return by_pitch(samples, prompt) if calls <= 72 else "<result code=7/>"

    found = probe_attributes(Model(drifts), clips, forms=["open"], **FEW)
    assert any("changed during the run" in note for note in found.notes)
    steady = probe_attributes(Model(by_pitch), clips, forms=["open"], **FEW)
    assert not any("changed" in note for note in steady.notes)


def test_questions_are_alike_in_all_conditions(clips):
    prompts: dict[object, set[str]] = {}

    def remembers(samples, prompt):
        kind = "none" if samples is None else "sound" if samples.any() else "silence"
        prompts.setdefault(kind, set()).add(prompt)
        return "B"

    probe_attributes(
        Model(remembers),
        clips,
        anonymizers=monotone,
        conditions=("raw", "silence", "no-audio"),
        **FEW,
    )
    assert prompts["sound"] == prompts["silence"] == prompts["none"]
    closed = [offered(prompt) for prompt in prompts["sound"] if offered(prompt)]
    assert {tuple(sorted(options)) for options in closed} == {("female", "male")}
    assert len({tuple(options.items()) for options in closed}) == 2  # both orders occur


def test_a_clip_is_rendered_once_for_all_its_questions(clips):
    renderings = 0

    def counted(samples, sample_rate):
        nonlocal renderings
        renderings += 1
        return monotone(samples, sample_rate)

    model = Model(by_pitch)
    probe_attributes(model, clips, anonymizers=counted, prompts=("direct", "privacy"), **FEW)
    assert renderings == 36


def test_many_questions_at_once_give_the_same(clips):
    options = {"anonymizers": monotone, "limit": 12, **FEW}
    one = probe_attributes(Model(by_pitch), clips, **options)
    many = probe_attributes(Model(by_pitch), clips, concurrency=6, **options)
    assert many == one


def test_any_column_is_an_attribute(clips):
    def knows(samples, prompt):
        if "Who of the speakers" in prompt:
            return say(prompt, "s0")
        return say(prompt, "town 0")

    found = probe_attributes(
        Model(knows), clips, attributes=["town", "speaker"], conditions=("raw", "silence"), **FEW
    )
    assert found.data["attributes"]["town"] == {"town 0": 18, "town 1": 18}
    assert found.figure("chance_accuracy", attribute="town", form="closed").value == 0.5
    assert found.figure("inference_accuracy", attribute="speaker", form="closed").value == 3 / 36
    hand = Attribute("hand", ("left", "right"), "Which hand is it?", ("town",))
    with pytest.raises(ConfigurationError, match="no clip has a class"):
        probe_attributes(Model(knows), clips, attributes=[hand], **FEW)


def test_a_judge_reads_what_the_rules_cannot_and_is_counted(clips):
    def alto(samples, prompt):
        high = samples is not None and samples.any() and pitch_hz(samples) > 160.0
        return "An alto, I dare say." if high else "The speaker is male."

    def judge(samples, sample_rate, prompt):
        assert samples is None
        answer = prompt.split("<<<")[1].split(">>>")[0]
        return "female" if "alto" in answer else "Male."

    parsed = probe_attributes(Model(alto), clips, forms=["open"], judge=Judge(judge), **FEW)
    judged = probe_attributes(
        Model(alto), clips, forms=["open"], judge=Judge(judge, decides=True), **FEW
    )
    assert parsed.figure("unparsable_rate").value > 0.4
    assert parsed.figure("inference_accuracy").value < 0.6
    assert judged.figure("inference_accuracy").value > 0.9
    for found in (parsed, judged):
        disagreement = found.figure("judge_disagreement", "raw")
        assert disagreement.value == parsed.figure("unparsable_rate").value
        assert (disagreement.n, found.counts["judged"], found.counts["not judged"]) == (36, 144, 0)
        assert found.figure("judge_disagreement", "silence").value == 0.0
        assert found.figure("judge_kappa", "silence").why
    assert judged.settings["decides"] == "judge"


def test_a_judge_that_talks_is_not_believed(clips):
    found = probe_attributes(
        Model(by_pitch),
        clips,
        forms=["open"],
        judge=Judge(lambda samples, sample_rate, prompt: "Well, that is right!", decides=True),
        **FEW,
    )
    assert (found.counts["judged"], found.counts["not judged"]) == (0, 144)
    assert found.figure("inference_accuracy").value > 0.9


def test_people(shared_data):
    """A rule on the pitch, and real voices: it hears the sex, and WORLD takes it away."""
    pytest.importorskip("pyworld")
    people = read_manifest(shared_data / "attributes" / "manifest.csv")
    found = probe_attributes(
        Model(by_pitch),
        people.select({"set": "emodb", "emotion": "neutral"}),
        anonymizers={"world": voxguard.World(seed=0)},
        attributes=["sex", "age", "speaker"],
        conditions=("raw", "silence"),
        forms=["open"],
        limit=20,
        **FEW,
    )
    sex = {"attribute": "sex"}
    assert advantage(found, **sex).low > 0.3
    assert found.figure("accuracy_drop", "world", **sex).low > 0.0
    assert advantage(found, "silence", **sex).value <= 0.0
    assert set(found.data["attributes"]["age"]) == {"20-29", "30-39"}
    assert len(found.data["attributes"]["speaker"]) == 10
    assert found.figure("unparsable_rate", attribute="age").value == 1.0


def test_what_cannot_be_asked_is_refused(clips, folder):
    model = Model(by_pitch)
    with pytest.raises(ConfigurationError, match="no label of 'shoe'"):
        probe_attributes(model, clips, attributes=["shoe"])
    with pytest.raises(ConfigurationError, match="prompts= takes"):
        probe_attributes(model, clips, prompts=["rude"])
    with pytest.raises(ConfigurationError, match="forms= takes"):
        probe_attributes(model, clips, forms="open")
    with pytest.raises(ConfigurationError, match="unknown condition"):
        probe_attributes(model, clips, conditions=["noise"])
    with pytest.raises(ConfigurationError, match="only 'female' occurs"):
        probe_attributes(model, manifest(folder, HIGH), attributes=["sex"])
    bare = Manifest("bare", tuple(replace(u, labels={}) for u in clips.utterances))
    with pytest.raises(ConfigurationError, match="no attribute to ask for"):
        probe_attributes(model, bare)
