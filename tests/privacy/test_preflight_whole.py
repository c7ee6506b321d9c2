"""Preflight of whole models: what it tells, leaves alone and refuses."""

from __future__ import annotations

import random

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("opacus")

from examined import ENGINES, FRAMES, SEQUENCE, Average, Called, conv, examples, kinds  # noqa: E402
from torch import nn  # noqa: E402

from voxguard.errors import ConfigurationError, UnknownNameError  # noqa: E402
from voxguard.privacy import UnsafeModelError, preflight  # noqa: E402

pytestmark = pytest.mark.usefixtures("seeded")


@pytest.fixture(scope="module")
def ecapa():
    pytest.importorskip("speechbrain")
    from voxguard.models.ecapa import EcapaModel

    with torch.random.fork_rng():
        torch.manual_seed(0)
        return EcapaModel(channels=16, embedding=8, attention=8).network


def test_ecapa_passes_in_microbatch(ecapa):
    report = preflight(ecapa, examples(40, 80), engine="microbatch")
    assert report.ok
    assert report.gradient_error < 1e-10
    assert {f.kind for f in report.findings} == {"running-statistics"}
    assert len(report.findings) == 31


def test_ecapa_fails_in_hooks_for_its_batch_norm(ecapa):
    report = preflight(ecapa, examples(40, 80), engine="hooks")
    normed = {name for name, m in ecapa.named_modules() if isinstance(m, nn.BatchNorm1d)}
    assert {f.layer for f in report.errors if f.kind == "batch-norm"} == normed
    assert len(normed) == 31
    assert str(report).count("Take GroupNorm") == 1
    assert "(+28 more)" in str(report)


def test_a_model_that_needs_a_batch_is_named():
    """As BatchNorm does after pooling: one example has no variance."""

    def normed(m, x):
        assert len(x) > 1
        return m.layer(x)

    report = preflight(Called(normed, layer=nn.Linear(8, 2)), SEQUENCE, engine="hooks")
    assert kinds(report) == {("(model)", "needs-a-batch")}
    assert "AssertionError" in str(report)


def test_all_that_is_wrong_is_told_at_once():
    model = conv(
        nn.BatchNorm1d(4),
        nn.ReLU(inplace=True),
        Called(lambda m, x: m.rnn(x)[0], rnn=nn.LSTM(16, 4)),
        padding=2,
        padding_mode="circular",
    )
    report = preflight(model, FRAMES, engine="ghost")
    assert [f.kind for f in report.errors] == [
        "padding-mode",
        "batch-norm",
        "in-place",
        "recurrent",
    ]
    with pytest.raises(UnsafeModelError) as raised:
        report.raise_if_bad()
    for word in ("functional.pad", "GroupNorm", "inplace=False", "DPLSTM"):
        assert word in str(raised.value)


def test_nothing_of_the_model_or_of_chance_is_touched():
    model = conv(nn.BatchNorm1d(4), nn.Dropout(0.5), nn.ReLU(inplace=True), Average())
    model.eval()
    model[1].train()
    model(FRAMES).sum().backward()
    sample = FRAMES.clone()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    gradients = [p.grad.clone() for p in model.parameters()]
    attributes = [set(vars(m)) for m in model.modules()]
    modes = [m.training for m in model.modules()]
    states = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002
    for engine in ENGINES:
        with torch.no_grad():
            preflight(model, sample, engine=engine)
        assert not torch.is_inference_mode_enabled()
    after = model.state_dict()
    assert all(torch.equal(after[k], v) for k, v in before.items())
    assert all(torch.equal(p.grad, g) for p, g in zip(model.parameters(), gradients, strict=True))
    assert not any(hasattr(p, "grad_sample") for p in model.parameters())
    assert [set(vars(m)) for m in model.modules()] == attributes
    assert not any(m._forward_hooks or m._backward_hooks for m in model.modules())
    assert [m.training for m in model.modules()] == modes
    assert torch.equal(sample, FRAMES)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert random.getstate() == states[1]
    assert np.array_equal(np.random.get_state()[1], states[2])  # noqa: NPY002


def test_a_model_in_eval_is_examined_as_it_will_be_trained():
    model = conv(nn.BatchNorm1d(4)).eval()
    assert kinds(preflight(model, FRAMES)) == {("1", "batch-norm")}
    assert not model.training


def test_several_inputs_and_outputs():
    model = Called(
        lambda m, x, k, scale: {"logits": m.a(x) * scale, "other": [m.b(m.e(k))], "n": len(x)},
        a=nn.Linear(8, 2),
        b=nn.Linear(4, 3),
        e=nn.Embedding(5, 4),
    )
    sample = (SEQUENCE, torch.tensor([0, 4, 2, 2]), 0.5)
    for engine in ENGINES:
        report = preflight(model, sample, engine=engine)
        assert report.findings == ()
        assert report.gradient_error < 1e-10


def test_single_precision_where_the_model_insists():
    model = Called(lambda m, x: m.conv(x.float()), conv=nn.Conv1d(3, 4, 3))
    report = preflight(model, FRAMES)
    assert report.ok
    assert report.tolerance == 1e-2
    assert 0 <= report.gradient_error < 1e-4


@pytest.mark.parametrize(
    ("model", "sample", "message"),
    [
        (nn.Linear(8, 2), torch.zeros(1, 8), "2 to 8 examples, got 1"),
        (nn.Linear(8, 2), examples(8).repeat(3, 1), "2 to 8 examples, got 12"),
        (nn.Linear(8, 2), torch.ones(4, 8), "all the same"),
        (nn.Linear(8, 2), ("text",), "got no tensor"),
        (nn.Linear(8, 2), examples(7), "does not run on the sample"),
        (Called(lambda m, x: m.a(x).mean(), a=nn.Linear(8, 2)), examples(8), "one row an example"),
    ],
)
def test_what_cannot_be_examined_is_refused(model, sample, message):
    with pytest.raises(ConfigurationError, match=message):
        preflight(model, sample)


def test_a_wrong_engine_a_wrong_loss_and_a_wrapped_model_are_refused():
    from opacus import GradSampleModule

    with pytest.raises(UnknownNameError, match="known: functorch, ghost, hooks, microbatch"):
        preflight(nn.Linear(8, 2), examples(8), engine="jax")
    with pytest.raises(ConfigurationError, match="loss= failed"):
        preflight(nn.Linear(8, 2), examples(8), loss=lambda output: output.nonsense)
    with pytest.raises(ConfigurationError, match="wrapped by Opacus already"):
        preflight(GradSampleModule(nn.Linear(8, 2)), examples(8))
