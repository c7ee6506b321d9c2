"""A finished converter for recordings, whose codes one for live signals learns to find."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from voxguard.models import converter
from voxguard.models.network import Network, NetworkShape
from voxguard.models.precision import autocast
from voxguard.models.shipped import pretrained

WIDTH = 2.0  # squared distance of content, at a mean square of one, by which a code is less likely


class Teacher(nn.Module):
    """Hears whole recordings, and learns nothing here.

    Args:
        weights: The file that a run has exported.

    Attributes:
        network: Of the weights.
        population: What a signal is taken for before it is heard.
    """

    def __init__(self, weights: Path) -> None:
        super().__init__()
        if not weights.exists():
            raise SystemExit(f"this run is taught by {weights}, which is not there yet")
        found = pretrained(weights, converter.FILE)
        self.population: Mapping[str, Sequence[float]] = found.metadata["population"]
        shape = {
            k: tuple(v) if isinstance(v, list) else v for k, v in found.metadata["shape"].items()
        }
        self.network = Network(NetworkShape(**shape))
        arrays = {k: torch.from_numpy(v).float() for k, v in found.arrays.items()}
        self.network.load_state_dict(arrays)
        self.requires_grad_(False).eval()

    def content(self, mel: Tensor) -> Tensor:
        """Content ``(batch, dims, k)`` of normalised envelopes ``(batch, bands, 2 k)``."""
        with autocast(mel.device.type):
            content: Tensor = self.network.encoder(mel)
        return content.float()

    def likely(self, content: Tensor) -> Tensor:
        """Log probability of each code of the first level, ``(batch, k, codes)``."""
        book = self.network.quantizer.codebook(0)
        apart = book.square().sum(1) - 2.0 * content.transpose(1, 2) @ book.T
        return functional.log_softmax(-apart / WIDTH, 2)

    def missed(self, found: Tensor, wanted: Tensor) -> Tensor:
        """Kullback-Leibler divergence of the codes of content, in nats a code.

        Args:
            found: ``(batch, dims, k)``, with gradients.
            wanted: Likewise, without.
        """
        sure = self.likely(wanted)
        return (sure.exp() * (sure - self.likely(found))).sum(2).mean()

    def right(self, found: Tensor, wanted: Tensor) -> Tensor:
        """Share of the codes that are the same."""
        return (self.likely(found).argmax(2) == self.likely(wanted).argmax(2)).float().mean()
