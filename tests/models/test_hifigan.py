"""HiFi-GAN: the same numbers as another implementation, from every form its weights come in."""

from __future__ import annotations

import copy
import json
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_checkpoints

from voxguard.errors import ConfigurationError
from voxguard.models.hifigan import HifiGan, HifiGanConfig

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

SMALL = tiny_checkpoints.HIFIGAN


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_checkpoints.save_hifigan(tmp_path_factory.mktemp("hifigan"))


@pytest.fixture(scope="module")
def vocoder(folder):
    return HifiGan.from_pretrained(str(folder))


@pytest.fixture(scope="module")
def features():
    return torch.from_numpy(np.random.default_rng(0).standard_normal((2, 7, 16), np.float32))


def convolutions(layers):
    return [
        m for m in layers.modules() if isinstance(m, torch.nn.Conv1d | torch.nn.ConvTranspose1d)
    ]


def normed(layers, how):
    """The same network with weight normalisation, as it is while it is trained."""
    layers = copy.deepcopy(layers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # the old way, which published files have
        for convolution in convolutions(layers):
            how(convolution)
    return layers.state_dict()


def test_it_computes_what_transformers_computes():
    """Its SpeechT5HifiGan is the same generator without the linear layer before it."""
    from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig

    sizes = replace(
        SMALL,
        hubert_dim=8,
        resblock_kernel_sizes=(3, 7),
        resblock_dilation_sizes=((1, 3), (1, 5)),
    )
    mine = HifiGan(sizes)
    theirs = SpeechT5HifiGan(
        SpeechT5HifiGanConfig(
            model_in_dim=8,
            upsample_initial_channel=sizes.upsample_initial_channel,
            upsample_rates=sizes.upsample_rates,
            upsample_kernel_sizes=sizes.upsample_kernel_sizes,
            resblock_kernel_sizes=sizes.resblock_kernel_sizes,
            resblock_dilation_sizes=sizes.resblock_dilation_sizes,
            normalize_before=False,
        )
    ).eval()
    with torch.no_grad():
        mine.layers["lin_pre"].weight.copy_(torch.eye(8))
        mine.layers["lin_pre"].bias.zero_()
        state = {name: 3.0 * value for name, value in mine.layers.state_dict().items()}
        own = mine.layers.state_dict()["lin_pre.weight"]
        mine.layers.load_state_dict({**state, "lin_pre.weight": own})
        renamed = {
            name.replace("ups.", "upsampler."): value
            for name, value in state.items()
            if not name.startswith("lin_pre")
        }
        theirs.load_state_dict({**renamed, "mean": torch.zeros(8), "scale": torch.ones(8)})
        frames = torch.randn(3, 6, 8)
        expected = theirs(frames)
        assert expected.std() > 0.01
        torch.testing.assert_close(mine(frames), expected)


def test_names_and_sizes_are_those_of_the_published_checkpoint():
    state = HifiGan(HifiGanConfig()).layers.state_dict()
    shapes = {
        "lin_pre.weight": (512, 1024),
        "conv_pre.weight": (512, 512, 7),
        "ups.0.weight": (512, 256, 20),
        "ups.3.weight": (64, 32, 4),
        "resblocks.0.convs1.0.weight": (256, 256, 3),
        "resblocks.11.convs2.2.weight": (32, 32, 11),
        "conv_post.weight": (1, 32, 7),
    }
    assert {name: tuple(state[name].shape) for name in shapes} == shapes
    assert len(state) == 2 * (1 + 1 + 4 + 12 * 6 + 1)


@pytest.mark.parametrize("kind", ["old", "new"])
def test_weight_normalisation_is_folded_in(vocoder, features, tmp_path, kind):
    if kind == "old":
        state = normed(vocoder.layers, torch.nn.utils.weight_norm)
        assert {"conv_pre.weight_g", "resblocks.0.convs1.0.weight_v", "lin_pre.weight"} <= set(
            state
        )
    else:
        state = normed(vocoder.layers, torch.nn.utils.parametrizations.weight_norm)
        assert "ups.0.parametrizations.weight.original1" in state
    for name in state:
        if name.endswith(("weight_v", "original1")):
            state[name] = 2.5 * state[name]  # only the direction counts
    path = tmp_path / "prematch_g_02500000.pt"
    torch.save({"generator": state}, path)
    (tmp_path / "config.json").write_text(published(SMALL))
    expected = vocoder(features)
    for source in (path, tmp_path):
        loaded = HifiGan.from_pretrained(str(source))
        torch.testing.assert_close(loaded(features), expected, atol=1e-5, rtol=1e-4)


def published(config):
    """As kNN-VC writes it: lists, and much that concerns the training."""
    values = {name: getattr(config, name) for name in HifiGanConfig.__dataclass_fields__}
    return json.dumps({**values, "num_gpus": 0, "batch_size": 16, "fmax_for_loss": None})


def test_saved_and_loaded_it_is_the_same(vocoder, features, tmp_path):
    vocoder.save_pretrained(tmp_path / "new")
    again = HifiGan.from_pretrained(str(tmp_path / "new"))
    assert again.config == SMALL
    assert torch.equal(again(features), vocoder(features))
    file = HifiGan.from_pretrained(str(tmp_path / "new" / "model.safetensors"))
    assert torch.equal(file(features), vocoder(features))


def test_a_frame_gives_320_samples_and_rows_keep_apart(vocoder, features):
    out = vocoder(features)
    assert out.shape == (2, 7 * 320)
    assert out.abs().max() <= 1.0
    torch.testing.assert_close(vocoder(features[1:])[0], out[1])
    assert not out.requires_grad


def test_the_random_start_leaves_torch_s_generator_alone():
    before = torch.get_rng_state()
    HifiGan(SMALL)
    assert torch.equal(torch.get_rng_state(), before)


class TestRefusals:
    def test_other_sizes(self, folder, tmp_path):
        (tmp_path / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
        with pytest.raises(ConfigurationError, match="not the weights of a HiFi-GAN"):
            HifiGan.from_pretrained(str(tmp_path))  # without its sizes: the published ones

    def test_half_of_a_pair(self, vocoder, tmp_path):
        state = normed(vocoder.layers, torch.nn.utils.parametrizations.weight_norm)
        for part in ("original0", "original1"):
            torch.save(
                {n: v for n, v in state.items() if n != f"conv_pre.parametrizations.weight.{part}"},
                tmp_path / "g.pt",
            )
            (tmp_path / "config.json").write_text(published(SMALL))
            with pytest.raises(ConfigurationError, match="not the weights of a HiFi-GAN"):
                HifiGan.from_pretrained(str(tmp_path / "g.pt"))

    def test_code_in_a_pickle_is_not_run(self, tmp_path):
        torch.save({"generator": Bomb(tmp_path / "ran")}, tmp_path / "g.pt")
        with pytest.raises(ConfigurationError, match=r"g\.pt cannot be read as weights"):
            HifiGan.from_pretrained(str(tmp_path / "g.pt"))
        assert not (tmp_path / "ran").exists()

    @pytest.mark.parametrize("name", ["g.pt", "g.safetensors"])
    def test_damaged_files(self, tmp_path, name):
        (tmp_path / name).write_bytes(b"no weights")
        with pytest.raises(ConfigurationError, match="cannot be read as weights"):
            HifiGan.from_pretrained(str(tmp_path / name))

    @pytest.mark.parametrize(
        ("text", "why"),
        [('{"resblock": "2"}', "kind '2'"), ("{", "no HiFi-GAN configuration")],
    )
    def test_unknown_configurations(self, folder, tmp_path, text, why):
        (tmp_path / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
        (tmp_path / "config.json").write_text(text)
        with pytest.raises(ConfigurationError, match=why):
            HifiGan.from_pretrained(str(tmp_path))

    def test_nothing_there(self, tmp_path):
        with pytest.raises(ConfigurationError, match=r"holds none of model\.safetensors"):
            HifiGan.from_pretrained(str(tmp_path))
        with pytest.raises(ConfigurationError, match=r"'nobody/has-this'.*local_files_only is set"):
            HifiGan.from_pretrained("nobody/has-this", local_files_only=True)


class Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_from_a_repository_on_the_hub(vocoder, features, tmp_path, monkeypatch):
    other = HifiGan(SMALL)
    revisions = {"main": vocoder.save_pretrained, "v2": other.save_pretrained}
    tiny_checkpoints.fill_hub_cache(tmp_path, "tester/vocoder", revisions)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    newest = HifiGan.from_pretrained("tester/vocoder", local_files_only=True)
    assert torch.equal(newest(features), vocoder(features))
    pinned = HifiGan.from_pretrained("tester/vocoder", revision="v2", local_files_only=True)
    assert torch.equal(pinned(features), other(features))
    with pytest.raises(ConfigurationError, match="cannot be loaded"):
        HifiGan.from_pretrained("tester/vocoder", revision="v3", local_files_only=True)
