"""The public start: ECAPA-TDNN trained without privacy on the speakers whom nobody hides."""

from __future__ import annotations

import math
import time
from pathlib import Path

import torch

from recipes.common import say
from recipes.dp_speaker_verification.losses import WithMargin, labelled
from recipes.dp_speaker_verification.network import Classifier, Encoder
from recipes.dp_speaker_verification.settings import Settings
from recipes.dp_speaker_verification.speech import Speech

_WARM_UP = 20


def start(
    kind: str, speech: Speech, settings: Settings, seed: int, path: Path, device: str
) -> Encoder:
    """An encoder with the weights that private training begins with.

    Args:
        kind: ``"random"`` or ``"public"``.
        speech: Where the public speakers are.
        settings: Of the network and the public training.
        seed: Of weights and batches.
        path: Where the public weights are kept.
        device: In torch's words.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = Encoder(settings)
        if kind == "public" and not path.exists():
            _train(encoder.to(device), speech, settings, device)
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_suffix(".part")
            torch.save(encoder.cpu().state_dict(), unfinished)
            unfinished.rename(path)
    if kind == "public":
        encoder.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return encoder.to(device)


def _train(encoder: Encoder, speech: Speech, settings: Settings, device: str) -> None:
    began = time.process_time()
    names = list(speech.public)
    model = Classifier(encoder, settings.embedding, len(names)).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=settings.pretraining_rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda at: _cycle(at, settings.pretraining_steps)
    )
    loss_of = WithMargin(settings.margin, settings.scale_classes)
    for step in range(1, settings.pretraining_steps + 1):
        who = torch.randint(len(names), (settings.pretraining_batch,)).tolist()
        said = [speech.public[names[label]] for label in who]
        drawn = [theirs[int(torch.randint(len(theirs), ()))] for theirs in said]
        inputs, labels = labelled(list(zip(drawn, who, strict=True)))
        loss = loss_of(model, (inputs.to(device), labels.to(device))).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 100 == 0 or step == settings.pretraining_steps:
            spent = time.process_time() - began
            say(f"public speakers: step {step}, loss {loss.item():.2f}, {spent:.0f} CPU s")


def _cycle(at: int, steps: int) -> float:
    return min(1.0, (at + 1) / _WARM_UP) * 0.5 * (1.0 + math.cos(math.pi * at / steps))
