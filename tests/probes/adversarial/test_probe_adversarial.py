"""The probe end to end: a real model, real attacks, real anonymizers, a run that dies."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_listener import MAN, PROMPT, RATE, STRANGERS, WOMAN, answer_for, clip_of

import voxguard
from voxguard.audio import AudioWriter
from voxguard.audiollm import AnswerRecord
from voxguard.errors import ConfigurationError, ModelError
from voxguard.evaluation import Manifest, Utterance
from voxguard.probes.adversarial import probe_adversarial
from voxguard.probes.document import ProbeDocument

pytest.importorskip("torch")
pytest.importorskip("transformers")

ANSWERS = {"F": WOMAN, "M": MAN}
BRIEF = {
    "prompt": PROMPT,
    "label": "sex",
    "answers": ANSWERS,
    "epsilon": 0.02,
    "steps": 15,
    "adaptive_steps": 8,
    "draws": 2,
    "resamples": 100,
}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    clips = []
    for speaker in STRANGERS[:8]:
        path = folder / f"{speaker}.wav"
        with AudioWriter(path, RATE, 1) as file:
            file.write(clip_of(speaker)[None])
        sex = "F" if answer_for(speaker) == WOMAN else "M"
        clips.append(Utterance(f"u{speaker}", path, f"s{speaker}", labels={"sex": sex}))
    return Manifest("voices", tuple(clips))


@pytest.fixture(scope="module")
def document(listener, manifest):
    def deaf_to_quiet(samples, sample_rate):
        """Rounds coarsely: it has no gradient of its own, and lets the loud part pass."""
        return (np.round(np.asarray(samples) * 25.0) / 25.0).astype(np.float32)

    systems = {"mcadams": voxguard.McAdams(), "rounding": deaf_to_quiet}
    return probe_adversarial(listener, manifest, anonymizers=systems, **BRIEF)


def test_the_model_is_steered_and_noise_does_not_steer_it(document):
    success = document.figure("attack_success", attack="pgd")
    assert success.value >= 0.6
    assert success.value >= document.figure("attack_success", attack="noise").value + 0.4
    assert document.figure("attack_success", attack="none").value == 0.0
    assert document.figure("accuracy", attack="none").value >= 0.9
    assert document.figure("blind_accuracy", attack="none").value < 0.7
    assert success.low < success.value
    assert success.n == 8


def test_every_system_has_the_attack_its_baselines_and_its_cost(document):
    for system in ("mcadams", "rounding"):
        for attack in ("none", "noise", "pgd", "adaptive"):
            assert document.figure("attack_success", system, attack=attack).n == 8
        for name in ("attack_removed", "answer_restored"):
            assert len(document.find(name, system)) == 2
        assert document.figure("answer_kept", system, attack="none").value is not None
        assert document.figure("accuracy", system, attack="none").n == 8


def test_the_ratio_is_told_of_every_attack(document):
    told = {(f.system, f.where["attack"]): f.value for f in document.find("snr_db")}
    assert set(told) == {
        *(("raw", kind) for kind in ("noise", "pgd")),
        *((system, "adaptive") for system in ("mcadams", "rounding")),
    }
    assert told["raw", "noise"] < told["raw", "pgd"] < 30.0


def test_the_document_is_whole(document, tmp_path):
    document.write(tmp_path / "probe.json")
    assert ProbeDocument.read(tmp_path / "probe.json").as_dict() == document.as_dict()
    assert document.counts["asked"] == 8 * (3 + 2 * 4)
    assert document.counts["error"] == 0
    assert any("8 clips" in note for note in document.notes)


def test_a_run_that_dies_goes_on_and_makes_nothing_twice(listener, manifest, tmp_path, monkeypatch):
    from voxguard.probes.adversarial import clips

    made = []
    attack = clips.attack
    monkeypatch.setattr(clips, "attack", lambda *a, **k: made.append(k["seed"]) or attack(*a, **k))

    def run(model_dies_after):
        calls = 0
        answer = type(listener).__call__

        def answering(self, samples, sample_rate, prompt):
            nonlocal calls
            calls += 1
            if calls > model_dies_after:
                raise MemoryError("gone")
            return answer(self, samples, sample_rate, prompt)

        monkeypatch.setattr(type(listener), "__call__", answering)
        monkeypatch.setattr("voxguard.audiollm.asking.Event.wait", lambda *_: False)
        try:
            with AnswerRecord(tmp_path / "answers.jsonl", listener.name) as record:
                return probe_adversarial(
                    listener, manifest, limit=4, record=record, folder=tmp_path / "clips", **BRIEF
                ), calls
        finally:
            monkeypatch.setattr(type(listener), "__call__", answer)

    with pytest.raises(ModelError, match="run again to go on"):
        run(5)
    document, calls = run(1000)
    assert len(made) == 4  # one attack a clip, over both runs
    assert calls == 4 * 3 - 5
    assert document.counts["error"] == 0
    assert document.figure("snr_db", attack="pgd").n == 4
    _, calls = run(1000)
    assert (len(made), calls) == (4, 0)


def test_one_target_for_all_leaves_out_who_gets_it_anyway(listener, manifest):
    options = {k: v for k, v in BRIEF.items() if k not in ("label", "answers")}
    found = probe_adversarial(listener, manifest, target=WOMAN, **options)
    anyway = found.counts["answered with the target as they are"]
    assert 0 < anyway < 8
    assert found.counts["attacked"] == found.figure("attack_success", attack="pgd").n == 8 - anyway
    assert not found.find("accuracy")


def test_what_cannot_be_run_is_refused(listener, manifest):
    with pytest.raises(ConfigurationError, match="give target="):
        probe_adversarial(listener, manifest, prompt=PROMPT)
    with pytest.raises(ConfigurationError, match="go together"):
        probe_adversarial(listener, manifest, prompt=PROMPT, target=MAN, label="sex")
    options = {**BRIEF, "answers": {"female": WOMAN, "male": MAN}}
    with pytest.raises(ConfigurationError, match="has the sex"):
        probe_adversarial(listener, manifest, **options)
    with pytest.raises(ConfigurationError, match="TransformersModel"):
        probe_adversarial(lambda *_: MAN, manifest, **BRIEF)
    with pytest.raises(ConfigurationError, match="seconds="):
        probe_adversarial(listener, manifest, seconds=0.0, **BRIEF)


def test_a_record_never_answers_for_another_anonymizer(listener, manifest, tmp_path):
    path, answers = tmp_path / "answers.jsonl", []
    for coefficient in (0.6, 0.9, 0.6):
        mine = voxguard.McAdams(coefficient=(coefficient, coefficient))
        with AnswerRecord(path, listener.name) as record:
            probe_adversarial(
                listener, manifest, anonymizers={"mine": mine}, limit=2, record=record,
                folder=tmp_path / "clips", **BRIEF,
            )  # fmt: skip
        answers.append(path.read_bytes().count(b"adversarial/"))
    assert np.diff(answers, prepend=0).tolist() == [2 * (3 + 4), 2 * 4, 0]
