"""Preflight against real Opacus, vmap and plain autograd: each layer that is known to be wrong."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("opacus")

from examined import (  # noqa: E402
    ENGINES,
    FRAMES,
    OPACUS,
    SEQUENCE,
    Called,
    Cosine,
    attention,
    conv,
    kinds,
    recurrent,
)
from opacus.layers import DPGRU, DPLSTM, DPMultiheadAttention  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from voxguard.privacy import preflight  # noqa: E402

pytestmark = pytest.mark.usefixtures("seeded")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("model", "sample"),
    [
        (nn.Sequential(nn.Linear(8, 8), Cosine()), SEQUENCE),
        (conv(padding=2), FRAMES),
        (conv(padding="same", dilation=2), FRAMES),
        (conv(nn.GroupNorm(2, 4), nn.PReLU(4), nn.Conv1d(4, 4, 3, groups=2)), FRAMES),
        (conv(nn.InstanceNorm1d(4, affine=True)), FRAMES),
        (nn.ConvTranspose1d(3, 4, 3, padding=1), FRAMES),
        (conv(nn.MaxPool1d(2), nn.ReLU(inplace=True)), FRAMES),  # harmless where it stands
        (nn.utils.parametrizations.weight_norm(nn.Conv1d(3, 4, 3)), FRAMES),
        (nn.Sequential(nn.ReflectionPad1d(2), nn.Conv1d(3, 4, 5)), FRAMES),
        (nn.Sequential(nn.Embedding(9, 4), nn.LayerNorm(4)), torch.arange(20).reshape(4, 5) % 9),
    ],
)
def test_good_models_pass(model, sample, engine):
    report = preflight(model, sample, engine=engine)
    assert report.findings == ()
    assert report.gradient_error < 1e-10
    report.raise_if_bad()


@pytest.mark.parametrize("engine", OPACUS)
@pytest.mark.parametrize("layer", [DPLSTM(8, 4, batch_first=True), DPGRU(8, 4, batch_first=True)])
def test_opacus_recurrent_layers_pass(layer, engine):
    assert preflight(recurrent(layer), SEQUENCE, engine=engine).ok


@pytest.mark.parametrize("engine", OPACUS)
@pytest.mark.parametrize(
    ("model", "sample", "expected"),
    [
        (conv(nn.BatchNorm1d(4)), FRAMES, ("1", "batch-norm")),
        (conv(nn.BatchNorm1d(4, track_running_stats=False)), FRAMES, ("1", "batch-norm")),
        (conv(nn.BatchNorm1d(4, affine=False)), FRAMES, ("1", "batch-norm")),  # Opacus: fine
        (conv(nn.SyncBatchNorm(4)).eval(), FRAMES, ("1", "sync-batch-norm")),
        (
            conv(nn.InstanceNorm1d(4, affine=True, track_running_stats=True)),
            FRAMES,
            ("1", "running-statistics"),
        ),
        (conv(nn.InstanceNorm1d(4, track_running_stats=True)), FRAMES, ("1", "running-statistics")),
        (conv(nn.ReLU(inplace=True)), FRAMES, ("1", "in-place")),
        (recurrent(nn.LSTM(8, 4, batch_first=True)), SEQUENCE, ("rnn", "recurrent")),
        (recurrent(nn.GRU(8, 4, batch_first=True)), SEQUENCE, ("rnn", "recurrent")),
        (
            attention(nn.MultiheadAttention(8, 2, batch_first=True)),
            SEQUENCE,
            ("attention", "attention"),
        ),
        (
            nn.TransformerEncoderLayer(8, 2, 16, batch_first=True),
            SEQUENCE,
            ("self_attn", "attention"),
        ),
        (
            nn.utils.parametrizations.spectral_norm(nn.Conv1d(3, 4, 3)),
            FRAMES,
            ("parametrizations.weight.0", "spectral-norm"),
        ),
        (
            Called(lambda m, x: functional.linear(x, m.head.weight), head=nn.Linear(8, 2)),
            SEQUENCE,
            ("head", "missing-gradient"),
        ),
        (
            Called(lambda m, x: m.used(x), used=nn.Linear(8, 2), idle=nn.Linear(8, 2)),
            SEQUENCE,
            ("idle", "unused-parameter"),
        ),
        (
            Called(
                lambda m, x: m.head(x.flatten(0, 1)).unflatten(0, (-1, 6)), head=nn.Linear(8, 2)
            ),
            SEQUENCE,
            ("head", "rows-are-not-examples"),
        ),
        (Called(lambda m, x: m.conv(x).add_(1), conv=nn.Conv1d(3, 4, 3)), FRAMES, None),
    ],
)
def test_what_opacus_cannot_do_is_named(model, sample, expected, engine):
    report = preflight(model, sample, engine=engine)
    assert kinds(report) == {expected or ("(model)", "in-place")}


def test_reflect_padding_is_silent_in_hooks_and_breaks_the_bound_in_ghost():
    model = conv(padding=2, padding_mode="reflect")
    hooks = preflight(model, FRAMES, engine="hooks")
    assert kinds(hooks) == {("0", "padding-mode")}
    assert hooks.gradient_error > 0.01
    assert "DP holds" in str(hooks)

    ghost = preflight(model, FRAMES, engine="ghost")
    assert kinds(ghost) == {("0", "padding-mode"), ("(model)", "ghost-norm")}
    assert "epsilon does not hold" in ghost.errors[0].message
    for engine in ("functorch", "microbatch", "vectorised"):
        assert preflight(model, FRAMES, engine=engine).findings == ()


@pytest.mark.parametrize("engine", ["hooks", "ghost"])
def test_a_wrong_sampler_of_somebody_elses_is_caught_by_the_experiment(engine):
    class Tripled(nn.Module):
        def __init__(self):
            super().__init__()
            self.gain = nn.Parameter(torch.ones(1))

        def forward(self, x):
            return self.gain * x

    from opacus.grad_sample import register_grad_sampler

    @register_grad_sampler(Tripled)
    def sampler(layer, activations, backprops):
        return {layer.gain: (activations[0] * backprops).flatten(1).sum(1, keepdim=True) / 3}

    report = preflight(nn.Sequential(Tripled(), nn.Flatten()), FRAMES, engine=engine)
    assert report.gradient_error == pytest.approx(2 / 3)
    found = {("0", "wrong-gradient")}
    assert kinds(report) == found | ({("(model)", "ghost-norm")} if engine == "ghost" else set())
    if engine == "ghost":
        assert "up to 3 times" in str(report)


@pytest.mark.parametrize("engine", OPACUS)
def test_a_gradient_that_leaks_where_the_output_does_not(engine):
    class Leaking(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, gradient):
            return gradient / gradient.norm()  # of the whole batch

    model = Called(lambda m, x: Leaking.apply(m.conv(x)), conv=nn.Conv1d(3, 4, 3))
    report = preflight(model, FRAMES, engine=engine)
    assert ("(model)", "batch-mixing") in kinds(report)


@pytest.mark.parametrize("engine", OPACUS)
def test_old_weight_norm_is_named_where_it_fails(engine):
    with pytest.warns(FutureWarning, match="weight_norm"):
        model = nn.Sequential(nn.utils.weight_norm(nn.Conv1d(3, 4, 3)))
    assert kinds(preflight(model, FRAMES, engine=engine)) == {("0", "old-weight-norm")}
    assert preflight(model, FRAMES, engine="microbatch").findings == ()


@pytest.mark.parametrize("engine", ENGINES)
def test_batch_first_attention_of_opacus_is_another_function(engine):
    wrong = attention(DPMultiheadAttention(8, 2, batch_first=True))
    assert ("attention", "batch-first-attention") in kinds(
        preflight(wrong, SEQUENCE, engine=engine)
    )
    right = Called(
        lambda m, x: m.attention(*3 * [x.transpose(0, 1)])[0].transpose(0, 1),
        attention=DPMultiheadAttention(8, 2),
    )
    assert ("attention", "batch-first-attention") not in kinds(
        preflight(right, SEQUENCE, engine=engine)
    )


def test_shared_and_tied_layers_fail_in_ghost_only():
    twice = Called(lambda m, x: m.layer(m.layer(x)), layer=nn.Linear(8, 8))
    tied = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8))
    tied[2].weight = tied[0].weight
    assert kinds(preflight(twice, SEQUENCE, engine="ghost")) == {("layer", "shared-parameters")}
    assert kinds(preflight(tied, SEQUENCE, engine="ghost")) == {
        ("0", "shared-parameters"),
        ("2", "shared-parameters"),
    }
    for engine in ("hooks", "functorch", "microbatch", "vectorised"):
        assert preflight(twice, SEQUENCE, engine=engine).findings == ()
        assert preflight(tied, SEQUENCE, engine=engine).findings == ()


def test_frozen_layers_are_fine_until_nothing_is_left():
    model = conv(nn.GroupNorm(2, 4), nn.Conv1d(4, 2, 3))
    model[0].requires_grad_(False)
    for engine in ENGINES:
        assert preflight(model, FRAMES, engine=engine).findings == ()
    model.requires_grad_(False)
    for engine in ENGINES:
        assert kinds(preflight(model, FRAMES, engine=engine)) == {("(model)", "all-frozen")}


def test_batch_norm_that_was_frozen_by_eval_passes():
    model = conv(nn.BatchNorm1d(4))
    model[1].eval().requires_grad_(False)
    for engine in ENGINES:
        assert preflight(model, FRAMES, engine=engine).findings == ()


@pytest.mark.parametrize("layer", [nn.BatchNorm1d, nn.InstanceNorm1d])
def test_running_statistics_in_the_engines_of_speakers(layer):
    model = conv(layer(4, affine=True, track_running_stats=True))
    micro = preflight(model, FRAMES, engine="microbatch")
    assert micro.ok
    assert kinds(micro, "warning") == {("1", "running-statistics")}
    assert "must not be updated" in str(micro)
    assert kinds(preflight(model, FRAMES, engine="vectorised")) == {("1", "running-statistics")}
    model = conv(layer(4, track_running_stats=False))
    for engine in ("microbatch", "vectorised"):
        assert preflight(model, FRAMES, engine=engine).findings == ()
