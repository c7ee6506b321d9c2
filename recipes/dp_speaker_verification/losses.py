"""The losses: of a speaker against public strangers, and of examples against their class.

A classifier over the speakers has a direction for each of them. Towards speakers that cannot be
private: a direction that is learnt from one speaker is just what has to be hidden, and how many
there are gives the population away. Nor should a fixed direction drawn by lot help: to find it is
to know that speaker by heart, and averaged over the lots the pull has no direction (an argument;
not measured). What many speakers agree on is that segments of one voice belong together and apart
from other voices; and the other voices may be public ones, so that the gradient of one speaker
depends on nobody else who is private.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

Labelled = tuple[Tensor, Tensor]


class AgainstPublic:
    """The loss of one speaker: each segment belongs to the others of hers, not to public ones.

    Cross-entropy over the cosine to the mean of her other segments and the cosines to all segments
    of public speakers, through which no gradient goes.

    Args:
        public: ``(n, ...)`` inputs of the model, of public speakers.
        scale: Of the cosines.
        keep: Whether the vectors of the public speakers are kept until the model changes; not for
            the vectorised engine, whose tensors must not outlive a call.

    References:
        L. Wan et al., "Generalized end-to-end loss for speaker verification", ICASSP 2018, whose
        strangers are the other speakers of the batch.
    """

    def __init__(self, public: Tensor, scale: float, *, keep: bool = True) -> None:
        self._public = public
        self._scale = scale
        self._keep = keep
        self._strangers: Tensor | None = None
        self._of: tuple[Any, ...] = ()

    def __call__(self, model: nn.Module, segments: Tensor) -> Tensor:
        """Mean over the segments ``(k, ...)`` of one speaker, ``k`` at least 2."""
        own = nn.functional.normalize(model(segments), dim=1)
        others = nn.functional.normalize(own.sum(0, keepdim=True) - own, dim=1)
        cosines = torch.cat(
            [(own * others).sum(1, keepdim=True), own @ self._public_of(model).T], 1
        )
        right = torch.zeros(len(own), dtype=torch.long, device=own.device)
        return nn.functional.cross_entropy(self._scale * cosines, right)

    def _public_of(self, model: nn.Module) -> Tensor:
        if not self._keep:
            return self._embedded(model)
        # An optimizer writes in place, which counts the version up: once a step, not a speaker.
        now = (id(model), next(p for p in model.parameters() if p.requires_grad)._version)
        if self._strangers is None or self._of != now:
            self._strangers, self._of = self._embedded(model), now
        return self._strangers

    def _embedded(self, model: nn.Module) -> Tensor:
        with torch.no_grad():
            return nn.functional.normalize(model(self._public), dim=1)


class WithMargin:
    """Losses of single examples: softmax over cosines, that of the right class made harder.

    Args:
        margin: Off the cosine of the right class.
        scale: Of the cosines.
    """

    def __init__(self, margin: float, scale: float) -> None:
        self._margin = margin
        self._scale = scale

    def __call__(self, model: nn.Module, batch: Labelled) -> Tensor:
        """``(n,)`` of ``n`` examples."""
        inputs, labels = batch
        cosines = model(inputs)
        right = labels[:, None] == torch.arange(cosines.shape[1], device=labels.device)
        harder = cosines - self._margin * right
        losses: Tensor = nn.functional.cross_entropy(self._scale * harder, labels, reduction="none")
        return losses


def labelled(items: Sequence[tuple[Tensor, int]]) -> Labelled:
    """A batch of examples, each with its class."""
    return torch.stack([x for x, _ in items]), torch.tensor([label for _, label in items])


def mean_of(loss: Callable[[nn.Module, Any], Tensor]) -> Callable[[nn.Module, Any], Tensor]:
    """A loss of examples as one of the speaker who says them all."""
    return lambda model, batch: loss(model, batch).mean()
