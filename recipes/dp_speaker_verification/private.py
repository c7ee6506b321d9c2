"""One private training: what is trained, on whom, by which trainer."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from recipes.dp_speaker_verification.corpus import Draw
from recipes.dp_speaker_verification.losses import AgainstPublic, WithMargin, labelled, mean_of
from recipes.dp_speaker_verification.network import Classifier, Encoder
from recipes.dp_speaker_verification.settings import Method, Settings
from recipes.dp_speaker_verification.speech import Speech
from voxguard.privacy import ExampleDP, Ledger, SpeakerDP, default_delta, noise_multiplier_for

Items = dict[str, list[Tensor]]

_AT_ONCE = 64


@dataclass
class Task:
    """A training that is ready to begin.

    Attributes:
        method: How.
        encoder: What is trained, or of which a part is.
        model: What the trainer sees: the encoder or its last part, with a classifier behind it
            where the unit is the example.
        units: What the guarantee is for: speakers with what they say, or examples.
        inputs: What each private speaker says, as the model takes it, members or not.
        loss: Of the trainer.
        strangers: The loss of a speaker against public ones, on what comes before the classifier.
    """

    method: Method
    encoder: Encoder
    model: nn.Module
    units: dict[str, list[Any]] | list[Any]
    inputs: Items
    loss: Callable[[nn.Module, Any], Tensor]
    strangers: AgainstPublic

    @property
    def embedder(self) -> nn.Module:
        """What gives vectors of `inputs`, and is all that is released of the model."""
        return self.encoder if self.method.trained == "all" else self.encoder.last


def prepare(
    method: Method, encoder: Encoder, speech: Speech, draw: Draw, settings: Settings, device: str
) -> Task:
    """Put a training together.

    Args:
        method: How it is trained.
        encoder: At its start.
        speech: Of everybody.
        draw: Whom it is trained on.
        settings: Of the losses.
        device: In torch's words.
    """
    encoder.train()
    by_speaker = method.unit == "speaker"
    said = speech.private if by_speaker else speech.examples
    public = speech.strangers().to(device)
    if method.trained == "last":  # the rest stays as it is, so what it gives is computed once
        said = {name: pooled(encoder, segments, device) for name, segments in said.items()}
        public = torch.stack(pooled(encoder, list(public), device)).to(device)
    part = encoder if method.trained == "all" else encoder.last
    against = AgainstPublic(public, settings.scale, keep=method.engine == "microbatch")
    if method.loss == "strangers":
        members = {name: said[name] for name in draw.members}
        return Task(method, encoder, part, members, said, against, against)
    # As many classes as there are people who were asked to take part: known, whoever did.
    label = {name: number for number, name in enumerate(sorted(said))}
    labels = {name: [(segment, label[name]) for segment in said[name]] for name in draw.members}
    units = labels if by_speaker else [example for theirs in labels.values() for example in theirs]
    model = Classifier(part, settings.embedding, len(label)).to(device)
    margin = WithMargin(settings.margin, settings.scale_classes)
    loss = mean_of(margin) if by_speaker else margin
    return Task(method, encoder, model, units, said, loss, against)


@lru_cache
def noise_for(method: Method, epsilon: float, population: int) -> float:
    """The noise multiplier; 0 for no privacy."""
    if math.isinf(epsilon):
        return 0.0
    return noise_multiplier_for(
        epsilon,
        default_delta(population),
        sampling_rate=method.sampling_rate,
        steps=method.steps,
    )


def train(
    task: Task,
    epsilon: float,
    folder: Path,
    settings: Settings,
    seed: int,
    device: str,
    progress: Callable[[int, dict[str, Any]], None],
) -> dict[str, Any]:
    """Train, going on from where an earlier attempt ended; gives the ledger's summary."""
    method, population = task.method, len(task.units)
    folder.mkdir(parents=True, exist_ok=True)
    unit: Any = method.unit
    with Ledger(
        folder / "ledger.json", unit=unit, population=population, max_epsilon=epsilon
    ) as ledger:
        options: dict[str, Any] = {
            "noise_multiplier": noise_for(method, epsilon, population),
            "sampling_rate": method.sampling_rate,
            "clipping_norm": method.clipping_norm,
            "ledger": ledger,
            "seed": seed if settings.reproducible else None,
            "device": device,
        }
        optimizer = torch.optim.Adam(task.model.parameters(), lr=method.learning_rate)
        trainer: SpeakerDP
        if method.unit == "speaker":
            how: Any = {"utterances": method.utterances, "engine": method.engine}
            collate: Any = torch.stack if method.loss == "strangers" else labelled
            trainer = SpeakerDP(
                task.model, optimizer, task.units, collate, task.loss, **how, **options
            )
        else:
            trainer = ExampleDP(
                task.model, optimizer, task.units, labelled, task.loss,
                max_physical_batch=_AT_ONCE, **options,
            )  # fmt: skip
        trainer.fit(
            method.steps,
            checkpoint=folder / "checkpoint.pt",
            every=settings.checkpoint_every,
            progress=progress,
        )
        return ledger.summary()


@torch.no_grad()
def pooled(encoder: Encoder, segments: list[Tensor], device: str) -> list[Tensor]:
    """What the body of an encoder gives of segments."""
    found = [
        encoder.body(torch.stack(segments[at : at + _AT_ONCE]).to(device))
        for at in range(0, len(segments), _AT_ONCE)
    ]
    return list(torch.cat(found).cpu())
