"""Checkpoints of the published kinds, with few and random weights, as tests save and load them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from voxguard.dsp.voice import synthetic_voice
from voxguard.models.hifigan import HifiGan, HifiGanConfig

RATE = 16_000
WAVLM_SIZE = 16
HIFIGAN = HifiGanConfig(
    upsample_initial_channel=32,
    resblock_kernel_sizes=(3,),
    resblock_dilation_sizes=((1, 3),),
    hubert_dim=WAVLM_SIZE,
    hifi_dim=8,
)
_CONVOLUTIONS = {"conv_dim": (8,) * 7, "num_conv_pos_embeddings": 16}


def save_wavlm(folder: Path, **options: Any) -> Path:
    """A WavLM of the large one's kind (layer norms before, as many samples a frame)."""
    import transformers

    config = transformers.WavLMConfig(
        hidden_size=WAVLM_SIZE,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=16,
        num_conv_pos_embedding_groups=2,
        do_stable_layer_norm=True,
        feat_extract_norm="layer",
        **_CONVOLUTIONS,
        **options,
    )
    return _saved(transformers.WavLMModel, config, folder)


def save_hifigan(folder: Path, config: HifiGanConfig = HIFIGAN) -> Path:
    """kNN-VC's vocoder."""
    vocoder = HifiGan(config)
    _make_audible(vocoder.layers, "ups")
    vocoder.save_pretrained(folder)
    return folder


def save_voices(folder: Path, speakers: int = 6, seconds: float = 3.0) -> Path:
    """A folder of recordings a speaker."""
    for speaker in range(speakers):
        place = folder / f"speaker-{speaker}"
        place.mkdir(parents=True)
        samples = synthetic_voice(seconds=seconds, sample_rate=RATE, speaker=speaker, seed=9)
        soundfile.write(place / "a.wav", samples, RATE)
    return folder


def save_speecht5(folder: Path, stop_bias: float = -20.0) -> Path:
    """A SpeechT5 for voice conversion; with this bias it speaks for as long as it may."""
    import torch
    import transformers

    config = transformers.SpeechT5Config(
        hidden_size=16,
        encoder_layers=1,
        encoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_layers=1,
        decoder_attention_heads=2,
        decoder_ffn_dim=16,
        num_mel_bins=10,
        speech_decoder_prenet_units=16,
        speech_decoder_postnet_units=8,
        speech_decoder_postnet_layers=2,
        speaker_embedding_dim=12,
        num_conv_pos_embedding_groups=2,
        vocab_size=8,
        initializer_range=0.5,
        **_CONVOLUTIONS,
    )

    def never_stops(model: Any) -> None:
        torch.nn.init.constant_(model.speech_decoder_postnet.prob_out.bias, stop_bias)

    extractor = transformers.SpeechT5FeatureExtractor(num_mel_bins=10)
    extractor.save_pretrained(folder)
    return _saved(transformers.SpeechT5ForSpeechToSpeech, config, folder, never_stops)


def save_speecht5_hifigan(folder: Path, **options: Any) -> Path:
    """The vocoder of SpeechT5."""
    import transformers

    config = transformers.SpeechT5HifiGanConfig(
        **{
            "model_in_dim": 10,
            "upsample_initial_channel": 32,
            "resblock_kernel_sizes": [3],
            "resblock_dilation_sizes": [[1, 3]],
            **options,
        }
    )
    audible = partial(_make_audible, stages="upsampler")
    return _saved(transformers.SpeechT5HifiGan, config, folder, audible)


def save_xvectors(path: Path, speakers: int = 20, dimensions: int = 12) -> Path:
    """A pool, one vector a speaker."""
    np.save(path, np.random.default_rng(1).standard_normal((speakers, dimensions)))
    return path


def method_options(name: str, folder: Path) -> dict[str, Any]:
    """What a method needs that has no weights of its own; nothing for others."""
    if name == "knn_vc":
        return {
            "checkpoint": str(save_wavlm(folder / "wavlm")),
            "vocoder": str(save_hifigan(folder / "hifigan")),
            "voices": str(save_voices(folder / "voices")),
            "layer": 2,
            "mix": 3,
        }
    if name == "speecht5":
        return {
            "checkpoint": str(save_speecht5(folder / "speecht5")),
            "vocoder": str(save_speecht5_hifigan(folder / "hifigan")),
            "xvectors": str(save_xvectors(folder / "pool.npy")),
        }
    return {}


def fill_hub_cache(
    cache: Path, repository: str, revisions: dict[str, Callable[[Path], Any]]
) -> None:
    """Lay out revisions of a repository as the hub's client keeps what it has downloaded."""
    place = cache / f"models--{repository.replace('/', '--')}"
    (place / "refs").mkdir(parents=True)
    for number, (revision, save) in enumerate(revisions.items()):
        commit = f"{number:040x}"
        (place / "refs" / revision).write_text(commit)
        (place / "snapshots" / commit).mkdir(parents=True)
        save(place / "snapshots" / commit)


def _make_audible(layers: Any, stages: str) -> None:
    """Random weights under which a generator is as loud as speech, and mostly below 2 kHz."""
    import torch

    weights = dict(layers.named_parameters())
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        for name, weight in weights.items():
            if name.endswith("bias"):
                weight.zero_()
                continue
            inputs = weight.shape[0] if name.startswith(stages) else weight[0].numel()
            weight.copy_(torch.randn_like(weight) * inputs**-0.5)
            if name.startswith(f"{stages}.0"):
                weight -= weight.mean(dim=-1, keepdim=True)  # no hum at 0 Hz
            elif name.startswith((stages, "conv_post")):
                weight.copy_(weight.mean(dim=-1, keepdim=True).expand_as(weight))  # no hiss


def _saved(cls: Any, config: Any, folder: Path, change: Any = None) -> Path:
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = cls(config).eval()
    if change:
        change(model)
    model.save_pretrained(folder)
    return folder
