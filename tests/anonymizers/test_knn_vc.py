"""kNN-VC on tiny checkpoints: what is refused, what is drawn, and that nothing gets around it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import tiny_checkpoints

import voxguard
from voxguard.anonymizers.knn_vc import KnnVC
from voxguard.errors import ConfigurationError, MissingExtraError, VoxguardError
from voxguard.models import optional
from voxguard.models.hifigan import HifiGan

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

RATE = 16_000


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    return tiny_checkpoints.method_options("knn_vc", tmp_path_factory.mktemp("knn_vc"))


def test_it_is_the_parts_one_after_the_other(options, voice):
    """Features, neighbours, vocoder, on samples at the level of audiobooks."""
    from voxguard.dsp.loudness import follow_level, speech_level

    anonymizer = KnnVC(**options, seed=1)
    drawn = anonymizer.draw_voice()
    wavlm, vocoder = anonymizer._models()
    gain = np.float32(0.1 / speech_level(voice, RATE))
    matched = anonymizer.matching_set().match(wavlm.features(voice[None] * gain), drawn.weights, 4)
    expected = follow_level(voice, vocoder(matched)[0].numpy(), RATE)
    np.testing.assert_allclose(
        anonymizer.render(voice[None], RATE, drawn)[0], expected, rtol=1e-4, atol=1e-6
    )


def test_nobody_has_more_than_half_of_a_voice(options):
    for mix in (3, 4, 6):
        anonymizer = KnnVC(**{**options, "mix": mix})
        drawn = [anonymizer.draw_voice().weights for _ in range(100)]
        for weights in drawn:
            assert len(weights) == mix
            assert sum(weights.values()) == pytest.approx(1.0)
            assert max(weights.values()) <= 0.5
        assert {index for weights in drawn for index in weights} == set(range(6))


def test_long_recordings_have_no_seams(options, make_voice):
    """Of two blocks: the level goes through, and nothing jumps where they are joined."""
    long = make_voice(seconds=25.0, seed=4)
    anonymizer = KnnVC(**options, seed=1)
    drawn = anonymizer.draw_voice()
    out = anonymizer.render(long[None], RATE, drawn)[0]
    assert out.shape == long.shape
    heard, given = (np.sqrt(np.mean(x.reshape(-1, 1_600) ** 2, axis=1)) for x in (long, out))
    loud = heard > 0.1 * heard.max()
    np.testing.assert_allclose(given[loud], heard[loud], rtol=0.5)
    steps = np.abs(np.diff(out))
    assert steps[18 * RATE : 20 * RATE].max() < 1.5 * steps[: 18 * RATE].max()


def test_a_saved_matching_set_serves_as_well(options, voice, tmp_path):
    path = tmp_path / "set.safetensors"
    KnnVC(**options).matching_set().save(path)
    from_file = KnnVC(**{**options, "voices": path}, seed=3)(voice, RATE)
    error = from_file - KnnVC(**options, seed=3)(voice, RATE)
    assert np.std(error) < 0.3 * np.std(from_file)
    with pytest.raises(ConfigurationError, match="set is of layer 2, layer= is 3"):
        KnnVC(**{**options, "voices": path, "layer": 3})(voice, RATE)


class TestRefusals:
    @pytest.mark.parametrize("count", [1, 2])
    def test_the_voice_of_one_person(self, options, voice, tmp_path, count):
        few = tiny_checkpoints.save_voices(tmp_path / "few", speakers=count, seconds=1.0)
        with pytest.raises(ConfigurationError, match=r"voice of a real person.*at least 3"):
            KnnVC(**{**options, "voices": str(few)})(voice, RATE)
        with pytest.raises(ConfigurationError, match="mix takes a whole number, 3 to"):
            KnnVC(**{**options, "mix": count})

    def test_more_speakers_than_there_are(self, options, voice):
        with pytest.raises(ConfigurationError, match=r"mix=7 takes .* voices= holds 6"):
            KnnVC(**{**options, "mix": 7})(voice, RATE)

    @pytest.mark.parametrize(
        ("wrong", "why"),
        [
            ({"k": 0}, "k takes a whole number, 1 to 64"),
            ({"k": True}, "k takes"),
            ({"layer": 0}, "layer takes"),
            ({"reference_s": 0.5}, "at least 1 second"),
            ({"vocoder": ""}, "a path or a name"),
            ({"voices": "/no/such/folder"}, "no '/no/such/folder'"),
            ({"voices": [""]}, "there is no ''"),
        ],
    )
    def test_unusable_options(self, options, wrong, why):
        with pytest.raises(ConfigurationError, match=why):
            KnnVC(**{**options, **wrong})

    def test_options_that_the_checkpoint_does_not_bear(self, options, voice):
        with pytest.raises(ConfigurationError, match="layer= takes 1 to 4"):
            KnnVC(**{**options, "layer": 5})(voice, RATE)
        with pytest.raises(ConfigurationError, match="got 'abacus'"):
            KnnVC(**{**options, "device": "abacus"})(voice, RATE)

    def test_a_vocoder_for_other_features(self, options, voice, tmp_path):
        from dataclasses import replace

        other = replace(tiny_checkpoints.HIFIGAN, hubert_dim=12)
        HifiGan(other).save_pretrained(tmp_path)
        with pytest.raises(ConfigurationError, match="of 12 dimensions; the checkpoint gives 16"):
            KnnVC(**{**options, "vocoder": tmp_path})(voice, RATE)

    @pytest.mark.parametrize("part", ["checkpoint", "vocoder"])
    def test_without_the_network(self, options, voice, part):
        absent = {**options, part: "nobody/has-this-model", "local_files_only": True}
        with pytest.raises(ConfigurationError, match=r"nobody/has-this.*local_files_only is set"):
            KnnVC(**absent)(voice, RATE)

    def test_the_extra_is_named(self, options, voice, monkeypatch, tmp_path):
        moved = {**options, "vocoder": str(tiny_checkpoints.save_hifigan(tmp_path))}
        monkeypatch.setattr(optional, "find_spec", lambda name: None)
        with pytest.raises(MissingExtraError, match=r"voxguard\[hub\]"):
            KnnVC(**moved)(voice, RATE)

    def test_weights_that_are_no_numbers(self, options, voice, tmp_path):
        vocoder = HifiGan.from_pretrained(options["vocoder"])
        vocoder.layers["conv_post"].bias.fill_(float("nan"))
        vocoder.save_pretrained(tmp_path)
        with pytest.raises(VoxguardError, match="NaN"):
            KnnVC(**{**options, "vocoder": str(tmp_path)})(voice, RATE)


def test_making_one_loads_nothing(options):
    code = (
        "import sys, voxguard\n"
        f"voxguard.create('knn_vc', **{options!r})\n"
        "print(sorted({'torch', 'transformers', 'safetensors'}.intersection(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_models_are_shared_by_the_anonymizers_of_a_process(options):
    one, other = KnnVC(**options), KnnVC(**options, seed=2)
    assert one._models() == other._models()
    assert one.matching_set() is other.matching_set()


def test_what_it_needs_is_said():
    with pytest.raises(ConfigurationError, match="cannot do without its option 'vocoder'"):
        voxguard.create("knn_vc")
