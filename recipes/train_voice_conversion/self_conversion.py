"""The model's own conversion to other voices, and how an encoder hears it.

P. Neekhara et al., "SelfVC: voice conversion with iterative refinement using self
transformations", 2023.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from recipes.train_voice_conversion.data import Batch
from voxguard.models.network import Network
from voxguard.models.normalization import ACTIVE_NEPERS, LEAST_SPREAD
from voxguard.models.precision import autocast

MOST_SHIFT = 0.9  # of the pitch, in half nepers
CHANNEL, TERMS = 0.2, 6  # deviation of the channel that is put on, and how many cosines make it
LEAST_FRAMES = 10


@torch.no_grad()
def converted_view(network: Network, batch: Batch) -> Tensor:
    """The first view said by other speakers of the batch, as the encoder would hear it.

    Returns:
        ``(batch, bands, frames)``.
    """
    device = batch.mel.device
    pitch, vector = another_voice(batch)
    levels = torch.full((len(vector),), network.quantizer.levels, device=device)
    with autocast(device.type):
        content = network.encoder(batch.first)
        decoded = network.decoder(content, pitch, vector, levels)[:, :-1].float()
    return as_heard(decoded, batch)


def another_voice(batch: Batch) -> tuple[Tensor, Tensor]:
    """Pitch at another height, and vectors of other speakers of the batch."""
    device, count = batch.mel.device, len(batch.mel)
    shift = torch.empty(count, 1, device=device).uniform_(-MOST_SHIFT, MOST_SHIFT)
    pitch = batch.pitch.clone()
    pitch[:, 1] += shift * pitch[:, 0]
    return pitch, batch.vector[torch.randperm(count, device=device)]


def as_heard(decoded: Tensor, batch: Batch) -> Tensor:
    """Envelopes through a random channel, normalised as an encoder takes them.

    Args:
        decoded: ``(batch, bands, frames)``, of what the batch says.
        batch: Where it came from.
    """
    device = decoded.device
    count, bands = decoded.shape[:2]
    loud = batch.mel.exp().mean(1, keepdim=True).log() > -ACTIVE_NEPERS
    frames = loud.sum(2, keepdim=True).clamp(min=LEAST_FRAMES)
    mean = (decoded * loud).sum(2, keepdim=True) / frames
    power = ((decoded - mean).square() * loud).sum(2, keepdim=True) / frames
    # the root has no gradient at zero, where a silent chunk is
    spread = power.clamp(min=LEAST_SPREAD**2).sqrt()
    # chunks are short: lean on the statistics of the utterance
    spread = 0.5 * spread + 0.5 * batch.spread
    return (decoded - mean + CHANNEL * curves(count, bands, device)) / spread


def curves(count: int, bands: int, device: torch.device) -> Tensor:
    """Smooth random curves, ``(count, bands, 1)``."""
    place = (torch.arange(bands, device=device) + 0.5) / bands
    basis = torch.cos(math.pi * torch.arange(TERMS, device=device)[:, None] * place)
    return (torch.randn(count, TERMS, device=device) @ basis)[:, :, None] / math.sqrt(TERMS / 2)
