"""What the encoder hears of the model's own conversion to other voices.

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
    count, bands = batch.mel.shape[:2]
    order = torch.randperm(count, device=device)
    shift = torch.empty(count, 1, device=device).uniform_(-MOST_SHIFT, MOST_SHIFT)
    pitch = batch.pitch.clone()
    pitch[:, 1] += shift * pitch[:, 0]
    levels = torch.full((count,), network.quantizer.levels, device=device)
    with autocast(device.type):
        content = network.encoder(batch.first)
        decoded = network.decoder(content, pitch, batch.vector[order], levels)[:, :-1].float()
    loud = batch.mel.exp().mean(1, keepdim=True).log() > -ACTIVE_NEPERS
    frames = loud.sum(2, keepdim=True).clamp(min=LEAST_FRAMES)
    mean = (decoded * loud).sum(2, keepdim=True) / frames
    spread = (((decoded - mean).square() * loud).sum(2, keepdim=True) / frames).sqrt()
    # chunks are short: lean on the statistics of the utterance
    spread = 0.5 * spread.clamp(min=LEAST_SPREAD) + 0.5 * batch.spread
    return (decoded - mean + CHANNEL * curves(count, bands, device)) / spread


def curves(count: int, bands: int, device: torch.device) -> Tensor:
    """Smooth random curves, ``(count, bands, 1)``."""
    place = (torch.arange(bands, device=device) + 0.5) / bands
    basis = torch.cos(math.pi * torch.arange(TERMS, device=device)[:, None] * place)
    return (torch.randn(count, TERMS, device=device) @ basis)[:, :, None] / math.sqrt(TERMS / 2)
