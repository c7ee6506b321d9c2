"""Canaries: speakers who are there to be found.

Each is put into the training by the toss of a coin, and a score says afterwards how much it looks
as if it had been in. Two kinds:

* :class:`GradientCanaries`, white-box: one whose gradient is as long as clipping allows and points
  along one coordinate of the model. Nothing that a real speaker can say leaks more, so this is what
  the claim is about; and it goes through the trainer's own sampling, engine, clipping, sum and
  noise, since all that is special about it is its loss.
* :class:`InputCanaries`, black-box: real recordings with something wrong, such as the label, that a
  model can only know by heart. Found by their loss in the finished model. Far weaker, and what an
  attacker without the updates could do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from voxguard.errors import ConfigurationError
from voxguard.models.optional import optional

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["GradientCanaries", "InputCanaries"]

Array = npt.NDArray[np.float64]
Loss = Callable[[Any, Any], Any]
Collate = Callable[[list[Any]], Any]

_MARK = "canary_coordinate"
_LENGTH = 100.0  # in clipping norms: so long that clipping decides, and nothing else


class GradientCanaries:
    r"""Speakers whose clipped gradient is one coordinate of the model, up or down.

    Coordinates are drawn without repetition over all trainable parameters, so that canaries are
    orthogonal: under isotropic noise their scores are independent, and together they look at
    every part of the model.

    The score of a canary is the likelihood ratio of what was released. With x the released sum
    along it in clipping norms, noise multiplier :math:`\sigma` and sampling rate q, each step adds

    .. math:: \log\bigl(1 - q + q\,e^{(2x - 1) / 2\sigma^2}\bigr),

    by Neyman and Pearson the strongest that can be done; a plain sum of x would count the steps in
    which it was most likely not there as much as the others.

    Args:
        model: What is going to be trained; only its parameters' shapes are looked at.
        count: How many canaries, in and out together, at least 1.
        clipping_norm: Of the trainer.
        seed: Of coordinates and coins. None: entropy of the operating system.

    Attributes:
        included: ``(count,)`` who is in: a fair coin each.
        log_ratios: ``(count,)`` the scores so far.

    Raises:
        ConfigurationError: More canaries than the model has trainable parameters.

    References:
        M. Nasr et al., "Tight auditing of differentially private machine learning", USENIX
        Security 2023, arXiv:2302.07956; G. Andrew et al., "One-shot empirical privacy estimation
        for federated learning", ICLR 2024, arXiv:2302.03098.

    Example:
        >>> import torch
        >>> from voxguard.privacy import SpeakerDP
        >>> from voxguard.privacy.canaries import GradientCanaries
        >>> model = torch.nn.Linear(40, 25)
        >>> canaries = GradientCanaries(model, 1000, clipping_norm=1.0, seed=0)
        >>> trainer = SpeakerDP(
        ...     model, torch.optim.SGD(model.parameters(), lr=0.1), canaries.speakers(),
        ...     canaries.collate(), canaries.loss(), noise_multiplier=0.5, sampling_rate=1.0,
        ...     clipping_norm=1.0, seed=1)
        >>> trainer.on_release = canaries.watch(trainer)
        >>> reports = trainer.fit(1)
        >>> found = canaries.log_ratios > 0
        >>> bool((found == canaries.included).mean() > 0.8)
        True
    """

    def __init__(
        self, model: nn.Module, count: int, *, clipping_norm: float, seed: int | None = None
    ) -> None:
        sizes = [p.numel() for p in model.parameters() if p.requires_grad]
        if not 1 <= count <= sum(sizes):
            raise ConfigurationError(
                f"a model of {sum(sizes)} trainable parameters has room for 1 to {sum(sizes)} "
                f"orthogonal canaries, got {count}"
            )
        rng = np.random.default_rng(seed)
        places = rng.choice(sum(sizes), size=count, replace=False)
        ends = np.cumsum(sizes)
        self._part = np.searchsorted(ends, places, side="right")
        self._within = places - (ends - sizes)[self._part]
        self._places = places
        self._signs = rng.choice([-1.0, 1.0], size=count)
        self._length = _LENGTH * clipping_norm
        self._clipping_norm = clipping_norm
        self.included = rng.random(count) < 0.5
        self.log_ratios: Array = np.zeros(count)

    def speakers(self, real: Mapping[str, Sequence[Any]] | None = None) -> dict[str, Sequence[Any]]:
        """The real speakers, if any, and the canaries that are in."""
        named = {f"canary {i:07d}": [_Canary(i)] for i in np.flatnonzero(self.included).tolist()}
        return {**(real or {}), **named}

    def collate(self, real: Collate | None = None) -> Collate:
        """The trainer's ``collate``: of a canary its coordinate, of a real speaker as before."""
        torch = optional("torch", "dp", "a canary")

        def made(items: list[Any]) -> Any:
            first = items[0]
            if isinstance(first, _Canary):
                place, sign = self._places[first.index], self._signs[first.index]
                return {_MARK: torch.tensor([int(place)]), "slope": torch.tensor(float(sign))}
            if real is None:
                raise ConfigurationError("there are real speakers: pass their collate, too")
            return real(items)

        return made

    def loss(self, real: Loss | None = None) -> Loss:
        """The trainer's ``loss``: for a canary one whose gradient is its coordinate."""
        torch = optional("torch", "dp", "a canary")

        def of(model: nn.Module, batch: Any) -> Tensor:
            if isinstance(batch, dict) and _MARK in batch:
                flat = torch.cat([p.reshape(-1) for p in model.parameters() if p.requires_grad])
                at: Tensor = flat.index_select(0, batch[_MARK]).sum()
                value: Tensor = self._length * batch["slope"].to(at.dtype) * at
                return value
            if real is None:
                raise ConfigurationError("there are real speakers: pass their loss, too")
            return real(model, batch)  # type: ignore[no-any-return]

        return of

    def watch(self, trainer: Any) -> Callable[[int, list[Tensor]], None]:
        """What the trainer has to call with its releases; adds up the scores.

        Args:
            trainer: For what it says of itself: noise multiplier, sampling rate, denominator.
        """
        noise, rate = trainer.noise_multiplier, trainer.sampling_rate
        scale = trainer.denominator / self._clipping_norm

        def released(_step: int, update: list[Tensor]) -> None:
            flat = np.concatenate([part.detach().cpu().double().numpy().ravel() for part in update])
            along = self._signs * flat[self._places] * scale
            if noise == 0.0:
                self.log_ratios += along
                return
            ratio = (2 * along - 1) / (2 * noise**2)
            out = math.log1p(-rate) if rate < 1.0 else -math.inf
            self.log_ratios += np.logaddexp(out, math.log(rate) + ratio)

        return released


