"""SpeechT5 on tiny checkpoints: pure in spite of its dropout, bounded, and in its place."""

from __future__ import annotations

import shutil
import subprocess
import sys

import numpy as np
import pytest
import tiny_checkpoints

import voxguard
from voxguard.anonymizers.speecht5 import SpeechT5
from voxguard.errors import ConfigurationError, MissingExtraError, VoxguardError
from voxguard.models import optional
from voxguard.models.speecht5 import LONGEST, SpeechT5Network

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

RATE = 16_000
VECTOR = np.random.default_rng(3).standard_normal(12)


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    return tiny_checkpoints.method_options("speecht5", tmp_path_factory.mktemp("speecht5"))


@pytest.fixture(scope="module")
def network(options):
    return SpeechT5Network(options["checkpoint"], options["vocoder"])


class TestNetwork:
    def test_it_gives_what_transformers_gives(self, options, network, voice):
        from transformers import SpeechT5ForSpeechToSpeech, SpeechT5HifiGan

        model = SpeechT5ForSpeechToSpeech.from_pretrained(options["checkpoint"]).eval()
        vocoder = SpeechT5HifiGan.from_pretrained(options["vocoder"]).eval()
        with torch.random.fork_rng():
            torch.manual_seed(5)
            expected = model.generate_speech(
                torch.from_numpy(np.array(voice))[None],
                torch.from_numpy(VECTOR).float()[None],
                maxlenratio=1.5 * 320 / 256,
                vocoder=vocoder,
            )
        (out,) = network.convert([voice], VECTOR, 5)
        assert out.size > RATE
        np.testing.assert_allclose(out, expected.numpy(), atol=1e-5)

    def test_the_same_call_gives_the_same_and_leaves_no_trace(self, network, voice):
        before = torch.get_rng_state()
        (first,) = network.convert([voice], VECTOR, 7)
        torch.rand(3)
        (second,) = network.convert([voice], VECTOR, 7)
        assert np.array_equal(first, second)
        assert not np.array_equal(first, network.convert([voice], VECTOR, 8)[0])
        torch.set_rng_state(before)
        network.convert([voice], VECTOR, 9)
        assert torch.equal(torch.get_rng_state(), before)

    def test_company_in_a_batch_makes_no_difference(self, network, make_voice):
        sizes = (16_000, 4_000, 15_000, 7_999, 14_321, 23_000)
        segments = [make_voice(seconds=2.0, speaker=n)[:size] for n, size in enumerate(sizes)]
        together = network.convert(segments, VECTOR, 1)
        for segment, out in zip(segments, together, strict=True):
            (alone,) = network.convert([segment], VECTOR, 1)
            assert alone.size == out.size
            assert np.std(alone - out) < 1e-3 * np.std(alone)

    def test_it_stops(self, network, voice):
        """This checkpoint never says that it has finished."""
        for size in (1, 4_000, 16_000):
            (out,) = network.convert([voice[:size]], VECTOR, 1)
            assert 0 < out.size <= LONGEST * max(8_000, size) + 512

    def test_an_x_vector_of_another_size(self, network, voice):
        with pytest.raises(ConfigurationError, match=r"of 12 dimensions, the pool has \(512,\)"):
            network.convert([voice], np.ones(512), 1)

    def test_a_vocoder_of_other_bands(self, options, tmp_path):
        tiny_checkpoints.save_speecht5_hifigan(tmp_path, model_in_dim=80)
        with pytest.raises(ConfigurationError, match=r"takes 80 bands .* needs 10"):
            SpeechT5Network(options["checkpoint"], str(tmp_path))

    def test_revisions_on_the_hub(self, options, network, voice, tmp_path, monkeypatch):
        def copy_of(folder):
            return lambda place: shutil.copytree(folder, place, dirs_exist_ok=True)

        checkpoints = {"main": lambda place: (place / "empty").touch()}
        checkpoints["v1"] = copy_of(options["checkpoint"])
        tiny_checkpoints.fill_hub_cache(tmp_path, "tester/speecht5", checkpoints)
        vocoders = {"main": copy_of(options["checkpoint"]), "v2": copy_of(options["vocoder"])}
        tiny_checkpoints.fill_hub_cache(tmp_path, "tester/vocoder", vocoders)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
        names, offline = ("tester/speecht5", "tester/vocoder"), {"local_files_only": True}
        pinned = SpeechT5Network(*names, revision="v1", vocoder_revision="v2", **offline)
        (out,) = pinned.convert([voice], VECTOR, 1)
        assert np.array_equal(out, network.convert([voice], VECTOR, 1)[0])
        with pytest.raises(ConfigurationError, match=r"'tester/speecht5' cannot be loaded"):
            SpeechT5Network(*names, vocoder_revision="v2", **offline)
        with pytest.raises(ConfigurationError, match=r"'tester/vocoder'"):
            SpeechT5Network(*names, revision="v1", **offline)


