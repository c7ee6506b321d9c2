"""The first phase: the encoder learns phones before it has anything else to do.

A step of it costs a quarter of a whole one.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from recipes.train_voice_conversion.critics import PhoneReader
from recipes.train_voice_conversion.data import Batches, Recorded
from recipes.train_voice_conversion.losses import phone_loss
from recipes.train_voice_conversion.settings import Settings
from voxguard.models.network import Encoder
from voxguard.models.precision import autocast
from voxguard.models.schedule import warmup_cosine

RATE, LEAST_RATE = 1e-3, 1e-4


class Reading:
    """Encoder and reader together, on the recordings whose phones are known.

    Args:
        settings: How long.
        encoder: Learns.
        phones: Learns.
        training: Utterances; without any whose phones are known, the phase is over.
        device: Where it runs.
    """

    def __init__(
        self,
        settings: Settings,
        encoder: Encoder,
        phones: PhoneReader,
        training: list[Recorded],
        device: str,
    ) -> None:
        self._encoder, self._phones, self._device = encoder, phones, device
        self._settings = settings
        self._spoken = [r for r in training if (r.phones >= 0).any()]
        self._layers = [*encoder.parameters(), *phones.parameters()]
        self._optimiser = torch.optim.AdamW(
            self._layers, RATE, betas=(0.9, 0.98), weight_decay=0.01
        )
        self.step = 0
        self.steps = settings.reading_steps if self._spoken and not settings.start_from else 0
        self._batches = self._from(settings.seed + 1) if self.steps else None

    def __next__(self) -> Tensor:
        """Do a step; the share of frames whose phone was read."""
        if self._batches is None:
            raise StopIteration
        batch = next(self._batches).to(self._device)
        for group in self._optimiser.param_groups:
            group["lr"] = max(LEAST_RATE, RATE * warmup_cosine(self.step, self.steps, warmup=0.03))
        with autocast(self._device):
            scores = self._phones(self._encoder(batch.first)).float()
        loss, right = phone_loss(scores, batch.phones)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._layers, 1.0)
        self._optimiser.step()
        self.step += 1
        return right

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"step": self.step, "optimiser": self._optimiser.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """From a checkpoint."""
        self.step = state["step"]
        self._optimiser.load_state_dict(state["optimiser"])
        if self.steps:
            self._batches = self._from([self._settings.seed + 1, self.step])

    def _from(self, seed: int | list[int]) -> Batches:
        given = self._settings
        return Batches(
            self._spoken, given.batch, seed, few=given.few, masked_bands=given.masked_bands
        )
