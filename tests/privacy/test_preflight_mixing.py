"""Preflight finds what mixes the batch, keeps state, or cannot be compared."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("opacus")

from examined import (  # noqa: E402
    ENGINES,
    FRAMES,
    OPACUS,
    Average,
    Called,
    conv,
    kinds,
)
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from voxguard.privacy import UnsafeModelError, preflight  # noqa: E402

pytestmark = pytest.mark.usefixtures("seeded")


class Mixing(nn.Module):
    """Looks harmless, and subtracts the mean of the batch."""

    def forward(self, x):
        return x - 0.01 * x.mean(dim=0, keepdim=True)


@pytest.mark.parametrize("engine", OPACUS)
def test_a_hand_written_layer_that_mixes_the_batch_is_named(engine):
    model = nn.Sequential(nn.Conv1d(3, 4, 3), nn.Sequential(nn.ReLU(), Mixing()), nn.Flatten())
    report = preflight(model, FRAMES, engine=engine)
    assert kinds(report) == {("1.1", "batch-mixing")}
    assert report.gradient_error > 1e-3
    with pytest.raises(UnsafeModelError, match=r"batch-mixing\s+1\.1"):
        report.raise_if_bad()
    inline = Called(lambda m, x: m.conv(x) / x.std(), conv=nn.Conv1d(3, 4, 3))
    assert kinds(preflight(inline, FRAMES, engine=engine)) == {("(model)", "batch-mixing")}


def test_mixing_within_a_speaker_is_legal():
    model = nn.Sequential(nn.Conv1d(3, 4, 3), Mixing())
    for engine in ("microbatch", "vectorised"):
        report = preflight(model, FRAMES, engine=engine)
        assert report.findings == ()
        assert report.gradient_error < 1e-10


def test_a_loss_that_mixes_is_found():
    model = nn.Sequential(nn.Flatten(), nn.Linear(48, 5))
    labels = torch.tensor([0, 1, 2, 3])

    def contrastive(output):
        return functional.cross_entropy(output @ output.T, labels, reduction="none")

    def classified(output):
        return functional.cross_entropy(output, labels)

    for engine in OPACUS:
        assert kinds(preflight(model, FRAMES, loss=contrastive, engine=engine)) == {
            ("(loss)", "loss-mixing")
        }
        report = preflight(model, FRAMES, loss=classified, engine=engine)
        assert report.ok
        assert report.gradient_error < 1e-10
    assert preflight(model, FRAMES, loss=contrastive, engine="microbatch").ok


def test_a_loss_with_floats_of_its_own_is_taken_in_single_precision():
    weights = torch.rand(5)
    report = preflight(
        nn.Sequential(nn.Flatten(), nn.Linear(48, 5)),
        FRAMES,
        loss=lambda output: functional.cross_entropy(output, torch.arange(4), weight=weights),
    )
    assert report.ok
    assert report.tolerance == 1e-2


def test_buffers_that_take_up_data_are_named():
    for engine in OPACUS:
        assert kinds(preflight(conv(Average()), FRAMES, engine=engine)) == {("1", "private-buffer")}
    report = preflight(conv(Average()), FRAMES, engine="microbatch")
    assert report.ok
    assert kinds(report, "warning") == {("1", "private-buffer")}


class Counter(nn.Module):
    """A buffer that is the same whatever the data."""

    def __init__(self):
        super().__init__()
        self.register_buffer("passes", torch.zeros(()))

    def forward(self, x):
        self.passes = self.passes + 1
        return x


def test_a_counter_is_no_private_buffer():
    for engine in ENGINES:
        assert preflight(conv(Counter()), FRAMES, engine=engine).findings == ()


def test_a_trainable_layer_with_a_buffer_is_named():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.gain = nn.Parameter(torch.ones(4, 1))
            self.register_buffer("offset", torch.ones(4, 1))

        def forward(self, x):
            return self.gain * x + self.offset

    for engine in OPACUS:
        assert kinds(preflight(conv(Scaled()), FRAMES, engine=engine)) == {
            ("1", "layer-with-buffers")
        }
    for engine in ("microbatch", "vectorised"):
        assert preflight(conv(Scaled()), FRAMES, engine=engine).findings == ()


def test_state_outside_of_buffers_is_caught_in_microbatch():
    class Remembering(nn.Module):
        last = 0.0

        def forward(self, x):
            out = x + self.last
            self.last = x.detach().mean()
            return out

    model = nn.Sequential(Remembering(), nn.Conv1d(3, 4, 3))
    assert ("1", "keeps-state") in kinds(preflight(model, FRAMES, engine="microbatch"))


@pytest.mark.parametrize("engine", ENGINES)
def test_dropout_does_not_disturb_the_comparison(engine):
    report = preflight(conv(nn.Dropout(0.5), nn.Conv1d(4, 2, 3)), FRAMES, engine=engine)
    assert report.ok
    assert report.gradient_error < 1e-10
    assert kinds(report, "warning") == ({("1", "dropout")} if engine == "vectorised" else set())


@pytest.mark.parametrize(
    ("engine", "layer", "warning", "error"),
    [
        ("vectorised", nn.Dropout(0.1), "dropout", "engine-fails"),
        ("microbatch", nn.BatchNorm1d(4), "running-statistics", "needs-a-batch"),
    ],
)
def test_a_warning_does_not_hide_that_the_engine_fails(engine, layer, warning, error):
    class Fussy(nn.Module):
        def forward(self, x):
            if engine == "vectorised":
                return x if x.sum().item() > 0 else -x  # vmap cannot
            if len(x) == 2:
                raise ValueError("not two of them")
            return x

    report = preflight(conv(layer, Fussy()), FRAMES, engine=engine)
    assert kinds(report, "warning") == {("1", warning)}
    assert kinds(report) == {("(model)", error)}
    assert np.isnan(report.gradient_error)
    with pytest.raises(UnsafeModelError, match="could not be checked"):
        report.raise_if_bad()


def test_draws_that_cannot_be_compared_are_told():
    model = Called(lambda m, x: m.conv(x + torch.randn_like(x)), conv=nn.Conv1d(3, 4, 3))
    report = preflight(model, FRAMES, engine="vectorised")
    assert kinds(report, "warning") == {("(model)", "not-compared")}
    assert np.isnan(report.gradient_error)
    assert preflight(model, FRAMES, engine="hooks").gradient_error < 1e-10
