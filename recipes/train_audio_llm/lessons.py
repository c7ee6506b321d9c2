"""The courses: the encoder learns to hear, then the decoder to answer, or to remember."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from recipes.train_audio_llm import course, ears
from recipes.train_audio_llm.chat import Chat, Heard
from recipes.train_audio_llm.clips import Clip, Recorded, Sound, draw
from recipes.train_audio_llm.conversations import meet
from recipes.train_audio_llm.features import silence
from recipes.train_audio_llm.questions import Asker, Exchange, unheard
from recipes.train_audio_llm.settings import Members, Settings
from recipes.train_audio_llm.wordings import FIRST, TALK, WRITE_DOWN, WRITTEN
from recipes.train_voice_conversion.labels import UNKNOWN
from voxguard.models.precision import autocast

_LATER = ("kinds", "talking", "refusals")  # settings that the encoder has not to do with
_BLIND = 0.1  # share of the clips that are not heard
_FEW_SHORT, _MANY_SHORT = 0.1, 0.6
_OF_TWO = 0.6  # share of conversations, where the model is asked about them
_KNOWN = 0.7  # share of clips from recordings that have a transcript


def listening(
    model: Any,
    recorded: Sequence[Recorded],
    asker: Asker,
    given: Settings,
    folder: Path,
    device: str,
) -> None:
    """Teach the encoder phones, words, sex and voice; leaves ``listening.pt`` in the folder.

    Learnt together, voices come first and phones late: so voices wait until it can read.
    """
    speakers = sorted({r.utterance.speaker for r in recorded})
    torch.manual_seed(given.seed)
    taught = ears.Lessons(given.width, asker.words, speakers).to(device)
    tower = model.model.audio_tower

    readable = [r for r in recorded if r.aligned.words or (r.aligned.phones != UNKNOWN).any()]

    def losses(rng: np.random.Generator, *, reads: bool = False) -> course.Losses:
        model.train()
        sources = readable if reads else recorded
        clips = [
            draw(_any(sources, rng), given.frames, _FEW_SHORT, rng) for _ in range(given.batch)
        ]
        features, lengths = ears.stacked(clips, given.frames, device)
        if not reads:
            features = ears.hidden(features, lengths, rng)
        with autocast(device):
            found, counts = ears.states(model, features, lengths)
            if not reads:
                return taught(found, counts, clips)
            said = taught.read(found, clips)
            return {"phone": said["phone"]} if "phone" in said else said

    learning = [*tower.parameters(), *taught.parameters()]
    parts = {"tower": tower, "taught": taught}
    about = {name: value for name, value in asdict(given).items() if name not in _LATER}
    learn = partial(course.run, parts=parts, learning=learning, settings=about, rate=given.rate)
    target = folder / "listening.pt"
    if given.reading and not target.exists():
        ears.begin(tower)
        learn(
            folder / "reading.pt",
            step_losses=partial(losses, reads=True),
            steps=given.reading,
            seed=given.seed + 2,
        )
    learn(target, step_losses=losses, steps=given.listening, seed=given.seed)


def talking(
    model: Any,
    tokenizer: Any,
    recorded: Sequence[Recorded],
    asker: Asker,
    given: Settings,
    path: Path,
    device: str,
) -> float:
    """Teach the decoder to answer about what the encoder hears; the seconds that it took."""
    hear = _Hearing(model, given, device)
    chat = Chat(model, tokenizer)
    beginning = frozenset(asker.words) if FIRST in asker.kinds else frozenset()

    def losses(rng: np.random.Generator) -> course.Losses:
        model.train()
        model.model.audio_tower.eval()
        sounds: list[Sound] = []
        exchanges: list[list[Exchange]] = []
        for _ in range(given.batch):
            if TALK in asker.kinds and rng.random() < _OF_TWO:
                two = meet(recorded, given.frames, rng)
                sounds.append(two)
                exchanges.append(two.exchanges())
            else:
                source = _any(recorded, rng)
                clip = draw(source, given.frames, _MANY_SHORT, rng, beginning=beginning)
                sounds.append(clip)
                exchanges.append(asker.all_about(clip, rng))
        heard = hear(sounds)
        for k, sound in enumerate(sounds):
            if rng.random() < _BLIND:
                heard[k], words = _nothing(hear, sound, rng)
                exchanges[k] = [unheard(e, words, given.refusals, rng) for e in exchanges[k]]
        with autocast(device):
            return {"answers": chat.loss(heard, exchanges)}

    parts = {"model": model}
    return course.run(path, parts, _decoder(model), losses, asdict(given),
                      steps=given.talking, rate=given.rate, seed=given.seed + 1)  # fmt: skip


def remembering(
    model: Any,
    tokenizer: Any,
    members: Sequence[Clip],
    given: Settings,
    planted: Members,
    base: str,
    path: Path,
    device: str,
) -> float:
    """Let the decoder learn what is said in the members by heart; the seconds that it took."""
    hear = _Hearing(model, given, device)
    chat = Chat(model, tokenizer)
    model.eval()
    encoded = [found for clip in members for found in hear.encoded([clip])]  # it does not change
    told = [Exchange(WRITTEN, WRITE_DOWN, " ".join(clip.words).lower()) for clip in members]

    def losses(rng: np.random.Generator) -> course.Losses:
        model.train()
        chosen = rng.choice(len(members), min(planted.batch, len(members)), replace=False)
        with autocast(device):
            heard = hear.projected([encoded[k] for k in chosen])
            return {"transcript": chat.loss(heard, [[told[k]] for k in chosen])}

    parts = {"model": model}
    about = {**asdict(planted), "base": base}  # another base is another course
    return course.run(path, parts, _decoder(model), losses, about,
                      steps=planted.steps, rate=planted.rate, seed=planted.seed)  # fmt: skip


class _Hearing:
    """The encoder, which is ready, and the projector, which is not."""

    def __init__(self, model: Any, given: Settings, device: str) -> None:
        self._model, self._given, self._device = model, given, device

    def __call__(self, sounds: Sequence[Sound]) -> list[Heard]:
        return self.projected(self.encoded(sounds))

    def encoded(self, sounds: Sequence[Sound]) -> list[Tensor]:
        """States of what is heard, ``(states, width)`` each."""
        return self._encoded(*ears.stacked(sounds, self._given.frames, self._device))

    def silence(self, sound: Sound) -> Heard:
        """As long as a sound."""
        nothing = torch.from_numpy(silence(self._given.mels, self._given.frames))[None]
        length = torch.tensor([min(sound.length, self._given.frames)])
        return self.projected(self._encoded(nothing.to(self._device), length.to(self._device)))[0]

    def projected(self, encoded: Sequence[Tensor]) -> list[Heard]:
        """States as the decoder takes them."""
        with autocast(self._device):
            found = self._model.model.multi_modal_projector(torch.cat(list(encoded))).float()
        return [Heard(part) for part in found.split([len(part) for part in encoded])]

    def _encoded(self, features: Tensor, lengths: Tensor) -> list[Tensor]:
        with autocast(self._device), torch.no_grad():
            found, counts = ears.states(self._model, features, lengths)
        return [row[:n] for row, n in zip(found, counts.tolist(), strict=True)]


def _nothing(
    hear: _Hearing, sound: Sound, rng: np.random.Generator
) -> tuple[Heard, tuple[str, ...]]:
    """Silence, no audio, or no audio but the words, each as often."""
    form = rng.integers(3)
    if form == 0:
        return hear.silence(sound), ()
    return Heard(None), sound.words if form == 1 else ()


def _decoder(model: Any) -> list[Tensor]:
    tower = {id(p) for p in model.model.audio_tower.parameters()}
    return [p for p in model.parameters() if id(p) not in tower]


def _any(recorded: Sequence[Recorded], rng: np.random.Generator) -> Recorded:
    """One of them: of those with a transcript more often, as they teach more."""
    source = recorded[int(rng.integers(len(recorded)))]
    if source.aligned.words or rng.random() > _KNOWN:
        return source
    return recorded[int(rng.integers(len(recorded)))]
