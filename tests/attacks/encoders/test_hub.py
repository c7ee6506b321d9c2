"""Pretrained encoders by name, on checkpoints that the test makes."""

from __future__ import annotations

import json

import numpy as np
import pytest

from voxguard.attacks.encoders import create_encoder
from voxguard.attacks.recording import Recording
from voxguard.errors import ConfigurationError

torch = pytest.importorskip("torch")

HYPERPARAMS = """
folder: {folder}
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
    lin_neurons: 6
classifier: !new:speechbrain.lobes.models.ECAPA_TDNN.Classifier
    input_size: 6
    out_neurons: 3
modules:
    compute_features: !ref <compute_features>
    mean_var_norm: !ref <mean_var_norm>
    embedding_model: !ref <embedding_model>
    classifier: !ref <classifier>
pretrainer: !new:speechbrain.utils.parameter_transfer.Pretrainer
    loadables:
        embedding_model: !ref <embedding_model>
    paths:
        embedding_model: !ref <folder>/embedding_model.ckpt
"""


@pytest.fixture(scope="module")
def recording(make_voice):
    samples = make_voice(seconds=1.0)
    return Recording("u", "s", lambda: samples)


@pytest.fixture(scope="module")
def ecapa(tmp_path_factory):
    """A folder of SpeechBrain's kind, and the network in it."""
    pytest.importorskip("speechbrain")
    from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN

    folder = tmp_path_factory.mktemp("ecapa")
    (folder / "hyperparams.yaml").write_text(HYPERPARAMS.format(folder=folder))
    with torch.random.fork_rng():
        network = ECAPA_TDNN(20, channels=[8] * 4 + [24], attention_channels=8, lin_neurons=6)
    torch.save(network.state_dict(), folder / "embedding_model.ckpt")
    return folder, network.eval()


@pytest.fixture(scope="module")
def wavlm(tmp_path_factory):
    """Folders with a WavLM with and without an x-vector head, and the networks."""
    transformers = pytest.importorskip("transformers")
    config = transformers.WavLMConfig(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=16,
        conv_dim=(8, 8),
        conv_kernel=(10, 8),
        conv_stride=(5, 4),
        num_feat_extract_layers=2,
        num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2,
        tdnn_dim=(8, 8, 12),
        tdnn_kernel=(5, 3, 1),
        tdnn_dilation=(1, 2, 1),
        xvector_output_dim=7,
    )
    made = {}
    for name, kind in (("head", "WavLMForXVector"), ("plain", "WavLMModel")):
        folder = tmp_path_factory.mktemp(name)
        with torch.random.fork_rng():
            network = getattr(transformers, kind)(config).eval()
        network.save_pretrained(folder)
        transformers.Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)
        made[name] = (folder, network)
    return made


def normalised(samples):
    off = samples - samples.mean()
    return torch.from_numpy((off / np.sqrt(off.var() + 1e-7)).astype(np.float32))[None]


def test_a_speechbrain_encoder_gives_what_the_network_gives(ecapa, recording):
    from speechbrain.lobes.features import Fbank

    folder, network = ecapa
    encoder = create_encoder("speechbrain", source=str(folder), local_files_only=True)
    energies = Fbank(n_mels=20)(torch.from_numpy(np.array(recording.samples()))[None])
    with torch.inference_mode():
        expected = network(energies - energies.mean(dim=1, keepdim=True))[0, 0]
    vector = encoder.embed(recording)
    assert vector.shape == (6,)
    np.testing.assert_allclose(vector, expected.numpy(), atol=1e-5)


def test_an_x_vector_is_what_the_model_gives(wavlm, recording):
    folder, network = wavlm["head"]
    encoder = create_encoder("transformers", source=str(folder), local_files_only=True)
    with torch.inference_mode():
        expected = network(normalised(recording.samples())).embeddings[0]
    np.testing.assert_allclose(encoder.embed(recording), expected.numpy(), atol=1e-5)
    assert encoder.embed(recording).shape == (7,)


