"""What can be read from content: phones, which are to pass, and the speaker, who is not.

Readers of the kind that the network was trained with are trained from scratch on content that does
not change any more; that of speakers is tested on other recordings of the same speakers, that of
phones on other speakers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from recipes.train_voice_conversion.critics import PhoneReader, SpeakerReader, teach
from recipes.train_voice_conversion.data import Batch, Batches, Recorded
from recipes.train_voice_conversion.losses import means, phone_loss
from voxguard.models.network import Network
from voxguard.models.precision import autocast

LEAST_UTTERANCES = 4
RATE = 2e-3
TESTS = 10  # batches


class Probe:
    """Readers of content at one number of levels.

    Args:
        network: Whose content is read.
        levels: Of the quantiser; None for none of it.
        speakers: How many there are.
        device: Where it runs.
    """

    def __init__(self, network: Network, levels: int | None, speakers: int, device: str) -> None:
        self._network, self._levels = network, levels
        width = network.shape.content
        self._speakers = SpeakerReader(width, speakers).to(device)
        self._phones = PhoneReader(width).to(device)
        self._of_speakers = torch.optim.AdamW(self._speakers.parameters(), RATE)
        self._of_phones = torch.optim.AdamW(self._phones.parameters(), RATE)

    def learn(self, whole: Tensor, batch: Batch) -> None:
        """A step on content before the quantiser."""
        content = self._content(whole)
        teach(self._speakers, self._of_speakers, content, batch.speaker)
        with autocast(content.device.type):
            scores = self._phones(content).float()
        self._of_phones.zero_grad(set_to_none=True)
        phone_loss(scores, batch.phones)[0].backward()
        self._of_phones.step()

    @torch.no_grad()
    def speaker(self, whole: Tensor, batch: Batch) -> Tensor:
        """Share of the speakers that are recognised."""
        return (self._speakers(self._content(whole)).argmax(1) == batch.speaker).float().mean()

    @torch.no_grad()
    def phones(self, whole: Tensor, batch: Batch) -> Tensor:
        """Share of the phones that are read."""
        return phone_loss(self._phones(self._content(whole)), batch.phones)[1]

    @torch.no_grad()
    def _content(self, whole: Tensor) -> Tensor:
        return whole if self._levels is None else self._network.quantizer(whole, self._levels)[0]


def probe(
    network: Network,
    training: list[Recorded],
    held_out: Batch,
    kept: Sequence[int | None],
    *,
    steps: int,
    batch: int,
    device: str,
    seed: int,
) -> dict[str, float | None]:
    """Shares of speakers recognised and of phones read, at each number of levels.

    Args:
        network: Whose content is read.
        training: Speakers of at least four recordings are taken; every second of a speaker's
            recordings is for the test.
        held_out: Of other speakers, for the test of phones.
        kept: Levels of the quantiser, None for none of it.
        steps: Of the readers' training.
        batch: Chunks in a step.
        device: Where it runs.
        seed: Of all that is random.
    """
    learnt, tested, speakers = halves(training)
    torch.manual_seed(seed)
    probes = {str(x or "none"): Probe(network, x, speakers, device) for x in kept}
    chunks = Batches(learnt, batch, [seed, 1])
    for _ in range(steps):
        part = next(chunks).to(device)
        whole = _whole(network, part)
        for reader in probes.values():
            reader.learn(whole, part)
    chunks = Batches(tested, batch, [seed, 2])
    found = []
    for _ in range(TESTS):
        part = next(chunks).to(device)
        whole = _whole(network, part)
        found.append({f"speaker_{x}": p.speaker(whole, part) for x, p in probes.items()})
    whole = _whole(network, held_out)
    read = {f"phones_{x}": p.phones(whole, held_out) for x, p in probes.items()}
    return {**means(found), **means([read]), "speaker_chance": round(1.0 / speakers, 4)}


def halves(recorded: list[Recorded]) -> tuple[list[Recorded], list[Recorded], int]:
    """Recordings to learn from and others of the same speakers, who are counted from 0 again."""
    counts = np.bincount([r.speaker for r in recorded])
    enough = np.flatnonzero(counts >= LEAST_UTTERANCES)
    if len(enough) < 2:
        raise SystemExit(f"a probe needs two speakers with {LEAST_UTTERANCES} recordings or more")
    parts: tuple[list[Recorded], list[Recorded]] = ([], [])
    for number, speaker in enumerate(enough):
        own = [replace(r, speaker=number) for r in recorded if r.speaker == speaker]
        for k, r in enumerate(own):
            parts[k % 2].append(r)
    return (*parts, len(enough))


@torch.no_grad()
def _whole(network: Network, batch: Batch) -> Tensor:
    with autocast(batch.mel.device.type):
        whole: Tensor = network.encoder(batch.plain).float()
    return whole
