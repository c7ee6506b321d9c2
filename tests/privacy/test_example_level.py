"""Example-level DP: what Opacus does, where it is right, and refused, where it is not."""

import copy
import math
import warnings

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("opacus")
pytest.importorskip("dp_accounting")

from torch import nn  # noqa: E402
from torch.nn.functional import cross_entropy  # noqa: E402

from voxguard.errors import ConfigurationError  # noqa: E402
from voxguard.privacy import (  # noqa: E402
    BudgetExceededError,
    ExampleDP,
    Ledger,
    SpeakerDP,
    UnsafeModelError,
)

FIGURES = {"noise_multiplier": 0.5, "sampling_rate": 0.3, "clipping_norm": 0.7}


def digits(count=40, seed=0):
    """Noise of 20 frames in 4 bands, louder in one of two."""
    chance = torch.Generator().manual_seed(seed)
    labels = [index % 2 for index in range(count)]
    spectra = [torch.randn(4, 20, generator=chance) for _ in labels]
    for spectrum, label in zip(spectra, labels, strict=True):
        spectrum[label] += 1.0
    return list(zip(spectra, labels, strict=True))


def collate(examples):
    spectra, labels = zip(*examples, strict=True)
    return torch.stack(spectra), torch.tensor(labels)


def loss(model, batch):
    return cross_entropy(model(batch[0]), batch[1])


def network(*middle):
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv1d(4, 6, 3, padding=1), *middle, nn.GELU(), nn.GroupNorm(2, 6),
        nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(6, 2),
    )  # fmt: skip


def trainer(model=None, dataset=None, loss=loss, *, kind=ExampleDP, lr=0.5, **options):
    model = network() if model is None else model
    dataset = digits() if dataset is None else dataset
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    options = {**FIGURES, "seed": 3, "collate": collate, **options}
    return kind(model, optimizer, dataset, options.pop("collate"), loss, **options)


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def released(of):
    """All that is released by a trainer from here on, flat."""
    seen = []
    of.on_release = lambda _, update: seen.append(torch.cat([part.flatten() for part in update]))
    return seen


