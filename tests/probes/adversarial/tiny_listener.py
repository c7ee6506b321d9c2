"""A real audio LLM that hears one thing: whether a voice is high or low. Trained in seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from recipes.train_audio_llm.architecture import build
from voxguard.audiollm import TransformersModel
from voxguard.dsp.voice import fundamental_hz, synthetic_voice

SECONDS, RATE = 1, 16_000
PROMPT = "Is the speaker a man or a woman?"
MAN, WOMAN = "A man.", "A woman."
_LOW, _HIGH = 125.0, 175.0  # voices in between are left out: nobody could tell
_NOISE = 0.0, 0.003, 0.02  # so that it does not go by how noisy a voice is
_CLEAR = [n for n in range(250) if not _LOW < fundamental_hz(n) < _HIGH]
TRAINED, STRANGERS = _CLEAR[:80], _CLEAR[80:]


def answer_for(speaker: int) -> str:
    """What is true of a synthetic speaker."""
    return WOMAN if fundamental_hz(speaker) > _HIGH else MAN


def clip_of(speaker: int):
    """Most of a second."""
    return synthetic_voice(seconds=0.9, speaker=speaker, seed=speaker)


def train(folder: Path, steps: int = 100, rate: float = 2e-3) -> TransformersModel:
    """Train, and load through the very adapter that loads any other model."""
    network, processor = build(
        [PROMPT, MAN, WOMAN], seconds=SECONDS, width=64, layers=1, vocabulary=320
    )
    processor.save_pretrained(folder)
    network.save_pretrained(folder)
    model = TransformersModel(folder, device="cpu", max_new_tokens=8)
    examples = [_example(model, speaker) for speaker in TRAINED]
    longest = max(example["input_ids"].shape[1] for example in examples)
    fill = {"input_ids": 0, "attention_mask": 0, "labels": -100}
    together = {
        name: torch.cat([_padded(e[name], longest, fill.get(name)) for e in examples])
        for name in examples[0]
    }
    labels = together.pop("labels")
    network = model.model.train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate)
    generator = torch.Generator().manual_seed(0)
    for _ in range(steps):
        chosen = torch.randperm(len(labels), generator=generator)[:20]
        made = network(**{name: value[chosen] for name, value in together.items()})
        logits = made.logits[:, :-1].flatten(0, 1)
        loss = torch.nn.functional.cross_entropy(logits, labels[chosen][:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
    network.eval()
    return model


def _example(model: TransformersModel, speaker: int):
    noise = np.random.default_rng(speaker).normal(size=round(0.9 * RATE)) * _NOISE[speaker % 3]
    inputs = dict(model.inputs((clip_of(speaker) + noise).astype(np.float32), RATE, PROMPT))
    ending = answer_for(speaker) + "<|im_end|>"
    answer = model.processor.tokenizer(ending, return_tensors="pt")["input_ids"]
    asked = inputs["input_ids"]
    inputs["labels"] = torch.cat([torch.full_like(asked, -100), answer], dim=1)
    inputs["input_ids"] = torch.cat([asked, answer], dim=1)
    inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
    return inputs


def _padded(value, length: int, fill: int | None):
    if fill is None:
        return value
    return torch.nn.functional.pad(value, (0, length - value.shape[1]), value=fill)


def accuracy(model: TransformersModel, speakers=STRANGERS) -> float:
    """On speakers that it was not trained on."""
    right = [model(clip_of(s), RATE, PROMPT) == answer_for(s) for s in speakers]
    return float(np.mean(right))
