"""An audio LLM of the published kind, with few and random weights, as tests save and load it."""

from __future__ import annotations

from pathlib import Path

PROMPT = "Is the speaker a man or a woman?"


def save_audio_llm(folder: Path) -> Path:
    """A Qwen2-Audio whose answers depend on what it hears, and mean nothing."""
    import torch

    from recipes.train_audio_llm.architecture import build

    model, processor = build([PROMPT, "a man", "a woman"], seconds=4, width=64, layers=2)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(3.0)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
