"""Models for preflight to look at, and what it finds."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("opacus")

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

OPACUS = ("hooks", "functorch", "ghost")
ENGINES = (*OPACUS, "microbatch", "vectorised")


def examples(*shape):
    return torch.randn(4, *shape, generator=torch.Generator().manual_seed(0))


FRAMES = examples(3, 16)  # (n, bands, time)
SEQUENCE = examples(6, 8)  # (n, time, features)


def kinds(report, severity="error"):
    return {(f.layer, f.kind) for f in report.findings if f.severity == severity}


def conv(*more, **options):
    return nn.Sequential(nn.Conv1d(3, 4, 5, **options), *more)


class Called(nn.Module):
    """A layer that is called in its own way."""

    def __init__(self, call, **layers):
        super().__init__()
        self.call = call
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, *inputs):
        return self.call(self, *inputs)


def attention(layer):
    return Called(lambda m, x: m.attention(x, x, x)[0], attention=layer)


def recurrent(layer):
    return Called(lambda m, x: m.rnn(x)[0], rnn=layer)


class Cosine(nn.Module):
    """The head of additive angular margin training: a parameter of its own."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, 8))

    def forward(self, x):
        return functional.linear(functional.normalize(x, dim=-1), functional.normalize(self.weight))


class Average(nn.Module):
    """Keeps a running mean of its own, which it does not even use."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(4))
        self.register_buffer("passes", torch.zeros(()))

    def forward(self, x):
        self.passes += 1
        self.mean.mul_(0.9).add_(0.1 * x.detach().mean(dim=(0, 2)))
        return x