class TestTiming:
    def test_stretches_stay_where_they_are_and_pauses_are_silent(self, options, make_voice):
        pause = np.zeros(RATE, np.float32)
        parts = [make_voice(seconds=1.5, speaker=n) for n in range(2)]
        out = SpeechT5(**options)(np.concatenate([parts[0], pause, parts[1], pause]), RATE)
        assert out.size == 5 * RATE
        for silent in (slice(28_000, 36_000), slice(68_000, 80_000)):
            assert not out[silent].any()
        for spoken in (slice(1_000, 23_000), slice(41_000, 63_000)):
            assert np.abs(out[spoken]).max() > 0.05

    def test_a_network_that_stops_at_once(self, options, voice, tmp_path):
        """Two frames of 16 ms: slowed down to half, and silence after that."""
        folder = tiny_checkpoints.save_speecht5(tmp_path / "short", stop_bias=20.0)
        out = SpeechT5(**{**options, "checkpoint": str(folder)})(voice, RATE)
        assert out.shape == voice.shape
        assert np.abs(out[:1_024]).max() > 0.0
        assert not out[1_100:].any()

    def test_long_recordings(self, options, make_voice):
        long = make_voice(seconds=20.0, seed=2)
        out = SpeechT5(**options)(long, RATE)
        frames = np.abs(out).reshape(-1, 4_000).max(axis=1)
        assert out.shape == long.shape
        assert (frames > 0.01).mean() > 0.95


class TestRefusals:
    @pytest.mark.parametrize(
        ("wrong", "why"),
        [
            ({"mix": 1}, "mix takes a whole number from 3"),
            ({"mix": 2.0}, "mix takes"),
            ({"checkpoint": ""}, "a path or a name"),
            ({"xvectors": "/no/pool.npy"}, "no '/no/pool.npy'"),
        ],
    )
    def test_unusable_options(self, options, wrong, why):
        with pytest.raises(ConfigurationError, match=why):
            SpeechT5(**{**options, **wrong})

    def test_too_small_a_pool(self, options, voice, tmp_path):
        one = tiny_checkpoints.save_xvectors(tmp_path / "one.npy", speakers=1)
        with pytest.raises(ConfigurationError, match="x-vectors of 1 speakers"):
            SpeechT5(**{**options, "xvectors": str(one)})(voice, RATE)

    @pytest.mark.parametrize("part", ["checkpoint", "vocoder"])
    def test_without_the_network(self, options, voice, part):
        absent = {**options, part: "nobody/has-this-model", "local_files_only": True}
        with pytest.raises(ConfigurationError, match=r"nobody/has-this.*local_files_only is set"):
            SpeechT5(**absent)(voice, RATE)

    def test_the_extra_is_named(self, options, voice, monkeypatch, tmp_path):
        copied = shutil.copytree(options["checkpoint"], tmp_path / "copy")
        monkeypatch.setattr(optional, "find_spec", lambda name: None)
        with pytest.raises(MissingExtraError, match=r"voxguard\[hub\]"):
            SpeechT5(**{**options, "checkpoint": str(copied)})(voice, RATE)

    @pytest.mark.parametrize("part", ["checkpoint", "vocoder"])
    def test_weights_that_are_no_numbers(self, options, voice, tmp_path, part):
        from safetensors.torch import load_file, save_file

        folder = shutil.copytree(options[part], tmp_path / part)
        state = load_file(folder / "model.safetensors")
        name = "conv_post.bias" if part == "vocoder" else "speech_decoder_postnet.feat_out.bias"
        state[name] = torch.full_like(state[name], float("nan"))
        save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
        with pytest.raises(VoxguardError, match="NaN"):
            SpeechT5(**{**options, part: str(folder)})(voice, RATE)


def test_making_one_loads_nothing(options):
    code = (
        "import sys, voxguard\n"
        f"voxguard.create('speecht5', **{options!r})\n"
        "print(sorted({'torch', 'transformers', 'safetensors'}.intersection(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_it_needs_is_said():
    with pytest.raises(ConfigurationError, match="cannot do without its option 'xvectors'"):
        voxguard.create("speecht5")
