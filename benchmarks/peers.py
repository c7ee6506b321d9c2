"""Public voice conversion for comparison, with random weights: they cost as much as trained ones.

- *HuBERT base and HiFi-GAN V1*: content encoder and vocoder of soft-VC, RVC and VoicePrivacy's B5.
- *kNN-VC* (Baas et al., Interspeech 2023): WavLM-Large up to its sixth layer, and HiFi-GAN from its
  vectors. The search for neighbours is left out, since it costs by the size of the target set.
- *LLVC* (Sadov et al., arXiv:2311.00873): live, from a checkout of KoeAI/LLVC (MIT, not part of
  voxguard), in its own chunks of 13 ms.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers

Work = Callable[[Any], Any]


def hubert() -> Work:
    """HuBERT base."""
    model = transformers.HubertModel(transformers.HubertConfig()).eval()
    return lambda signal: model(torch.from_numpy(signal)[None])


def hifigan() -> Work:
    """HiFi-GAN V1 at 16 kHz, 62.5 frames a second."""
    model = transformers.SpeechT5HifiGan(transformers.SpeechT5HifiGanConfig()).eval()
    return lambda signal: model(torch.zeros(len(signal) // 256, 80))


def wavlm() -> Work:
    """WavLM-Large, up to the sixth of its layers."""
    config = transformers.WavLMConfig(
        hidden_size=1024,
        num_hidden_layers=6,
        num_attention_heads=16,
        intermediate_size=4096,
        feat_extract_norm="layer",
        do_stable_layer_norm=True,
    )
    model = transformers.WavLMModel(config).eval()
    return lambda signal: model(torch.from_numpy(signal)[None])


def hifigan_of_wavlm() -> Work:
    """HiFi-GAN of kNN-VC, 50 vectors a second."""
    config = transformers.SpeechT5HifiGanConfig(
        model_in_dim=1024, upsample_rates=[10, 8, 2, 2], upsample_kernel_sizes=[20, 16, 4, 4]
    )
    model = transformers.SpeechT5HifiGan(config).eval()
    return lambda signal: model(torch.zeros(len(signal) // 320, 1024))


def llvc(checkout: Path) -> Work:
    """LLVC in chunks, as its ``infer_stream`` feeds them."""
    given = json.loads((checkout / "experiments" / "llvc" / "config.json").read_text())
    sys.path.insert(0, str(checkout))
    try:
        model = importlib.import_module("model").Net(**given["model_params"]).eval()
    finally:
        sys.path.remove(str(checkout))
    ahead, step = 2 * model.L, model.dec_chunk_size * model.L

    def stream(signal: Any) -> None:
        state = (*model.init_buffers(1, torch.device("cpu")),
                 model.convnet_pre.init_ctx_buf(1, torch.device("cpu")))  # fmt: skip
        padded = torch.nn.functional.pad(torch.from_numpy(signal), (ahead, -len(signal) % step))
        for start in range(0, len(padded) - ahead, step):
            chunk = padded[None, None, start : start + ahead + step]
            _, *state = model(chunk, *state, pad=not model.lookahead)

    return stream
