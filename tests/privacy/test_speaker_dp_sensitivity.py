"""Adding or removing one speaker changes the sum before noise by the clipping norm at most."""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("dp_accounting")

from hypothesis import assume, example, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from tiny_speakers import flat, people, trainer  # noqa: E402
from torch import nn  # noqa: E402

from voxguard.privacy.clipping import add_clipped, clip, scaled, squared_norms  # noqa: E402

SHAPES = ((3,), (2, 2), (5,))
SIZES = [math.prod(shape) for shape in SHAPES]
SIZE = sum(SIZES)
ODD = (0.0, 1.0, -1e-30, 1e-20, 1e18, -3e38, math.inf, -math.inf, math.nan)
NUMBERS = st.one_of(st.floats(-10.0, 10.0, width=32), st.sampled_from(ODD))
VECTORS = st.lists(NUMBERS, min_size=SIZE, max_size=SIZE)
NORMS = st.floats(1e-3, 1e3)


class Given(nn.Module):
    """Whose gradient on a batch is the mean of the batch."""

    def __init__(self):
        super().__init__()
        self.parts = nn.ParameterList(torch.zeros(shape) for shape in SHAPES)

    def forward(self, batch):
        pieces = batch.mean(0).split(SIZES)
        return sum((p.flatten() * piece).sum() for p, piece in zip(self.parts, pieces, strict=True))


def summed(gradients, clipping_norm, engine, per_layer):
    """What a step sums up before noise and denominator, for speakers with these gradients."""
    updates = []
    training = trainer(
        {f"s{i}": [torch.tensor(g, dtype=torch.float32)] for i, g in enumerate(gradients)},
        Given(), noise_multiplier=0.0, sampling_rate=1.0, clipping_norm=clipping_norm,
        utterances=1, engine=engine, per_layer=per_layer, collate=torch.stack,
        loss=lambda model, batch: model(batch),
        on_release=lambda step, update: updates.append(flat(update)),
    )  # fmt: skip
    training.step()
    return updates[0] * training.denominator


@pytest.mark.parametrize("per_layer", [False, True])
@pytest.mark.parametrize("engine", ["microbatch", "vectorised"])
@settings(max_examples=25, deadline=None)
@given(gradients=st.lists(VECTORS, min_size=3, max_size=4), clipping_norm=NORMS)
@example(gradients=[[1e18] * SIZE, [0.0] * SIZE, [1.0] * SIZE], clipping_norm=1.0)
@example(gradients=[[1.0] * SIZE, [2.0] * SIZE, [math.nan] * SIZE], clipping_norm=1.0)
@example(gradients=[[5.0] * SIZE] * 4, clipping_norm=1e-3)
def test_one_speaker_moves_the_sum_by_at_most_the_clipping_norm(
    engine, per_layer, gradients, clipping_norm
):
    everybody = summed(gradients, clipping_norm, engine, per_layer)
    without = summed(gradients[:-1], clipping_norm, engine, per_layer)
    # What is released is rounded to float32, after the noise; here there is none to cover it.
    rounding = 1e-6 * (float(everybody.norm()) + float(without.norm()))
    assert float((everybody - without).norm()) <= clipping_norm + rounding


@pytest.mark.parametrize("per_layer", [False, True])
@settings(max_examples=100, deadline=None)
@given(gradients=st.lists(VECTORS, min_size=1, max_size=4), clipping_norm=NORMS)
def test_no_contribution_is_longer_than_the_clipping_norm(per_layer, gradients, clipping_norm):
    rows = torch.tensor(gradients, dtype=torch.float32)
    layers = SIZES if per_layer else None
    short = scaled(rows, clip(rows, clipping_norm, layers=layers)).double()
    for original, result in zip(rows.double(), short, strict=True):
        assert float(result.norm()) <= clipping_norm
        for part in result.split(SIZES) if per_layer else ():
            assert float(part.norm()) <= clipping_norm / math.sqrt(len(SIZES))
        length = float(original.norm())
        if not math.isfinite(length):
            assert not result.any()
        elif length < 0.99 * clipping_norm / (math.sqrt(len(SIZES)) if per_layer else 1.0):
            assert torch.equal(result, original)


@settings(max_examples=50, deadline=None)
@given(
    gradient=st.lists(st.floats(-1e6, 1e6, width=32), min_size=SIZE, max_size=SIZE),
    share=st.floats(0.01, 0.99),
)
def test_flat_clipping_keeps_the_direction(gradient, share):
    vector = torch.tensor([gradient], dtype=torch.float32)
    length = float(vector.double().norm())
    assume(length > 1e-3)
    short = scaled(vector, clip(vector, share * length))
    torch.testing.assert_close(short, share * vector, rtol=1e-5, atol=0)


def test_the_norm_of_millions_is_exact():
    # torch's own norm in float32 comes out low by 2e-4 of it, and would clip too little.
    values = torch.randn(1, 4_000_001, generator=torch.Generator().manual_seed(1))
    exact = np.square(values.numpy(), dtype=np.float64).sum()
    assert float(squared_norms(values)[0]) == pytest.approx(exact, rel=1e-7)


@pytest.mark.parametrize("layers", [None, [70_000, 5, 100_000]])
def test_what_is_added_is_what_is_scaled(layers):
    rows = torch.randn(3, 170_005, generator=torch.Generator().manual_seed(1))
    rows[1, 70_002] = math.nan
    clipped = clip(rows, 300.0, layers=layers)
    total = torch.ones(170_005, dtype=torch.float64)
    add_clipped(total, rows, clipped)
    expected = 1.0 + scaled(rows, clipped).double().sum(0)
    torch.testing.assert_close(total, expected, rtol=1e-6, atol=1e-6)
    assert clipped.dropped.tolist() == [False, True, False]
    assert not torch.equal(total, 1.0 + rows.nan_to_num().double().sum(0))


@pytest.mark.parametrize("engine", ["microbatch", "vectorised"])
def test_what_the_others_contribute_does_not_depend_on_who_else_is_there(engine):
    speakers = people(8)
    speakers["s05"] = [(1e4 * x, y) for x, y in speakers["s05"]]
    others = {name: said for name, said in speakers.items() if name != "s05"}
    model = nn.Sequential(nn.Flatten(), nn.Linear(30, 5))
    sums = []
    for who in (speakers, others):
        released = []
        training = trainer(
            who, model, engine=engine, noise_multiplier=0.0, sampling_rate=1.0, utterances=2,
            optimizer=torch.optim.SGD(model.parameters(), lr=0.0),
            on_release=lambda step, update, into=released: into.append(flat(update)),
        )  # fmt: skip
        training.step()
        sums.append(released[0] * training.denominator)
    assert float((sums[0] - sums[1]).norm()) == pytest.approx(0.5, rel=1e-4)
