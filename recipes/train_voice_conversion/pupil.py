"""Step 3 for live signals: a network that hears nothing ahead learns from one that does.

The encoder has one thing to learn: which codes a finished converter finds, which hears the whole
recording and knows its level and channel. Nothing that is to be said gives it a reason to pass more
of the speaker than those codes hold, since the decoder's losses stay with the decoder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from recipes.train_voice_conversion.course import HELD_OUT, Course
from recipes.train_voice_conversion.critics import PATCH, Critic, opinion
from recipes.train_voice_conversion.data import Batch, Recorded
from recipes.train_voice_conversion.export import population
from recipes.train_voice_conversion.hearing import VERSIONS, LiveBatches, versions
from recipes.train_voice_conversion.losses import reconstruction
from recipes.train_voice_conversion.self_conversion import another_voice, as_heard
from recipes.train_voice_conversion.teacher import Teacher
from voxguard.models import converter
from voxguard.models.network import Network
from voxguard.models.precision import autocast


class Pupil(Course):
    """One run."""

    def begin(self, development: list[Recorded]) -> None:
        """Make all that learns, and what it learns from."""
        settings, training, folder, device = self.settings, self.training, self.folder, self.device
        self.teacher = Teacher(folder.parent / settings.teacher / converter.FILE).to(device)
        before = population(training)
        self._versions = versions(training, before, VERSIONS, settings.seed)
        self.batches = self.drawn(settings.seed)
        self.held_out = None
        if development:
            as_they_are = versions(development, before, 1, settings.seed)
            found = LiveBatches(development, as_they_are, HELD_OUT, 1, ahead=settings.ahead)
            self.held_out = next(found).to(device)
        shape = self.teacher.network.shape
        if replace(settings.shape, causal=shape.causal, ahead=shape.ahead) != shape:
            raise SystemExit(
                f"this run is taught by {settings.teacher!r}, whose network has another width, "
                "dilations or codebooks: take the same"
            )
        self.network = Network(settings.shape).to(device)
        self.network.load_state_dict(causal(self.teacher.network.state_dict()))
        self.network.encoder.dropout = settings.dropout
        self.critic = Critic().to(device)
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), settings.learning_rate, betas=(0.9, 0.98), weight_decay=0.01
        )
        self.critic_optimiser = torch.optim.AdamW(self.critic.parameters(), 3e-4, betas=(0.5, 0.9))
        self.take_up()

    def drawn(self, seed: int | Sequence[int]) -> LiveBatches:
        """Batches from such a seed."""
        given = self.settings
        return LiveBatches(
            self.training, self._versions, given.batch, seed, few=given.few, ahead=given.ahead
        )

    def told(self, line: Mapping[str, float | None]) -> str:
        """How many codes are the teacher's."""
        return f"{line['right']} of codes right"

    def parts(self) -> dict[str, Any]:
        """All that learns."""
        return {
            "network": self.network,
            "critic": self.critic,
            "optimiser": self.optimiser,
            "critic_optimiser": self.critic_optimiser,
        }

    def one_step(self, batch: Batch) -> dict[str, Tensor]:
        """Learn from a batch; the losses, and what else is worth a look."""
        with torch.no_grad():
            wanted = self.teacher.content(batch.plain)
        with autocast(self.device):
            content = self.network.encoder(torch.cat([batch.first, batch.second])).float()
        both = wanted.repeat(2, 1, 1)
        losses = {
            "codes": self.teacher.missed(content, both),
            "content": (content - both).square().mean(),
        }
        total, figures = losses["codes"] + losses["content"], {}
        if self.step >= self.settings.decoder_from * self.settings.steps:
            said, figures = self._said(content.detach(), wanted, batch)
            total = total + said
        self.improve(total)
        figures |= {name: value.detach() for name, value in losses.items()}
        return {**figures, "right": self.teacher.right(content.detach(), both)}

    def _said(
        self, content: Tensor, wanted: Tensor, batch: Batch
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The decoder's loss, and its parts: one view in another voice, one in its own."""
        settings, share = self.settings, self.step / self.settings.steps
        kept = torch.multinomial(torch.tensor(settings.kept_levels), len(wanted), replacement=True)
        kept = kept.to(self.device).repeat(2)
        pitch, vector = another_voice(batch)
        with autocast(self.device):
            decoded = self.network.decoder(
                self._passed(content, kept),
                torch.cat([pitch, batch.pitch]),
                torch.cat([vector, batch.vector]),
                kept,
            ).float()
        converted, own = decoded.chunk(2)
        heard = self.teacher.content(as_heard(converted[:, :-1], batch))
        losses = {
            **reconstruction(own, batch),
            "converted": self.teacher.missed(heard, wanted),
        }
        weights = {
            "mel": 1.0,
            "in_time": settings.differences,
            "in_frequency": settings.differences,
            "aperiodicity": 0.3,
            "converted": settings.converted,
        }
        figures = {name: value.detach() for name, value in losses.items()}
        total = torch.stack([weights[name] * value for name, value in losses.items()]).sum()
        if settings.critic and share >= settings.critic_from:
            start = int(torch.randint(batch.mel.shape[2] - PATCH, ()))
            here = slice(start, start + PATCH)
            judged, figures["critic"] = opinion(
                self.critic,
                self.critic_optimiser,
                batch.mel[:, :, here],
                own[:, :-1, here],
                converted[:, :-1, here],
            )
            total = total + settings.critic * judged
        return total, figures

    def _passed(self, content: Tensor, kept: Tensor) -> Tensor:
        """Content through ``kept + 1`` levels of the quantiser, through none where all are."""
        quantizer = self.network.quantizer
        every = [quantizer(content, levels)[0] for levels in range(1, quantizer.levels + 1)]
        return torch.stack([*every, content])[kept, torch.arange(len(kept), device=kept.device)]

    def looked_at(self, batch: Batch, levels: int | None) -> tuple[Tensor, Tensor]:
        """What is decoded in its own voice, and the share of codes that are the teacher's."""
        with autocast(self.device):
            content = self.network.encoder(batch.first)
            decoded, _ = self.network(batch.first, batch.pitch, batch.vector, levels)
        right = self.teacher.right(content.float(), self.teacher.content(batch.plain))
        return decoded, right


def causal(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights of a network that hears ahead, for one that does not.

    The tap that lies ahead falls to the present one, and the others keep their places.
    """
    made = dict(state)
    for name, weight in state.items():
        if name.endswith(("taps.weight", "enter.weight")):
            before, now, ahead = weight.unbind(2)
            made[name] = torch.stack([torch.zeros_like(now), before, now + ahead], 2)
    return made
