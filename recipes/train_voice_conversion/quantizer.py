"""How the quantiser's codebooks are learnt: moving averages, and new entries for unused ones."""

from __future__ import annotations

import torch
from torch import Tensor

from voxguard.models.network import Quantizer, nearest

_DECAY = 0.97
_UNUSED = 0.05  # of an even share


class CodebookTrainer:
    """Keeps the codebooks at the means of what falls to their entries."""

    def __init__(self, quantizer: Quantizer) -> None:
        self.quantizer = quantizer
        books = [quantizer.codebook(k) for k in range(quantizer.levels)]
        self.counts = [torch.ones_like(book[:, 0]) for book in books]
        self.sums = [book.clone() for book in books]

    @torch.no_grad()
    def start(self, content: Tensor) -> None:
        """K-means of ``(n, dims)`` vectors, level by level."""
        rest = content
        for k in range(self.quantizer.levels):
            book = self.quantizer.codebook(k)
            book.copy_(rest[torch.randperm(len(rest), device=rest.device)[: len(book)]])
            for _ in range(8):
                code = nearest(rest, book)
                hits = torch.bincount(code, minlength=len(book)).clamp(min=1)[:, None]
                total = torch.zeros_like(book).index_add_(0, code, rest)
                book.copy_(torch.where(total.abs().sum(1, keepdim=True) > 0, total / hits, book))
            self.counts[k].fill_(len(rest) / len(book) / 10)
            self.sums[k] = book * self.counts[k][:, None]
            rest = rest - book[nearest(rest, book)]

    def __call__(self, content: Tensor, levels: Tensor) -> tuple[Tensor, Tensor]:
        """Quantise to each sample's own number of levels, with straight-through gradients.

        Args:
            content: ``(batch, dims, k)``.
            levels: ``(batch,)`` 1 to the number of levels, or one more for none.

        Returns:
            Quantised content and the commitment loss.
        """
        free = (levels > self.quantizer.levels)[:, None, None]
        rest = content.detach().float().transpose(1, 2)
        total = torch.zeros_like(rest)
        for k in range(self.quantizer.levels):
            book = self.quantizer.codebook(k)
            code = nearest(rest, book)
            chosen = book[code]
            used = levels > k
            self._learn(k, rest[used].flatten(0, 1), code[used].flatten())
            total = total + chosen * used[:, None, None]
            rest = rest - chosen
        quantised = total.transpose(1, 2)
        commitment = ((content - quantised).square() * ~free).mean()
        return torch.where(free, content, content + (quantised - content).detach()), commitment

    @torch.no_grad()
    def _learn(self, level: int, vectors: Tensor, code: Tensor) -> None:
        if not len(vectors):
            return
        book, count, total = self.quantizer.codebook(level), self.counts[level], self.sums[level]
        hits = torch.bincount(code, minlength=len(book)).float()
        count.mul_(_DECAY).add_(hits, alpha=1 - _DECAY)
        total.mul_(_DECAY).add_(
            torch.zeros_like(book).index_add_(0, code, vectors), alpha=1 - _DECAY
        )
        unused = count < _UNUSED * count.mean()
        if unused.any():
            some = torch.randint(len(vectors), (int(unused.sum()),), device=vectors.device)
            fresh = vectors[some]
            total[unused], count[unused] = fresh * count.mean(), count.mean()
        book.copy_(total / count[:, None])

    def state_dict(self) -> dict[str, list[Tensor]]:
        """For a checkpoint."""
        return {"counts": self.counts, "sums": self.sums}

    def load_state_dict(self, state: dict[str, list[Tensor]]) -> None:
        """From a checkpoint."""
        for mine, found in ((self.counts, state["counts"]), (self.sums, state["sums"])):
            for tensor, value in zip(mine, found, strict=True):
                tensor.copy_(value)

    def used(self) -> Tensor:
        """Entries of the first codebook that are in use, as the exponential of their entropy."""
        share = self.counts[0] / self.counts[0].sum()
        return torch.exp(-(share * (share + 1e-9).log()).sum())
