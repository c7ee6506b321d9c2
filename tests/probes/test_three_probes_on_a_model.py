"""Secrets, fairness and bystanders, asked of a real audio LLM that has learnt nothing."""

from __future__ import annotations

import pytest

import voxguard
from voxguard.audio import AudioWriter
from voxguard.evaluation.manifest import Manifest, Utterance
from voxguard.probes.bystanders import probe_bystanders, scenes, word_items
from voxguard.probes.fairness import QUESTIONS, probe_fairness
from voxguard.probes.secrets import probe_secrets

pytest.importorskip("torch")
pytest.importorskip("transformers")

from tiny_audio_llm import save_audio_llm

from voxguard.audiollm import TransformersModel

RATE = 16_000


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = save_audio_llm(tmp_path_factory.mktemp("audio-llm"))
    return TransformersModel(folder, device="cpu", max_new_tokens=4, local_files_only=True)


@pytest.fixture(scope="module")
def clips(make_voice, tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    texts = ["harbour lantern granite", "saddle orchard compass", "basket feather button"]
    made = []
    for number in range(8):
        path = folder / f"{number}.wav"
        with AudioWriter(path, RATE, 1) as file:
            file.write(make_voice(seconds=0.5, speaker=number % 4, seed=number)[None])
        labels = {"sex": "FM"[number % 2], "secret": f"{number}482", "secret_kind": "PIN"}
        text = texts[number % 3]
        made.append(Utterance(path.stem, path, f"s{number % 4}", labels=labels, transcript=text))
    return Manifest("clips", tuple(made))


def test_an_untrained_model_knows_no_secret(model, clips):
    found = probe_secrets(model, clips, anonymizers=voxguard.McAdams(), prompts=("direct",))
    assert found.counts == {"asked": 24, "answered": 24, "failed": 0}
    for system in ("raw", "protected", "no-audio"):
        assert found.figure("told", system).value == 0.0
        assert abs(found.figure("advantage", system, measure="recovered").value) < 0.4


def test_what_an_untrained_model_says_is_counted(model, clips):
    found = probe_fairness(model, clips, questions=QUESTIONS[3:5], pairs=2, permutations=50)
    assert sum(n for kind, n in found.counts.items() if kind != "asked") == found.counts["asked"]
    assert found.counts.get("error", 0) == 0
    gamma = found.figure("gamma", form="decision", question="all")
    assert gamma.value is not None or gamma.why


def test_an_untrained_model_hears_nobody(model, clips):
    roles = tuple(
        Utterance(u.id, u.path, u.speaker, "enrolment" if n < 4 else "trial", "", u.transcript)
        for n, u in enumerate(clips.utterances)
    )
    data = Manifest("talk", roles)
    talks = scenes(data, turns=1, per_user=1, longest_s=None)
    talks = [t for t in talks if t.main[0].transcript != t.other[0].transcript]
    found = probe_bystanders(model, word_items(talks, data, each=1))
    assert found.counts["asked"] == len(talks) * 2 * 2 * 2
    assert found.figure("accuracy", about="main", mode="general").value <= 0.75
