"""Preflight against real Opacus, vmap and plain autograd: each layer that is known to be wrong."""

from __future__ import annotations

import random

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("opacus")

from opacus.layers import DPGRU, DPLSTM, DPMultiheadAttention  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from voxguard.errors import ConfigurationError, UnknownNameError  # noqa: E402
from voxguard.privacy import UnsafeModelError, preflight  # noqa: E402

OPACUS = ("hooks", "functorch", "ghost")
ENGINES = (*OPACUS, "microbatch", "vectorised")


def examples(*shape):
    return torch.randn(4, *shape, generator=torch.Generator().manual_seed(0))


FRAMES = examples(3, 16)  # (n, bands, time)
SEQUENCE = examples(6, 8)  # (n, time, features)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(1)


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