def test_the_update_is_that_of_opacus():
    from opacus.grad_sample import GradSampleModule
    from opacus.optimizers import DPOptimizer

    asked = []

    def seen(model, batch):
        asked.append(batch)
        return loss(model, batch)

    ours = trainer(loss=seen, noise_multiplier=0.0, clipping_norm=1.8)
    asked.clear()
    updates, before = released(ours), copy.deepcopy(ours.model)
    report = ours.step()
    ((spectra, labels),) = asked
    assert report["cohort"] == len(labels) > 5
    assert 0 < report["clipped"] < 1  # clipping matters, and not to all

    theirs = GradSampleModule(before)
    optimizer = DPOptimizer(
        torch.optim.SGD(theirs.parameters(), lr=0.5), noise_multiplier=0.0, max_grad_norm=1.8,
        expected_batch_size=12,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that its input requires no gradient
        loss(theirs, (spectra, labels)).backward()
    optimizer.step()
    update = torch.cat([p.grad.flatten() for p in theirs.parameters()])
    torch.testing.assert_close(updates[0], update, rtol=1e-4, atol=1e-7)
    torch.testing.assert_close(weights(ours.model), weights(theirs), rtol=1e-4, atol=1e-6)


def test_an_example_is_a_speaker_with_one_utterance():
    ours = trainer(network(nn.Tanh()))
    speakers = {f"{index:02d}": [example] for index, example in enumerate(digits())}
    same = trainer(network(nn.Tanh()), speakers, kind=SpeakerDP, utterances=1)
    for _ in range(4):
        ours.step()
        same.step()
    torch.testing.assert_close(weights(ours.model), weights(same.model), rtol=1e-5, atol=1e-6)


def test_a_cohort_is_taken_in_parts_and_that_changes_nothing():
    sizes = []

    def seen(model, batch):
        sizes.append(len(batch[1]))
        return loss(model, batch)

    whole, parts = trainer(), trainer(loss=seen, max_physical_batch=4)
    sizes.clear()
    for _ in range(3):
        cohort = parts.step()["cohort"]
        assert max(sizes) == 4 < cohort == sum(sizes)
        sizes.clear()
        whole.step()
    torch.testing.assert_close(weights(parts.model), weights(whole.model), rtol=1e-5, atol=1e-7)


def test_losses_of_each_and_their_mean_are_the_same():
    def each(model, batch):
        return cross_entropy(model(batch[0]), batch[1], reduction="none")

    mean, single = trainer(), trainer(loss=each)
    reports = [(mean.step(), single.step()) for _ in range(2)]
    torch.testing.assert_close(weights(mean.model), weights(single.model), rtol=1e-5, atol=1e-7)
    assert reports[1][0]["loss"] == pytest.approx(reports[1][1]["loss"], rel=1e-5)


def test_it_learns_within_its_budget():
    train, test = digits(400), digits(200, seed=1)
    ledger = Ledger(None, unit="example", population=400, max_epsilon=3.0)
    steps = ledger.affordable(1.5, 0.25, most=10_000)
    one = trainer(
        dataset=train, ledger=ledger, noise_multiplier=1.5, sampling_rate=0.25, lr=1.0, seed=None
    )
    one.fit(steps)
    assert ledger.epsilon() <= 3.0
    spectra, labels = collate(test)
    with torch.no_grad():
        right = (one.model(spectra).argmax(1) == labels).float().mean()
    assert right > 0.8
    with pytest.raises(BudgetExceededError):
        one.step()


@pytest.mark.parametrize(
    ("layer", "kind"),
    [
        (nn.BatchNorm1d(6), "batch-norm"),
        (nn.Conv1d(6, 6, 3, padding=1, padding_mode="reflect"), "padding-mode"),
        (nn.ReLU(inplace=True), "inplace"),
    ],
)
def test_an_unsafe_model_is_refused_before_anything_is_spent(layer, kind):
    ledger = Ledger(None, unit="example", population=40)
    with pytest.raises(UnsafeModelError, match=kind):
        trainer(network(layer), ledger=ledger)
    assert ledger.steps == 0


def weighted(model, batch):
    return cross_entropy(model(batch[0]), batch[1], torch.tensor([1.0, 3.0]))


def contrastive(model, batch):
    near = model(batch[0])
    return cross_entropy(near @ near.T, torch.arange(len(near)))


def in_parts(model, batch):
    """Not by the model's own forward, so that only the gradients can tell."""
    hidden = model[0](batch[0])
    return model[1:](hidden - hidden.mean(0)).square().mean()


@pytest.mark.parametrize("mixing", [weighted, contrastive, in_parts])
def test_a_loss_that_mixes_examples_is_refused(mixing):
    # Neighbouring labels alternate: the four that are looked at have to be of both.
    with pytest.raises(UnsafeModelError, match=r"changes by .* with the others"):
        trainer(loss=mixing)


def test_a_loss_of_another_shape_is_refused():
    with pytest.raises(ConfigurationError, match=r"one loss an example .* got \(4, 2\)"):
        trainer(loss=lambda model, batch: model(batch[0]))


def test_examples_are_of_one_length():
    with pytest.raises(ConfigurationError, match="cut or pad to a fixed length"):
        trainer(dataset=[(torch.randn(4, 20 + index), 0) for index in range(10)])


def test_what_opacus_would_leave_without_a_gradient_is_refused():
    class Raw(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(80, 2)

        def forward(self, x):  # past the layer's own call, and so past its hooks
            return nn.functional.linear(x.flatten(1), self.inner.weight, self.inner.bias)

    with pytest.raises(UnsafeModelError):
        trainer(Raw())
    frozen = network()
    frozen[-1].eval()
    with pytest.raises(UnsafeModelError):
        trainer(frozen)


def test_frozen_parameters_are_left_alone():
    model = network()
    model[0].requires_grad_(False)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    trainer(model).step()
    changed = {name for name, p in model.named_parameters() if not torch.equal(p, before[name])}
    assert changed == {"2.weight", "2.bias", "5.weight", "5.bias"}


def test_an_example_that_is_not_finite_counts_as_nothing():
    broken = digits()
    broken[7] = (torch.full((4, 20), math.nan), 1)
    one = trainer(dataset=broken, sampling_rate=1.0)
    assert one.step()["not_finite"] == 1
    assert torch.isfinite(weights(one.model)).all()


def test_nothing_stays_on_the_model():
    model = network(nn.Dropout(0.5))
    names = set(model.state_dict())
    one = trainer(model)
    one.step()
    copied = copy.deepcopy(model)
    assert set(copied.state_dict()) == names
    for module in model.modules():
        assert not module._forward_hooks
        assert not module._backward_hooks
        assert not {"activations", "max_batch_len"} & set(vars(module))
    for parameter in model.parameters():
        assert parameter.grad is None
        assert not vars(parameter)


def test_an_interruption_changes_nothing_and_costs_nothing(tmp_path):
    def run(name, *stops):
        for stop in stops:
            with Ledger(tmp_path / f"{name}.json", unit="example", population=40) as ledger:
                one = trainer(network(nn.Dropout(0.2)), ledger=ledger, max_physical_batch=5)
                if stop < stops[-1]:
                    one.on_release = lambda step, _, last=stop: 1 / (last - step)  # the crash
                    with pytest.raises(ZeroDivisionError):
                        one.fit(9, checkpoint=tmp_path / f"{name}.pt", every=3)
                else:
                    one.fit(stop, checkpoint=tmp_path / f"{name}.pt", every=3)
                spent = ledger.steps
        return weights(one.model), spent

    whole, steps = run("whole", 9)
    cut, spent = run("cut", 2, 4, 7, 9)
    assert torch.equal(whole, cut)
    assert spent == steps == 9


def test_fresh_noise_on_paid_steps_is_refused(tmp_path):
    path = tmp_path / "ledger.json"
    with Ledger(path, unit="example", population=40) as ledger:
        trainer(ledger=ledger, seed=None).fit(2)
    with Ledger(path, unit="example", population=40) as ledger:
        again = trainer(ledger=ledger, seed=None)
        with pytest.raises(ConfigurationError, match="another run, whose noise"):
            again.step()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ledger": Ledger(None, unit="speaker", population=40)}, "units of kind speaker"),
        ({"ledger": Ledger(None, unit="example", population=41)}, "for 41 units"),
        (
            {
                "noise_multiplier": 0.0,
                "ledger": Ledger(None, unit="example", population=40, max_epsilon=8.0),
            },
            "epsilon is infinite",
        ),
        ({"max_physical_batch": 0}, "max_physical_batch is 1 or more"),
        ({"dataset": digits(1)}, "at least 2 examples"),
        ({"sampling_rate": 0.0}, "sampling_rate"),
        ({"clipping_norm": 0.0}, "clipping_norm"),
        ({"noise_multiplier": -1.0}, "noise_multiplier"),
    ],
)
def test_what_cannot_be_is_refused(options, message):
    with pytest.raises(ConfigurationError, match=message):
        trainer(**options)
