"""What is measured of speakers, and the spaces it is measured in."""

from __future__ import annotations

import numpy as np
import pytest

from voxguard.dsp.pitch import track_f0
from voxguard.errors import ConfigurationError, MissingExtraError, UnsupportedAudioError
from voxguard.models import optional, speaker_space
from voxguard.models.dvector import DVectorModel, unit
from voxguard.models.real_voices import Survey
from voxguard.models.speaker_space import SpeakerSpace, short_name

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

HYPERPARAMS = """
compute_features: !new:speechbrain.lobes.features.Fbank
    n_mels: 20
mean_var_norm: !new:speechbrain.processing.features.InputNormalization
    norm_type: sentence
    std_norm: False
embedding_model: !new:speechbrain.lobes.models.ECAPA_TDNN.ECAPA_TDNN
    input_size: 20
    channels: [8, 8, 8, 8, 24]
    kernel_sizes: [5, 3, 3, 3, 1]
    dilations: [1, 2, 3, 4, 1]
    attention_channels: 8
    lin_neurons: 12
modules:
    compute_features: !ref <compute_features>
    mean_var_norm: !ref <mean_var_norm>
    embedding_model: !ref <embedding_model>
pretrainer: !new:speechbrain.utils.parameter_transfer.Pretrainer
    loadables:
        embedding_model: !ref <embedding_model>
    paths:
        embedding_model: {folder}/embedding_model.ckpt
"""


@pytest.fixture(scope="module")
def ecapa(tmp_path_factory):
    """A folder with a tiny encoder of SpeechBrain's kind."""
    pytest.importorskip("speechbrain")
    from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN

    folder = tmp_path_factory.mktemp("encoders") / "tiny-ecapa"
    folder.mkdir()
    (folder / "hyperparams.yaml").write_text(HYPERPARAMS.format(folder=folder))
    with torch.random.fork_rng():
        network = ECAPA_TDNN(20, channels=[8] * 4 + [24], attention_channels=8, lin_neurons=12)
    torch.save(network.state_dict(), folder / "embedding_model.ckpt")
    return str(folder)


class TestSurvey:
    def test_a_speaker_is_the_mean_of_their_utterances(self, make_voice):
        survey = Survey()
        said = [make_voice(seconds=2.0, speaker=4, seed=seed) for seed in range(2)]
        for samples in said:
            survey.add("anna", samples, "F")
        survey.add("bert", make_voice(seconds=2.0, speaker=5), "M")
        voices = survey.voices()
        model = DVectorModel()
        expected = unit(np.mean([model.embed(samples, trim=True) for samples in said], axis=0))
        np.testing.assert_allclose(voices.vectors[0], expected, atol=1e-6)
        f0 = np.concatenate([track_f0(samples) for samples in said])
        assert voices.log_f0_mean[0] == pytest.approx(np.median(np.log(f0[f0 > 0])), abs=1e-3)
        assert voices.sex.tolist() == ["F", "M"]
        assert (survey.guessed, survey.unvoiced, voices.encoder) == ([], [], "dvector")
        assert len(voices.spaces) == 1

    def test_who_is_never_voiced_is_left_out(self, make_voice):
        survey = Survey()
        noise = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
        survey.add("whisperer", noise, "F")
        with pytest.raises(UnsupportedAudioError, match="voiced"):
            survey.voices()
        survey.add("anna", make_voice(seconds=2.0), "F")
        assert len(survey.voices().vectors) == 1
        assert survey.unvoiced == ["whisperer"]

    def test_a_sex_that_is_not_said_is_told_from_the_voice(self, shared_data):
        from voxguard.audio import read

        survey, said = Survey(), []
        for path in sorted((shared_data / "speech" / "eval").rglob("*.flac"))[::24]:
            survey.add(path.name, read(path)[0].mean(axis=0), "")
            said.append(path.parent.name)
        sexes = self.sexes(shared_data)
        assert len(survey.voices().sex) == len(said) == len(survey.guessed)
        right = [a == sexes[b] for a, b in zip(survey.voices().sex, said, strict=True)]
        assert np.mean(right) > 0.85

    @staticmethod
    def sexes(shared_data):
        import csv

        with (shared_data / "speech" / "manifest.csv").open() as file:
            return {row["speaker"]: row["sex"] for row in csv.DictReader(file)}

    def test_one_speaker_of_two_sexes_is_a_mistake(self, make_voice):
        survey = Survey()
        survey.add("anna", make_voice(), "F")
        with pytest.raises(ConfigurationError, match="both F and M"):
            survey.add("anna", make_voice(), "M")

    def test_silence_is_nobody(self):
        for level in (0.0, 1e-40):
            with pytest.raises(UnsupportedAudioError, match="silence"):
                Survey().add("anna", np.full(16_000, level, np.float32))

    def test_a_second_space(self, ecapa, make_voice):
        survey = Survey(ecapa)
        survey.add("anna", make_voice(seconds=2.0), "F")
        voices = survey.voices()
        assert voices.encoder == "tiny-ecapa"
        assert voices.encoder_vectors.shape == (1, 12)
        assert [space.shape[1] for space in voices.spaces] == [256, 12]


class TestSpaces:
    def test_vectors_are_of_unit_length_whatever_the_encoder(self, ecapa, make_voice):
        for encoder in ("dvector", ecapa):
            for samples in (make_voice(seconds=1.0), make_voice()[4000:4050]):
                vector = SpeakerSpace(encoder).embed(samples)
                assert np.linalg.norm(vector) == pytest.approx(1.0)

    def test_speechbrains_vector_is_that_of_its_classifier(self, ecapa, make_voice):
        from voxguard.models.hub import load_speechbrain

        samples = np.array(make_voice(seconds=1.0))
        classifier = load_speechbrain(ecapa)
        with torch.inference_mode():
            expected = classifier.encode_batch(torch.from_numpy(samples)[None])[0, 0].numpy()
        expected = expected / np.linalg.norm(expected)
        np.testing.assert_allclose(SpeakerSpace(ecapa).embed(samples), expected, atol=1e-5)

    def test_a_name_keeps_no_folder(self, ecapa):
        assert SpeakerSpace(ecapa).name == "tiny-ecapa"
        assert short_name("speechbrain/spkrec-ecapa-voxceleb").startswith("speechbrain/")

    @pytest.mark.parametrize("encoder", ["", None, 3])
    def test_what_is_no_name_is_refused(self, encoder):
        with pytest.raises(ConfigurationError, match="encoder takes dvector, ecapa, xvector"):
            SpeakerSpace(encoder)

    def test_an_encoder_that_is_not_there(self, tmp_path):
        pytest.importorskip("speechbrain")
        with pytest.raises(ConfigurationError, match="cannot be loaded as a SpeechBrain"):
            SpeakerSpace(str(tmp_path / "nothing"))

    @pytest.mark.parametrize("package", ["torch", "resemblyzer"])
    def test_the_extra_is_named(self, monkeypatch, package):
        for module in (optional, speaker_space):
            real = module.find_spec
            monkeypatch.setattr(
                module, "find_spec", lambda name, real=real: None if name == package else real(name)
            )
        with pytest.raises(MissingExtraError, match=rf"needs {package}.*voxguard\[neural\]"):
            SpeakerSpace()
