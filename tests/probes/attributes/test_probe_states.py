"""A classifier on the states of the audio encoder: of a rule, and of a real architecture."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from spoken import Model, always, manifest, pitch_hz

pytest.importorskip("sklearn")

from voxguard.audiollm import Protected
from voxguard.errors import ModelError
from voxguard.probes.attributes import probe_attributes
from voxguard.probes.attributes.states import pooled

FEW = {"resamples": 200, "forms": ["open"]}


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    return manifest(tmp_path_factory.mktemp("states"), each=2)


class Ear(Model):
    """Says nothing of the speaker, and hears the pitch."""

    def states(self, samples, sample_rate):
        rng = np.random.default_rng(len(samples))
        return rng.normal(pitch_hz(samples) / 20.0, 1.0, (20, 3)).astype(np.float32)


def twisted(samples, sample_rate):
    """High becomes low and low becomes high: fools who does not retrain, and nobody else."""
    wave = np.sin(2 * np.pi * (320.0 - pitch_hz(samples)) * np.arange(len(samples)) / sample_rate)
    return (0.2 * wave).astype(np.float32)


def test_a_model_that_declines_has_heard_it_all_the_same(clips):
    model = Ear(lambda samples, prompt: "I would rather not say.")
    found = probe_attributes(model, clips, anonymizers={"twisted": twisted}, **FEW)
    assert found.figure("refusal_rate").value == 1.0
    where = {"attribute": "sex", "probe": "states"}
    raw = found.figure("advantage", "raw", attacker="unprotected", **where)
    assert raw.value > 0.6
    assert raw.low > 0.2
    ignorant = found.figure("advantage", "twisted", attacker="ignorant", **where)
    retrained = found.figure("advantage", "twisted", attacker="retrained", **where)
    assert ignorant.value < 0.0
    assert retrained.value > 0.4


def test_states_that_hold_nothing_tell_nothing(clips):
    class Deaf(Ear):
        def states(self, samples, sample_rate):
            noise = np.random.default_rng(zlib.crc32(samples.tobytes()))
            return noise.normal(size=(20, 3)).astype(np.float32)

    found = probe_attributes(Deaf(always("male")), clips, **FEW)
    raw = found.figure("advantage", "raw", attacker="unprotected")
    assert raw.low < 0.0 < raw.high + 0.3


def test_what_has_no_states_or_breaks_is_told(clips):
    class Broken(Ear):
        def states(self, samples, sample_rate):
            raise ModelError("out of memory")

    found = probe_attributes(Broken(always("male")), clips, **FEW)
    assert any("24 clips could not be encoded" in note for note in found.notes)
    assert found.find("states_balanced_accuracy") == []
    plain = probe_attributes(Model(always("male")), clips, **FEW)
    assert plain.model["states"] is False
    behind = probe_attributes(Protected(Model(always("male")), twisted), clips, **FEW)
    assert any("states: not probed" in note for note in behind.notes)
    off = probe_attributes(Ear(always("male")), clips, states=False, **FEW)
    assert off.find("states_balanced_accuracy") == []

    class Flat(Ear):
        def states(self, samples, sample_rate):
            return np.zeros(4, np.float32)

    with pytest.raises(ModelError, match="frames, width"):
        pooled(Flat(always("male")), np.zeros(10, np.float32), 16_000)


def test_a_real_audio_llm_untrained(clips, tmp_path):
    """Its words are noise; its encoder, though never trained, passes the pitch on."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from recipes.train_audio_llm.architecture import build
    from voxguard.audiollm import TransformersModel

    texts = ["The speaker is female.", "The speaker is male.", "A) female B) male"]
    network, processor = build(texts, seconds=2, mels=40, width=32, layers=1, vocabulary=300)
    network.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    model = TransformersModel(tmp_path, device="cpu", max_new_tokens=2)
    found = probe_attributes(model, clips, limit=12, conditions=("raw", "silence"), **FEW)
    assert found.counts["error"] == 0
    assert found.counts["asked"] == 24
    said = found.figure("inference_accuracy")
    assert said.value is None or said.value < 0.8
    states = found.figure("states_balanced_accuracy", "raw", attacker="unprotected")
    assert 0.0 <= states.low <= states.value <= states.high <= 1.0
    assert states.n == 12
