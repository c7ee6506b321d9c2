"""The converter's network: content encoder, residual vector quantiser, decoder.

As it is trained; imports torch, so only the training recipe imports it. What is trained runs as
:mod:`voxguard.models.network_numpy`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from voxguard.models.network_numpy import STRIDE


@dataclass(frozen=True)
class NetworkShape:
    """What fixes the network; kept with its weights.

    Attributes:
        bands: Mel bands in and out.
        width: Channels.
        content: Dimensions of a content vector.
        codebooks: Entries of each level of the quantiser.
        speaker: Dimensions of the speaker vector.
        encoder: Dilations of the encoder's blocks.
        decoder: Dilations of the decoder's blocks.
        causal: Whether no block hears later codes, for live signals.
        ahead: Frames that are heard before the first is to be said, by a causal network.
    """

    bands: int = 80
    width: int = 256
    content: int = 32
    codebooks: tuple[int, ...] = (512, 256, 256, 256)
    speaker: int = 256
    encoder: tuple[int, ...] = (1, 2, 4, 1, 2, 4, 1)
    decoder: tuple[int, ...] = (1, 2, 4, 1, 2, 4, 1)
    causal: bool = False
    ahead: int = 0

    def as_dict(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


class Block(nn.Module):
    """Residual block: normalised, three taps, one tap; scaled by the speaker where there is one.

    Args:
        width: Channels.
        dilation: Frames between the taps.
        causal: Whether all taps are at or before the frame.
    """

    def __init__(self, width: int, dilation: int, *, causal: bool) -> None:
        super().__init__()
        self.causal, self.reach = causal, 2 * dilation
        self.scale = nn.Parameter(torch.ones(width))
        self.taps = nn.Conv1d(width, width, 3, dilation=dilation)
        self.mix = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor, film: Tensor | None = None) -> Tensor:
        """``(batch, width, frames)`` to the same."""
        return x + self.branch(functional.pad(x, self.padding), film)

    @property
    def padding(self) -> tuple[int, int]:
        """Frames needed before and after."""
        return (self.reach, 0) if self.causal else (self.reach // 2, self.reach // 2)

    def branch(self, padded: Tensor, film: Tensor | None) -> Tensor:
        """The same on frames that bring their context, without the sum."""
        h = unit_power(padded) * self.scale[:, None]
        if film is not None:
            gain, bias = film.chunk(2, dim=1)
            h = h * (1.0 + gain) + bias
        mixed: Tensor = self.mix(functional.silu(self.taps(functional.silu(h))))
        return mixed


class Encoder(nn.Module):
    """Normalised mel envelope to content: ``(batch, bands, 2 k)`` to ``(batch, content, k)``.

    Attributes:
        dropout: Share of the channels that each block misses in training.
    """

    dropout = 0.0

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        self.enter = nn.Conv1d(STRIDE * shape.bands, shape.width, 3)
        self.causal = shape.causal
        self.blocks = nn.ModuleList(
            [Block(shape.width, d, causal=shape.causal) for d in shape.encoder]
        )
        self.leave = nn.Conv1d(shape.width, shape.content, 1)

    def forward(self, mel: Tensor) -> Tensor:
        """Content of normalised envelopes."""
        x = self.enter(functional.pad(folded(mel), (2, 0) if self.causal else (1, 1)))
        for block in self.blocks:
            x = x + functional.dropout1d(block(x) - x, self.dropout, self.training)
        return unit_power(self.leave(functional.silu(x)))


class Decoder(nn.Module):
    """Content, pitch and speaker to mel envelope and aperiodicity."""

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        levels = len(shape.codebooks) + 1
        self.causal, self.bands = shape.causal, shape.bands
        self.speaker = nn.Linear(shape.speaker, 64)
        self.film = nn.Linear(64, len(shape.decoder) * 2 * shape.width)
        self.level = nn.Embedding(levels, shape.width)
        self.enter = nn.Conv1d(shape.content + 3 * STRIDE, shape.width, 3)
        self.blocks = nn.ModuleList(
            [Block(shape.width, d, causal=shape.causal) for d in shape.decoder]
        )
        self.leave = nn.Conv1d(shape.width, STRIDE * (shape.bands + 1), 1)

    def forward(self, content: Tensor, pitch: Tensor, speaker: Tensor, level: Tensor) -> Tensor:
        """Decode.

        Args:
            content: ``(batch, content, k)``.
            pitch: ``(batch, 3, 2 k)``: voiced, log F0 from 150 Hz, log F0 from the speaker's mean.
            speaker: ``(batch, speaker)`` of unit length.
            level: ``(batch,)`` levels that were kept; the highest means no quantiser.

        Returns:
            ``(batch, bands + 1, 2 k)``: mel envelope, and aperiodicity in 10 dB.
        """
        films = self.film_of(speaker)
        x = torch.cat([content, folded(pitch)], 1)
        x = self.enter(functional.pad(x, (2, 0) if self.causal else (1, 1)))
        x = x + self.level(level)[:, :, None]
        for block, film in zip(self.blocks, films, strict=True):
            x = block(x, film)
        return unfolded(self.leave(functional.silu(x)))

    def film_of(self, speaker: Tensor) -> list[Tensor]:
        """Gain and bias of each block, ``(batch, 2 width, 1)``."""
        codes = self.film(functional.silu(self.speaker(speaker * 16.0)))  # to unit variance
        return list(codes[:, :, None].chunk(len(self.blocks), dim=1))


class Quantizer(nn.Module):
    """Residual vector quantiser; each level codes what the levels before it left.

    N. Zeghidour et al., "SoundStream: an end-to-end neural audio codec", IEEE/ACM TASLP 30, 2021.
    """

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        for k, entries in enumerate(shape.codebooks):
            self.register_buffer(f"codebook{k}", torch.zeros(entries, shape.content))
        self.levels = len(shape.codebooks)

    def codebook(self, level: int) -> Tensor:
        """``(entries, content)``."""
        found: Tensor = getattr(self, f"codebook{level}")
        return found

    def forward(self, content: Tensor, levels: int) -> tuple[Tensor, list[Tensor]]:
        """Quantise ``(batch, content, k)`` to so many levels; the codes are ``(batch, k)`` each."""
        rest = content.detach().float().transpose(1, 2)
        total = torch.zeros_like(rest)
        codes = []
        for level in range(levels):
            book = self.codebook(level)
            code = nearest(rest, book)
            chosen = book[code]
            total, rest = total + chosen, rest - chosen
            codes.append(code)
        return total.transpose(1, 2), codes


class Network(nn.Module):
    """All of it."""

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        self.shape = shape
        self.encoder = Encoder(shape)
        self.quantizer = Quantizer(shape)
        self.decoder = Decoder(shape)

    def forward(
        self, mel: Tensor, pitch: Tensor, speaker: Tensor, levels: int | None
    ) -> tuple[Tensor, Tensor]:
        """Convert normalised envelopes; see :class:`Decoder`. Also gives what was decoded."""
        content = self.encoder(mel)
        if levels is not None:
            content, _ = self.quantizer(content, levels)
        kept = self.quantizer.levels if levels is None else levels - 1
        level = torch.full((len(mel),), kept, device=mel.device)
        return self.decoder(content.to(mel.dtype), pitch, speaker, level), content


def unit_power(frames: Tensor) -> Tensor:
    """Each frame of ``(batch, c, k)`` at a mean square of one."""
    return frames * (frames.float().square().mean(1, keepdim=True) + 1e-5).rsqrt()


def nearest(vectors: Tensor, book: Tensor) -> Tensor:
    """Index of the entry nearest to each of ``(..., dims)``."""
    return (book.square().sum(1) - 2.0 * vectors @ book.T).argmin(-1)


def folded(frames: Tensor) -> Tensor:
    """Frames of 10 ms in pairs: ``(batch, c, 2 k)`` to ``(batch, 2 c, k)``."""
    return torch.cat([frames[:, :, 0::STRIDE], frames[:, :, 1::STRIDE]], 1)


def unfolded(pairs: Tensor) -> Tensor:
    """Pairs as frames of 10 ms: ``(batch, 2 c, k)`` to ``(batch, c, 2 k)``."""
    first, second = pairs.chunk(2, dim=1)
    return torch.stack([first, second], 3).flatten(2)