@pytest.mark.parametrize("layer", [None, 0, 1, -1])
def test_without_a_head_it_is_the_mean_hidden_state(wavlm, recording, layer):
    folder, network = wavlm["plain"]
    encoder = create_encoder("transformers", source=str(folder), layer=layer)
    with torch.inference_mode():
        result = network(normalised(recording.samples()), output_hidden_states=True)
    states = result.last_hidden_state if layer is None else result.hidden_states[layer]
    np.testing.assert_allclose(encoder.embed(recording), states[0].mean(0).numpy(), atol=1e-5)


def test_short_recordings_are_repeated(ecapa, wavlm):
    short = Recording("u", "s", lambda: np.linspace(-1, 1, 30, dtype=np.float32))
    for name, folder in (("speechbrain", ecapa[0]), ("transformers", wavlm["head"][0])):
        assert np.isfinite(create_encoder(name, source=str(folder)).embed(short)).all()


def test_the_fingerprint_is_of_weights_and_settings(ecapa, wavlm, tmp_path):
    import shutil

    first = create_encoder("speechbrain", source=str(ecapa[0])).fingerprint
    assert create_encoder("speechbrain", source=str(ecapa[0])).fingerprint == first
    state = torch.load(ecapa[0] / "embedding_model.ckpt")
    name = next(iter(state))
    state[name] = state[name] + 1e-3
    text = (ecapa[0] / "hyperparams.yaml").read_text().replace(str(ecapa[0]), str(tmp_path))
    (tmp_path / "hyperparams.yaml").write_text(text)
    torch.save(state, tmp_path / "embedding_model.ckpt")
    assert create_encoder("speechbrain", source=str(tmp_path)).fingerprint != first

    folder = wavlm["plain"][0]
    prints = {
        create_encoder("transformers", source=str(folder), layer=layer).fingerprint
        for layer in (None, 1)
    }
    copied = shutil.copytree(folder, tmp_path / "copy")
    prints.add(create_encoder("transformers", source=str(copied)).fingerprint)
    assert len(prints) == 2  # where it lies does not matter


@pytest.mark.parametrize("name", ["speechbrain", "transformers"])
def test_a_name_that_is_not_there(name, recording, tmp_path):
    pytest.importorskip(name)
    for source in ("nobody/has-this-model", str(tmp_path)):
        encoder = create_encoder(name, source=source, local_files_only=True)
        with pytest.raises(ConfigurationError, match=r"cannot be loaded.*local_files_only is set"):
            encoder.embed(recording)


def test_a_folder_of_the_wrong_kind(ecapa, wavlm, recording, tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be loaded as a SpeechBrain"):
        create_encoder("speechbrain", source=str(wavlm["head"][0])).embed(recording)
    with pytest.raises(ConfigurationError, match="cannot be loaded as a transformers"):
        create_encoder("transformers", source=str(ecapa[0])).embed(recording)
    with pytest.raises(ConfigurationError, match="takes 0 to 2, got 9"):
        create_encoder("transformers", source=str(wavlm["plain"][0]), layer=9).embed(recording)


def test_a_checkpoint_that_lacks_its_head(wavlm, recording, tmp_path):
    """transformers would make up the missing weights, and only warn."""
    import shutil

    folder = shutil.copytree(wavlm["plain"][0], tmp_path / "claims")
    config = json.loads((folder / "config.json").read_text())
    config["architectures"] = ["WavLMForXVector"]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ConfigurationError, match=r"has no weights for .* WavLMForXVector"):
        create_encoder("transformers", source=str(folder)).embed(recording)


def test_a_text_model_is_no_encoder(recording, tmp_path):
    transformers = pytest.importorskip("transformers")
    config = transformers.BertConfig(
        vocab_size=9,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=8,
    )
    transformers.BertModel(config).save_pretrained(tmp_path)
    transformers.Wav2Vec2FeatureExtractor().save_pretrained(tmp_path)
    with pytest.raises(ConfigurationError, match="it takes input_ids, not audio"):
        create_encoder("transformers", source=str(tmp_path)).embed(recording)


def test_an_empty_name():
    with pytest.raises(ConfigurationError, match="source= takes a name"):
        create_encoder("speechbrain", source="")
