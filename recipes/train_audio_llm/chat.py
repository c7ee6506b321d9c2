"""One clip and several questions about it in one sequence, none of which sees the others.

The clip is encoded once, and is the common beginning of all its exchanges: each of them sees it and
itself, in the places in which it would stand alone. To the model it is as if each had come alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from recipes.train_audio_llm.questions import Exchange

_IGNORED = -100
_BEFORE = "<|im_start|>user\n"
_AUDIO = "<|audio_bos|>", "<|audio_eos|>\n"
_BETWEEN, _END = "<|im_end|>\n<|im_start|>assistant\n", "<|im_end|>"


@dataclass(frozen=True)
class Heard:
    """What the model's ears make of a clip: ``(tokens, width)``; None: there is no audio part."""

    states: Tensor | None


@dataclass(frozen=True)
class _Row:
    embedded: Tensor
    labels: Tensor
    positions: Tensor
    block: Tensor  # 0: the clip; from 1 on: its exchanges


class Chat:
    """Exchanges as the model takes them, in the form of its chat template."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self._model, self._tokenizer = model, tokenizer
        self._embed = model.get_input_embeddings()

    def loss(self, heard: Sequence[Heard], exchanges: Sequence[Sequence[Exchange]]) -> Tensor:
        """Cross-entropy of the answers."""
        rows = [self._row(h, e) for h, e in zip(heard, exchanges, strict=True)]
        longest = max(len(row.labels) for row in rows)
        embedded = torch.stack([_padded(row.embedded, longest, 0.0) for row in rows])
        labels = torch.stack([_padded(row.labels, longest, _IGNORED) for row in rows])
        positions = torch.stack([_padded(row.positions, longest, 0) for row in rows])
        block = torch.stack([_padded(row.block, longest, -1) for row in rows])
        out = self._model.model.language_model(
            inputs_embeds=embedded,
            attention_mask=_seen(block, embedded.dtype),
            position_ids=positions,
            use_cache=False,
        ).last_hidden_state
        asked = labels != _IGNORED
        logits = self._model.lm_head(out[asked])
        losses = functional.cross_entropy(logits.float(), labels[asked], reduction="none")
        weights = _weights(labels, block)[asked]
        return (losses * weights).sum() / weights.sum()

    def _row(self, heard: Heard, exchanges: Sequence[Exchange]) -> _Row:
        start = [self._text(_BEFORE)]
        if heard.states is not None:
            start = [self._text(_BEFORE + _AUDIO[0]), heard.states, self._text(_AUDIO[1])]
        prefix = torch.cat([part if part.is_floating_point() else self._embed(part)
                            for part in start])  # fmt: skip
        count, device = len(prefix), prefix.device
        embedded, labels = [prefix], [torch.full((count,), _IGNORED, device=device)]
        positions, block = [torch.arange(count)], [torch.zeros(count, dtype=torch.long)]
        for number, exchange in enumerate(exchanges, 1):
            asked = self._text(exchange.prompt + _BETWEEN)
            told = self._text(exchange.answer + _END)
            ids = torch.cat([asked, told])
            embedded.append(self._embed(ids))
            # What stands at a place is learnt at the place before it.
            target = torch.full((len(ids),), _IGNORED, device=device)
            target[len(asked) - 1 : -1] = told
            labels.append(target)
            positions.append(torch.arange(count, count + len(ids)))
            block.append(torch.full((len(ids),), number))
        return _Row(
            torch.cat(embedded),
            torch.cat(labels),
            torch.cat(positions).to(device),
            torch.cat(block).to(device),
        )

    def _text(self, text: str) -> Tensor:
        ids = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return torch.tensor(ids, device=self._embed.weight.device)


def _seen(block: Tensor, dtype: torch.dtype) -> Tensor:
    """``(clips, 1, n, n)``: 0 where a place sees another, minus infinity elsewhere."""
    length = block.shape[1]
    earlier = torch.ones(length, length, dtype=torch.bool, device=block.device).tril()
    same = block[:, :, None] == block[:, None, :]
    seen = earlier & (same | (block[:, None, :] == 0))
    mask = torch.zeros(seen.shape, dtype=dtype, device=block.device)
    return mask.masked_fill(~seen, torch.finfo(dtype).min)[:, None]


def _weights(labels: Tensor, block: Tensor) -> Tensor:
    """One over the tokens of the answer: a transcript must not outweigh what can be learnt."""
    weights = torch.zeros(labels.shape, device=labels.device)
    for number in range(1, int(block.max()) + 1):
        told = (labels != _IGNORED) & (block == number)
        weights += told / told.sum(dim=1, keepdim=True).clamp(min=1)
    return weights


def _padded(part: Tensor, length: int, value: float) -> Tensor:
    missing = length - len(part)
    sides = (0, 0, 0, missing) if part.dim() == 2 else (0, missing)
    return functional.pad(part, sides, value=value)
