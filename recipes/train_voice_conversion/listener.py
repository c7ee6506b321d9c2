"""Hears whether the words of a conversion are still those that were said.

A network that is trained on reconstruction alone is never told what becomes of words in another
voice, which is all that it will be used for.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from recipes.train_voice_conversion.critics import PhoneReader
from voxguard.models.network import Encoder
from voxguard.models.precision import autocast


class Listener(nn.Module):
    """An encoder that reads phones, and its reader; they learn nothing here.

    What is held against it are its own probabilities on the recording, not labels: known for every
    utterance, and without the errors of an alignment.
    """

    def __init__(self, encoder: Encoder, phones: PhoneReader) -> None:
        super().__init__()
        self.layers = nn.Sequential(encoder, phones)
        self.requires_grad_(False).eval()

    def become(self, encoder: Encoder, phones: PhoneReader) -> None:
        """Know what these know by now."""
        for own, theirs in zip(self.layers, (encoder, phones), strict=True):
            own.load_state_dict(theirs.state_dict())

    def missed(self, made: Tensor, said: Tensor) -> Tensor:
        """Kullback-Leibler divergence of the phones heard, in nats a code.

        Args:
            made: ``(batch, bands, frames)``, normalised, with gradients.
            said: The recording, likewise.
        """
        with torch.no_grad():
            wanted = self._heard(said).exp()
        heard = self._heard(made)
        entropy = -torch.special.entr(wanted).sum(1)
        return (entropy - (wanted * heard).sum(1)).mean()

    def _heard(self, mel: Tensor) -> Tensor:
        with autocast(mel.device.type):
            scores = self.layers(mel)
        return functional.log_softmax(scores.float(), 1)
