"""DP-SGD with the example as the unit, on the per-sample gradients of Opacus."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from voxguard.errors import ConfigurationError
from voxguard.models.optional import optional
from voxguard.privacy.ledger import Ledger
from voxguard.privacy.speaker_level import SpeakerDP

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

__all__ = ["ExampleDP"]

_EXAMINED = 4  # examples that the model is checked on


class ExampleDP(SpeakerDP):
    r"""Train with differential privacy towards examples: single recordings, not who made them.

    **Weaker than it sounds for speech.** Somebody with 20 recordings among the data is 20 examples,
    and what is promised for one does not hold for all of them together: at noise multiplier 1,
    sampling rate 0.05, 400 steps and delta 1e-5, epsilon is 6.7 for one and 418 for 20 (Ganesh,
    2024). Take :class:`~voxguard.privacy.SpeakerDP` where people have several recordings.

    An example is a speaker with one utterance, and all else is as there: sampling, ledger, replay,
    checkpoints, reports. What differs is speed: gradients come from Opacus, many in one backward
    pass. Its optimizer is not used, since its noise has 32 bits of a seed, and a single NaN spoils
    the model for good; its updates are the same but for that and rounding, which a test asserts.

    The model is examined first, on a few examples spread over the data: layers that Opacus gets
    wrong, layers and losses that mix the examples of a batch; see
    :func:`~voxguard.privacy.preflight`. A cohort larger than `max_physical_batch` is taken in
    parts, which bounds memory and changes nothing else.

    Args:
        model: Is moved to `device`; in ``train()``.
        optimizer: Over parameters of the model.
        dataset: The examples, by index; whatever `collate` takes.
        collate: Makes a batch of a list of one example: tensors of shape ``(1, ...)``, however
            nested, of the same length for all examples. An example is made by itself, so that no
            other decides its padding.
        loss: Losses of the model on a batch, ``(n,)``, or their plain mean.
        noise_multiplier: Standard deviation of the noise over the clipping norm.
        sampling_rate: Chance of each example to be in a step, above 0 to 1.
        clipping_norm: Most that one example's gradient is long, above 0.
        ledger: With unit ``"example"`` and the population of `dataset`; by default one in memory,
            without a limit.
        max_physical_batch: Examples of one backward pass. May differ after an interruption.
        scheduler: As in :class:`~voxguard.privacy.SpeakerDP`.
        on_release: As in :class:`~voxguard.privacy.SpeakerDP`.
        seed: For research only; None: entropy of the operating system.
        device: Where it runs, in torch's words.

    Raises:
        UnsafeModelError: The examination found something; nothing was charged.
        ConfigurationError: A value outside its range; a ledger of another unit or population.
        MissingExtraError: Opacus is not installed.

    References:
        M. Abadi et al., "Deep learning with differential privacy", CCS 2016; A. Yousefpour et al.,
        "Opacus: user-friendly differential privacy library in PyTorch", 2021, arXiv:2109.12298; A.
        Ganesh, "Tight group-level DP guarantees for DP-SGD with sampling via mixture of Gaussians
        mechanisms", 2024, arXiv:2401.10294.

    Example:
        >>> import torch
        >>> from voxguard.privacy import ExampleDP, Ledger
        >>> dataset = [(torch.randn(3), i % 2) for i in range(200)]
        >>> def collate(examples):
        ...     x, y = zip(*examples)
        ...     return torch.stack(x), torch.tensor(y)
        >>> def loss(model, batch):
        ...     return torch.nn.functional.cross_entropy(model(batch[0]), batch[1])
        >>> model = torch.nn.Linear(3, 2)
        >>> trainer = ExampleDP(
        ...     model, torch.optim.SGD(model.parameters(), lr=0.1), dataset, collate, loss,
        ...     noise_multiplier=1.0, sampling_rate=0.1, clipping_norm=1.0,
        ...     ledger=Ledger(None, unit="example", population=200, max_epsilon=8.0), seed=1)
        >>> reports = trainer.fit(3)
        >>> trainer.steps_done, round(trainer.ledger.epsilon(), 1)
        (3, 0.7)
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        dataset: Sequence[Any],
        collate: Callable[[list[Any]], Any],
        loss: Callable[[nn.Module, Any], Tensor],
        *,
        noise_multiplier: float,
        sampling_rate: float,
        clipping_norm: float,
        ledger: Ledger | None = None,
        max_physical_batch: int = 64,
        scheduler: Any = None,
        on_release: Callable[[int, list[Tensor]], None] | None = None,
        seed: int | None = None,
        device: str = "cpu",
    ) -> None:
        count = len(dataset)
        if count < 2:
            raise ConfigurationError(f"a dataset has at least 2 examples, got {count}")
        if isinstance(max_physical_batch, bool) or max_physical_batch < 1:
            raise ConfigurationError(f"max_physical_batch is 1 or more, got {max_physical_batch}")
        if ledger is None:
            ledger = Ledger(None, unit="example", population=count)
        if (ledger.unit, ledger.population) != ("example", count):
            raise ConfigurationError(
                f"the ledger is for {ledger.population} units of kind {ledger.unit}, the training "
                f"for {count} of kind example; open one for these"
            )
        if noise_multiplier == 0.0 and ledger.max_epsilon < math.inf:
            raise ConfigurationError(
                f"without noise epsilon is infinite, and the ledger allows {ledger.max_epsilon:g}"
            )
        optional("opacus.grad_sample", "dp", "example-level DP")
        from voxguard.privacy.example_engine import Hooks, check

        width = len(str(count - 1))
        super().__init__(
            model,
            optimizer,
            {f"{index:0{width}d}": _Alone(dataset, index) for index in range(count)},
            collate,
            loss,
            noise_multiplier=noise_multiplier,
            sampling_rate=sampling_rate,
            clipping_norm=clipping_norm,
            utterances=1,
            scheduler=scheduler,
            on_release=on_release,
            seed=seed,
            device=device,
        )
        self.ledger = ledger
        self._engine = cast("Any", Hooks(self.model, loss, max_physical_batch))
        spread = np.linspace(0, count - 1, min(_EXAMINED, count)).astype(int)
        with self._own_randomness():
            check(self.model, loss, [self._batch(self._names[index]) for index in spread])


class _Alone(Sequence[Any]):
    """One example of a dataset, as all that a speaker said; read when it is asked for."""

    __slots__ = ("_dataset", "_index")

    def __init__(self, dataset: Sequence[Any], index: int) -> None:
        self._dataset = dataset
        self._index = index

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: Any) -> Any:
        if index not in (0, -1):
            raise IndexError(index)
        return self._dataset[self._index]

    def __iter__(self) -> Iterator[Any]:
        yield self._dataset[self._index]
