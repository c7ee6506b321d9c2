"""The model under examination: copies of it, and runs on chosen examples."""

from __future__ import annotations

import copy
import random
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from voxguard.errors import ConfigurationError


@dataclass(frozen=True)
class Subject:
    """A private copy of the model with the examples; runs take copies of the copy.

    Attributes:
        model: The copy, in the mode of training; never run itself.
        inputs: What the model is called with.
        n: Examples.
        outputs: Which of the tensors of an output bear one row an example.
        exact: In double precision, which not every model can do.
    """

    model: nn.Module
    inputs: tuple[Any, ...]
    n: int
    outputs: tuple[int, ...] = ()
    exact: bool = False

    @classmethod
    def of(cls, model: nn.Module, sample: Tensor | Sequence[Any], *, exact: bool = True) -> Subject:
        """Copy the model, and try it.

        Args:
            model: Stays as it is.
            sample: What it is called with.
            exact: In double precision if it can.

        Raises:
            ConfigurationError: The sample does not fit, or the model does not run on it.
        """
        inputs = (sample,) if isinstance(sample, Tensor) else tuple(sample)
        n = _examples_of(inputs)
        copied = clone(model)
        copied.zero_grad(set_to_none=True)
        if not copied.training:  # a model in training keeps the layers that it froze by eval()
            copied.train()
        plain = cls(copied, tuple(map(_detached, inputs)), n)
        try:
            return (plain._in_double() if exact else plain)._tried()
        except ConfigurationError:
            raise
        except Exception:  # whatever a model does not like about doubles
            try:
                return plain._tried()
            except ConfigurationError:
                raise
            except Exception as error:
                raise ConfigurationError(
                    f"the model does not run on the sample ({type(error).__name__}: {error}); "
                    "sample= takes what the model is called with, batch first"
                ) from error

    def _in_double(self) -> Subject:
        inputs = tuple(
            x.double() if isinstance(x, Tensor) and x.is_floating_point() else x
            for x in self.inputs
        )
        return Subject(clone(self.model).double(), inputs, self.n, exact=True)

    def _tried(self) -> Subject:
        """Find the outputs that grow with the batch."""
        once = tensors(self.called(self.fresh(), self.all))
        twice = tensors(self.called(self.fresh(), [*self.all, *self.all]))
        outputs = tuple(
            k
            for k, (a, b) in enumerate(zip(once, twice, strict=True))
            if a.is_floating_point() and a.shape[:1] == (self.n,) and b.shape[:1] == (2 * self.n,)
        )
        if not outputs:
            raise ConfigurationError(
                "the model gives nothing that has one row an example (got shapes "
                f"{[tuple(a.shape) for a in once]} for {self.n} examples); a loss over the batch "
                "belongs into loss=, and the batch is the first axis"
            )
        exact = self.exact and all(once[k].dtype == torch.float64 for k in outputs)
        return replace(self, outputs=outputs, exact=exact)

    @property
    def all(self) -> list[int]:
        """Indices of all examples."""
        return list(range(self.n))

    def changed(self, j: int) -> list[int]:
        """All examples, with another one in the place of example ``j``."""
        return [(j + 1) % self.n if i == j else i for i in range(self.n)]

    def fresh(self) -> nn.Module:
        """A copy of the model in its first state."""
        return clone(self.model)

    def is_batched(self, x: object) -> bool:
        """Whether an input has one row an example."""
        return isinstance(x, Tensor) and x.dim() > 0 and len(x) == self.n

    def examples(self, index: Sequence[int]) -> tuple[Any, ...]:
        """The inputs for these examples."""
        rows = list(index)
        return tuple(x[rows] if self.is_batched(x) else copy.copy(x) for x in self.inputs)

    def with_examples(self, index: Sequence[int]) -> Subject:
        """The same model with these examples."""
        return replace(self, inputs=self.examples(index))

    def called(self, model: nn.Module, index: Sequence[int], *, seed: int = 0) -> Any:
        """What the model gives for these examples, always with the same draws."""
        same_draws(seed)
        return model(*self.examples(index))

    def rows(self, output: Any) -> list[Tensor]:
        """The tensors of an output that have one row an example."""
        found = tensors(output)
        return [found[k] for k in self.outputs]

    def run(self, model: nn.Module, index: Sequence[int], *, seed: int = 0) -> list[Tensor]:
        """The rows that the model gives for these examples."""
        return self.rows(self.called(model, index, seed=seed))


def clone(model: nn.Module) -> nn.Module:
    """Copy a model, the old ``weight_norm`` included, which ``copy.deepcopy`` refuses.

    Raises:
        ConfigurationError: It cannot be copied.
    """
    memo: dict[int, Any] = {}
    for module in model.modules():
        for value in (*vars(module).values(), *module._buffers.values()):
            if isinstance(value, Tensor) and not value.is_leaf:
                # Not a leaf in the copy either: what fails at that in training must fail here.
                memo[id(value)] = value.detach().clone().requires_grad_() * 1
    try:
        return copy.deepcopy(model, memo)
    except Exception as error:
        raise ConfigurationError(
            f"the model cannot be copied ({type(error).__name__}: {error}); preflight examines a "
            "copy and leaves the model alone, so keep what copy.deepcopy refuses outside of it"
        ) from error


def same_draws(seed: int = 0) -> None:
    """Whatever the model draws next, it drew before."""
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - a model may draw from it


def tensors(value: Any) -> list[Tensor]:
    """All tensors of a nested output, in order."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, Mapping):
        return [leaf for item in value.values() for leaf in tensors(item)]
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in tensors(item)]
    return []


@contextmanager
def nothing_disturbed(model: nn.Module) -> Iterator[None]:
    """Leave the generators of torch, numpy and Python, and the mode of autograd, as they were."""
    state, old = random.getstate(), np.random.get_state()  # noqa: NPY002
    devices = {p.device for p in model.parameters() if p.device.type == "cuda"}
    try:
        with (
            torch.random.fork_rng(devices=list(devices)),
            torch.inference_mode(False),
            torch.enable_grad(),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")  # Opacus and vmap think aloud
            yield
    finally:
        random.setstate(state)
        np.random.set_state(old)  # noqa: NPY002


def _detached(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, Tensor) else value


def _examples_of(inputs: tuple[Any, ...]) -> int:
    batched = [x for x in inputs if isinstance(x, Tensor) and x.dim() > 0]
    if not batched:
        raise ConfigurationError(
            "sample= takes a tensor or a tuple of what the model is called with, batch first; "
            "got no tensor"
        )
    n = len(batched[0])
    if not 2 <= n <= 8:
        raise ConfigurationError(f"sample= takes 2 to 8 examples, got {n}; 4 are enough")
    rows = [x for x in batched if len(x) == n]
    if all(torch.equal(x[i], x[i - 1]) for i in range(n) for x in rows):
        raise ConfigurationError(
            "the examples of sample= are all the same; take different ones, "
            "or no mixing between them can be seen"
        )
    return n
