"""One training: who is in it, the model that comes out, and what it cost."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from recipes.dp_keyword.models import TailAverage, make
from recipes.dp_keyword.settings import Run
from voxguard.privacy import ExampleDP, Ledger, SpeakerDP, default_delta, noise_multiplier_for
from voxguard.privacy.canaries import GradientCanaries

Item = tuple[int, int]  # which clip, and which word it is said to be
Units = Mapping[str, Sequence[Item]]

_NO_CLIPPING = 1e9


@dataclass(frozen=True)
class Clips:
    """Features of all clips, and what they are.

    Attributes:
        features: ``(n, ...)``.
        labels: ``(n,)`` number of the word.
        speakers: ``(n,)``.
        trained: Indices of the clips that are trained on.
        tested: Indices of those that are tested on.
        classes: Words.
    """

    features: Tensor
    labels: npt.NDArray[np.int64]
    speakers: Sequence[str]
    trained: Sequence[int]
    tested: Sequence[int]
    classes: int


@dataclass(frozen=True)
class Trained:
    """A model and its account."""

    model: nn.Module
    privacy: dict[str, Any]
    seconds: float


def units_of(clips: Clips, run: Run) -> dict[str, list[Item]]:
    """The units of privacy, each with its clips.

    A pseudo-user has clips of one speaker, drawn by the seed. He is not a person: a speaker of FSDD
    is 90 of them, and what is promised to one is not promised to the speaker.
    """
    items = [(index, int(clips.labels[index])) for index in clips.trained]
    if run.unit == "example":
        return {f"{index:06d}": [(index, label)] for index, label in items}
    said: dict[str, list[Item]] = {}
    for item in items:
        said.setdefault(clips.speakers[item[0]], []).append(item)
    if not run.user_clips:
        return said
    rng = np.random.default_rng(max(run.seed, 0))
    users = {}
    for speaker, own in sorted(said.items()):
        order = rng.permutation(len(own))
        for first in range(0, len(own), run.user_clips):
            some = [own[k] for k in order[first : first + run.user_clips]]
            users[f"{speaker}-{first // run.user_clips:04d}"] = some
    return users


def collator(clips: Clips) -> Callable[[list[Item]], tuple[Tensor, Tensor]]:
    """Makes a batch of items."""

    def collate(items: list[Item]) -> tuple[Tensor, Tensor]:
        which = [index for index, _ in items]
        return clips.features[which], torch.tensor([label for _, label in items])

    return collate


def loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Mean cross-entropy."""
    return nn.functional.cross_entropy(model(batch[0]), batch[1])


def train(
    clips: Clips,
    units: Units,
    run: Run,
    folder: Path,
    *,
    batch: int = 512,
    device: str = "cpu",
    canaries: GradientCanaries | None = None,
    progress: Callable[[int, dict[str, Any]], None] | None = None,
) -> Trained:
    """Train, going on where it was.

    Args:
        clips: The features.
        units: Who is in the training, canaries with wrong labels included.
        run: The settings.
        folder: Checkpoint and ledger.
        batch: Examples of one backward pass.
        device: In torch's words.
        canaries: To be added, and found in the updates.
        progress: Called after each step.
    """
    began = time.process_time()
    folder.mkdir(parents=True, exist_ok=True)
    collate, objective = collator(clips), loss
    if canaries is not None:
        units = canaries.speakers(units)
        collate, objective = canaries.collate(collate), canaries.loss(loss)
    private = run.epsilon < math.inf
    delta = run.delta or default_delta(len(units))
    noise = (
        noise_multiplier_for(run.epsilon, delta, sampling_rate=run.sampling_rate, steps=run.steps)
        if private
        else 0.0
    )
    torch.manual_seed(max(run.seed, 0))
    model = make(tuple(clips.features.shape[1:]), clips.classes).to(device)
    average = TailAverage(model, int(run.average_from * run.steps))
    common: dict[str, Any] = {
        "noise_multiplier": noise,
        "sampling_rate": run.sampling_rate,
        "clipping_norm": run.clipping_norm if private else _NO_CLIPPING,
        "scheduler": average,
        "seed": None if run.seed < 0 else run.seed,
        "device": device,
    }
    optimizer = torch.optim.SGD(model.parameters(), lr=run.learning_rate, momentum=run.momentum)
    kind = "example" if run.unit == "example" else "speaker"
    # The scores of canaries in the updates are not kept, so a training with them does not go on.
    goes_on = canaries is None
    with Ledger(
        folder / "ledger.json" if goes_on else None, unit=kind, population=len(units), delta=delta,
        max_epsilon=run.epsilon,
    ) as ledger:  # fmt: skip
        if run.unit == "example":
            examples = [said[0] for said in units.values()]
            trainer: SpeakerDP = ExampleDP(
                model, optimizer, examples, collate, objective, ledger=ledger,
                max_physical_batch=batch, **common,
            )  # fmt: skip
        else:
            trainer = SpeakerDP(
                model, optimizer, units, collate, objective, ledger=ledger, utterances=run.clips,
                engine="vectorised" if canaries is None else "microbatch", **common,
            )  # fmt: skip
        if canaries is not None:
            trainer.on_release = canaries.watch(trainer)
        checkpoint = folder / "checkpoint.pt" if goes_on else None
        trainer.fit(run.steps, checkpoint=checkpoint, progress=progress)
        privacy = ledger.summary()
    average.apply()
    model.eval()
    return Trained(model.cpu(), privacy, time.process_time() - began)
