"""The audio encoder, as the model itself uses it, and what it learns before there is a question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.masking_utils import create_bidirectional_mask

from recipes.train_audio_llm.clips import Clip, Sound
from recipes.train_voice_conversion.labels import PHONES, UNKNOWN

_STEP = 4  # frames of 10 ms in one state
_OTHER_WORD = 0.1  # weight of frames in words that nobody asks about


def states(model: Any, features: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
    """What the encoder makes of clips, as in the model's ``forward``.

    Args:
        model: The whole model.
        features: ``(clips, mels, frames)``.
        frames: ``(clips,)``, how many of them are the clip.

    Returns:
        ``(clips, states, width)`` and ``(clips,)``, how many of the states are the clip.
    """
    tower = model.model.audio_tower
    before, after = tower._get_feat_extract_output_lengths(frames)
    length = (features.shape[-1] - 2) // 2 + 1
    filled = torch.arange(length, device=features.device) < before[:, None]
    like = torch.zeros(*filled.shape, 1, device=features.device)
    mask = create_bidirectional_mask(
        config=tower.config, inputs_embeds=like, attention_mask=filled.long()
    )
    return tower(features, attention_mask=mask).last_hidden_state, after


def stacked(sounds: Sequence[Sound], frames: int, device: str) -> tuple[Tensor, Tensor]:
    """Spectrograms ``(sounds, mels, frames)`` and lengths ``(sounds,)``."""
    features = torch.from_numpy(np.stack([sound.heard(frames) for sound in sounds]))
    lengths = torch.tensor([sound.length for sound in sounds])
    return features.to(device), lengths.clamp(max=frames).to(device)


def hidden(features: Tensor, lengths: Tensor, rng: np.random.Generator) -> Tensor:
    """With bands and stretches set to the mean, so that nothing hangs on one of them.

    SpecAugment, Park et al. 2019.
    """
    out = features.clone()
    for clip, length in zip(out, lengths.tolist(), strict=True):
        mean = clip[:, :length].mean()
        for _ in range(2):
            band = int(rng.integers(len(clip) // 6 + 1))
            low = int(rng.integers(len(clip) - band + 1))
            clip[low : low + band] = mean
            time = int(rng.integers(min(25, length // 8) + 1))
            start = int(rng.integers(length - time + 1))
            clip[:, start : start + time] = mean
    return out


def begin(tower: Any) -> None:
    """Give the convolutions of an untrained encoder the size that keeps a signal's power.

    As transformers begins, what they make of a sound is smaller than what tells its place.

    Source: K. He et al., "Delving deep into rectifiers", ICCV 2015.
    """
    for layer in (tower.conv1, tower.conv2):
        nn.init.kaiming_normal_(layer.weight)


class Lessons(nn.Module):
    """What states are to tell: phones, frequent words, sex and voice.

    The layers are thrown away; what stays is that the states tell it.

    Args:
        width: Of the states.
        words: In capitals.
        speakers: All in training.
    """

    def __init__(self, width: int, words: Sequence[str], speakers: Sequence[str]) -> None:
        super().__init__()
        self._words = {word: k for k, word in enumerate(words, 1)}
        self._speakers = {name: k for k, name in enumerate(speakers)}
        self.phone = nn.Linear(width, 2 * len(PHONES))
        self.word = nn.Linear(width, len(words) + 1)
        self.speaker = nn.Linear(width, len(speakers))
        self.sex = nn.Linear(width, 2)

    def forward(self, found: Tensor, counts: Tensor, clips: Sequence[Clip]) -> dict[str, Tensor]:
        """The losses, by what is learnt.

        Args:
            found: ``(clips, states, width)``.
            counts: ``(clips,)``, of states.
            clips: Whose states they are.
        """
        device = found.device
        places = torch.arange(found.shape[1], device=device) < counts[:, None]
        mean = (found * places[..., None]).sum(dim=1) / counts[:, None]
        who = [clip.source.utterance for clip in clips]
        sexes = torch.tensor([u.sex == "F" for u in who], device=device).long()
        speakers = torch.tensor([self._speakers[u.speaker] for u in who], device=device)
        return {
            "sex": functional.cross_entropy(self.sex(mean).float(), sexes),
            "speaker": functional.cross_entropy(self.speaker(mean).float(), speakers),
            **self.read(found, clips),
        }

    def read(self, found: Tensor, clips: Sequence[Clip]) -> dict[str, Tensor]:
        """The losses of what is said alone."""
        device = found.device
        losses = {}
        phones = self._phones(clips, found.shape[1]).to(device)
        if (phones != UNKNOWN).any():
            guesses = self.phone(found).float().unflatten(-1, (2, len(PHONES)))
            losses["phone"] = functional.cross_entropy(
                guesses.flatten(0, 2), phones.flatten(), ignore_index=UNKNOWN
            )
        words = self._spoken(clips, found.shape[1]).to(device)
        if (words != UNKNOWN).any():
            weight = torch.ones(len(self._words) + 1, device=device)
            weight[0] = _OTHER_WORD
            losses["word"] = functional.cross_entropy(
                self.word(found).float().flatten(0, 1), words.flatten(), weight,
                ignore_index=UNKNOWN,
            )  # fmt: skip
        return losses

    def _phones(self, clips: Sequence[Clip], length: int) -> Tensor:
        """``(clips, states, 2)``: the phones at the beginning and in the middle of each state."""
        out = np.full((len(clips), length, 2), UNKNOWN, np.int64)
        for row, clip in zip(out, clips, strict=True):
            said = clip.source.aligned.phones[clip.start : clip.end]
            for half in range(2):
                some = said[half * _STEP // 2 :: _STEP][:length]
                row[: len(some), half] = some
        return torch.from_numpy(out)

    def _spoken(self, clips: Sequence[Clip], length: int) -> Tensor:
        """``(clips, states)``: number of the word, 0 for words that nobody asks about."""
        out = np.full((len(clips), length), UNKNOWN, np.int64)
        for row, clip in zip(out, clips, strict=True):
            if not clip.words:
                continue
            row[: (clip.end - clip.start) // _STEP] = 0
            times = clip.source.aligned.times[clip.first : clip.first + len(clip.words)]
            for word, (start, end) in zip(clip.words, (times - clip.start) // _STEP, strict=True):
                row[start : max(end, start + 1)] = self._words.get(word, 0)
        return torch.from_numpy(out)