class _Canary:
    """An utterance of a canary: its number."""

    def __init__(self, index: int) -> None:
        self.index = index


class InputCanaries:
    """Real speakers with something wrong, each in the training by the toss of a coin.

    Args:
        candidates: Speakers who are not otherwise in the training, with their utterances.
        spoil: Makes of an utterance one that generalising cannot explain, such as one with another
            label; called with the utterance and a generator.
        seed: Of coins and of what `spoil` draws. None: entropy of the operating system.

    Attributes:
        names: ``(m,)`` of the canaries.
        included: ``(m,)`` who is in.

    Raises:
        ConfigurationError: There are no candidates.

    References:
        T. Steinke, M. Nasr, M. Jagielski, "Privacy auditing with one (1) training run", NeurIPS
        2023, arXiv:2305.08846.

    Example:
        >>> from voxguard.privacy.canaries import InputCanaries
        >>> candidates = {f"c{i}": [("some audio", i % 10)] for i in range(100)}
        >>> def mislabel(utterance, rng):
        ...     audio, label = utterance
        ...     return audio, (label + int(rng.integers(1, 10))) % 10
        >>> canaries = InputCanaries(candidates, mislabel, seed=0)
        >>> training = canaries.speakers({"real": [("some audio", 3)]})
        >>> len(training) == 1 + int(canaries.included.sum())
        True
    """

    def __init__(
        self,
        candidates: Mapping[str, Sequence[Any]],
        spoil: Callable[[Any, np.random.Generator], Any],
        *,
        seed: int | None = None,
    ) -> None:
        if not candidates:
            raise ConfigurationError("there are no candidates to make canaries of")
        rng = np.random.default_rng(seed)
        self.names = list(candidates)
        self.included = rng.random(len(candidates)) < 0.5
        self._said = [[spoil(item, rng) for item in said] for said in candidates.values()]

    def speakers(self, real: Mapping[str, Sequence[Any]] | None = None) -> dict[str, Sequence[Any]]:
        """The real speakers and the canaries that are in.

        Raises:
            ConfigurationError: A canary bears the name of a real speaker.
        """
        named = {
            name: said
            for name, said, is_in in zip(self.names, self._said, self.included, strict=True)
            if is_in
        }
        if twice := sorted(set(real or {}) & set(self.names)):
            raise ConfigurationError(
                f"{twice[0]!r} is a real speaker and a canary; whoever is in anyway is no canary"
            )
        return {**(real or {}), **named}

    def losses(self, model: nn.Module, collate: Collate, loss: Loss) -> Array:
        """``(m,)`` mean loss of the model on each canary, in or out."""
        torch = optional("torch", "dp", "a canary")
        with torch.no_grad():
            return np.array([float(loss(model, collate(list(said)))) for said in self._said])

    def scores(
        self, model: nn.Module, collate: Collate, loss: Loss, *, before: nn.Module | None = None
    ) -> Array:
        """``(m,)`` for :func:`~voxguard.privacy.one_run`: how well the model knows each by heart.

        Args:
            model: After training, in ``eval()``.
            collate: Of the trainer.
            loss: Of the trainer.
            before: A model that saw none of them, such as the one before training: what it finds
                hard is hard, and not forgotten.
        """
        easier = -self.losses(model, collate, loss)
        return easier if before is None else easier + self.losses(before, collate, loss)
