"""Step 3: training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from recipes.common import say
from recipes.train_voice_conversion import checkpoint
from recipes.train_voice_conversion.course import HELD_OUT, Course
from recipes.train_voice_conversion.critics import (
    PATCH,
    Critic,
    PhoneReader,
    SpeakerReader,
    opinion,
    teach,
)
from recipes.train_voice_conversion.data import Batch, Batches, Recorded
from recipes.train_voice_conversion.listener import Listener
from recipes.train_voice_conversion.losses import (
    advantage,
    confusion,
    consistency,
    means,
    phone_loss,
    reconstruction,
)
from recipes.train_voice_conversion.quantizer import CodebookTrainer
from recipes.train_voice_conversion.reading import Reading
from recipes.train_voice_conversion.segmenting import averaged
from recipes.train_voice_conversion.self_conversion import (
    another_voice,
    as_heard,
    converted_view,
)
from voxguard.models.network import Encoder, Network
from voxguard.models.precision import autocast
from voxguard.models.segments import CODES_A_SECOND

RISE = 0.15
LEARNT = ("network", "phones", "speakers", "critic", "listener", "books")


class Trainer(Course):
    """One run, for recordings or, without a teacher, for live signals."""

    def begin(self, development: list[Recorded]) -> None:
        """Make all that learns, and what it learns from."""
        settings, training, folder, device = self.settings, self.training, self.folder, self.device
        self.batches = self.drawn(settings.seed)
        self.held_out = next(Batches(development, HELD_OUT, 1)).to(device) if development else None
        shape = settings.shape
        self.network = Network(shape).to(device)
        self.network.encoder.dropout = settings.dropout
        self.books = CodebookTrainer(self.network.quantizer)
        speakers = 1 + max(r.speaker for r in training)
        self.phones = PhoneReader(shape.content).to(device)
        self.speakers = SpeakerReader(shape.content, speakers).to(device)
        self.critic = Critic().to(device)
        # a run for live signals starts from one that hears ahead, and is listened to in that way
        ahead = replace(shape, causal=shape.causal and not settings.start_from)
        self.listener = Listener(Encoder(ahead), PhoneReader(shape.content)).to(device)
        main = [*self.network.parameters(), *self.phones.parameters()]
        self.optimiser = torch.optim.AdamW(
            main, settings.learning_rate, betas=(0.9, 0.98), weight_decay=0.01
        )
        self.adversary = torch.optim.AdamW(self.speakers.parameters(), 1e-3)
        self.critic_optimiser = torch.optim.AdamW(self.critic.parameters(), 3e-4, betas=(0.5, 0.9))
        self.reading = Reading(settings, self.network.encoder, self.phones, training, device)
        self._start_at_the_mean(training)
        if not self.take_up() and settings.start_from:
            self._start_from(folder.parent / settings.start_from)

    def run(self) -> None:
        """Read first, then train to the end."""
        self._read_first()
        super().run()

    def _read_first(self) -> None:
        right: list[dict[str, Tensor]] = []
        while self.reading.step < self.reading.steps:
            right.append({"right": next(self.reading)})
            done = self.reading.step
            if done % self.settings.save_every == 0 or done == self.reading.steps:
                self.average = self.copy()
                found = {"dev_right": self.measure([None]).get("dev_right_none")}
                line = {"reading": done, "seconds": self.seconds(), **means(right), **found}
                self.log.write(line)
                self.listener.become(self.network.encoder, self.phones)
                self.save()
                say(f"reading: {done} of {self.reading.steps}, {line['right']} of phones right")
                right = []

    def drawn(self, seed: int | Sequence[int]) -> Batches:
        """Batches from such a seed."""
        given = self.settings
        return Batches(
            self.training, given.batch, seed, few=given.few, masked_bands=given.masked_bands
        )

    def done(self) -> dict[str, int]:
        """How far training and reading are."""
        return {"step": self.step, "reading": self.reading.step}

    @torch.no_grad()
    def _start_at_the_mean(self, training: list[Recorded]) -> None:
        mean = np.mean([r.mel.astype(np.float32).mean(0) for r in training[::10]], axis=0)
        frame = torch.from_numpy(np.append(mean, -0.5).astype(np.float32))
        self.network.decoder.leave.bias.copy_(torch.cat([frame, frame]))

    def one_step(self, batch: Batch) -> dict[str, Tensor]:
        """Learn from a batch; the losses, and what else is worth a look."""
        settings, share = self.settings, self.step / self.settings.steps
        kept = self._levels(len(batch.mel)).repeat(2)
        if share > settings.self_from and float(torch.rand(())) < settings.self_conversion:
            batch = replace(batch, second=converted_view(self.network, batch))
        with autocast(self.device):
            content = self.network.encoder(torch.cat([batch.first, batch.second])).float()
        quantised, commitment = self.books(self._in_segments(content, kept), kept)
        pitch, vector, own = batch.pitch.repeat(2, 1, 1), batch.vector.repeat(2, 1), 0
        if settings.converted:
            own = len(batch.mel)
            pitch[:own], vector[:own] = another_voice(batch)
        with autocast(self.device):
            decoded = self.network.decoder(
                quantised,
                pitch,
                vector,
                torch.clamp(kept - 1, max=self.network.quantizer.levels),
            ).float()
            read = self.phones(quantised).float()
            recognised = self.speakers(quantised).float()
        speaker = batch.speaker.repeat(2)
        losses = reconstruction(decoded[own:], batch)
        if settings.converted:
            made = as_heard(decoded[:own, :-1], batch)
            losses["converted"] = self.listener.missed(made, batch.plain)
        losses["phones"], right = phone_loss(read, batch.phones.repeat(2, 1))
        learnt, hidden = self._halves(batch)
        losses["confusion"] = self._confusion(recognised[hidden], speaker[hidden])
        losses["commitment"] = commitment
        losses["consistency"] = consistency(content)
        figures = {name: value.detach() for name, value in losses.items()}
        weights = self._weights(share)
        total = torch.stack([weights[name] * value for name, value in losses.items()]).sum()
        if settings.critic and share >= settings.critic_from:
            start = int(torch.randint(batch.mel.shape[2] - PATCH, ()))
            real, patches = (x[:, :, start : start + PATCH] for x in (batch.mel, decoded[:, :-1]))
            first, second = patches.chunk(2)
            converted = first if settings.converted else None
            judged, figures["critic"] = opinion(
                self.critic, self.critic_optimiser, real, second, converted
            )
            total = total + settings.critic * judged
        self.improve(total)
        figures["speaker"] = teach(
            self.speakers, self.adversary, quantised.detach()[learnt], speaker[learnt]
        )
        return {**figures, "right": right, "codes": self.books.used()}

    def _halves(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Of both views: what the speakers' reader learns from, and where it is to know nothing."""
        late = batch.late.repeat(2)
        everything = torch.ones_like(late)
        return (~late, late) if self.settings.apart else (everything, everything)

    def _confusion(self, recognised: Tensor, speaker: Tensor) -> Tensor:
        if self.settings.unbounded:
            return -functional.cross_entropy(recognised, speaker)
        return advantage(recognised, speaker) if self.settings.apart else confusion(recognised)

    def _levels(self, count: int) -> Tensor:
        """How many levels each sample keeps; one more than there are for no quantiser."""
        settings = self.settings
        levels = torch.multinomial(torch.tensor(settings.kept_levels), count, replacement=True) + 1
        if self.step < settings.continuous_steps and not settings.start_from:
            levels[:] = self.network.quantizer.levels + 1
        elif self.step == settings.continuous_steps and not settings.start_from:
            self._start_codebooks()
        return levels.to(self.device)

    def _in_segments(self, content: Tensor, kept: Tensor) -> Tensor:
        """What is to be quantised is averaged over segments, so many a second as are drawn."""
        if min(self.settings.segments) >= CODES_A_SECOND:
            return content
        rates = torch.empty(len(content)).uniform_(*self.settings.segments)
        rates[kept.cpu() > self.network.quantizer.levels] = CODES_A_SECOND
        return averaged(content, rates)

    def _weights(self, share: float) -> dict[str, float]:
        rise = min(1.0, share / RISE)  # content first: both are easiest met by saying nothing
        return {
            "mel": 1.0,
            "in_time": self.settings.differences,
            "in_frequency": self.settings.differences,
            "aperiodicity": 0.3,
            "phones": self.settings.phones,
            "confusion": rise * self.settings.confusion,
            "converted": rise * self.settings.converted,
            "commitment": 0.3,
            "consistency": rise * self.settings.consistency,
        }

    @torch.no_grad()
    def _start_codebooks(self) -> None:
        content = []
        for _ in range(6):
            with autocast(self.device):
                batch = next(self.batches).to(self.device)
                content.append(self.network.encoder(batch.first).float())
        self.books.start(torch.cat(content).transpose(1, 2).flatten(0, 1))

    def looked_at(self, batch: Batch, levels: int | None) -> tuple[Tensor, Tensor]:
        """What is decoded in its own voice, and the share of phones that are read."""
        with autocast(self.device):
            decoded, content = self.network(batch.plain, batch.pitch, batch.vector, levels)
            read = self.phones(content).float()
        return decoded, phone_loss(read, batch.phones)[1]

    def told(self, line: Mapping[str, float | None]) -> str:
        """How far envelopes are off."""
        return f"mel {line['mel']}"

    def parts(self) -> dict[str, Any]:
        """All that learns."""
        return {
            "network": self.network,
            "phones": self.phones,
            "speakers": self.speakers,
            "critic": self.critic,
            **({"listener": self.listener} if self.settings.converted else {}),
            "books": self.books,
            "optimiser": self.optimiser,
            "adversary": self.adversary,
            "critic_optimiser": self.critic_optimiser,
            "reading": self.reading,
        }

    def _start_from(self, other: Path) -> None:
        state = checkpoint.load(other)
        if state is None:
            raise SystemExit(f"this run starts from that in {other}, which is not there yet")
        learnt = {name: part for name, part in self.parts().items() if name in LEARNT}
        checkpoint.restore(learnt, {**state, "network": state["average"]}, other)
        self.average = self.copy()
