"""What a step of speaker-level DP is made of."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("dp_accounting")

from tiny_speakers import collate, flat, loss, network, people, trainer  # noqa: E402
from torch import nn  # noqa: E402

from voxguard.errors import ConfigurationError, UnknownNameError  # noqa: E402
from voxguard.privacy import BudgetExceededError, Ledger, SpeakerDP  # noqa: E402

ENGINES = ("microbatch", "vectorised")


@pytest.mark.parametrize("per_layer", [False, True])
def test_both_engines_give_the_same_update(per_layer):
    one, other = (
        trainer(people(40), engine=engine, per_layer=per_layer, sampling_rate=0.9)
        for engine in ENGINES
    )
    reports = one.fit(2), other.fit(2)
    assert reports[0][-1]["cohort"] > 32  # more than the vectorised engine takes at once
    for left, right in zip(*reports, strict=True):
        assert left == pytest.approx(right, rel=1e-5)
    after = flat(one.model.parameters())
    torch.testing.assert_close(after, flat(other.model.parameters()), rtol=1e-5, atol=1e-6)
    assert not torch.equal(after, flat(network().parameters()))


@pytest.mark.parametrize("engine", ENGINES)
def test_the_update_is_the_clipped_mean_of_brute_force(engine):
    speakers = people(5, utterances=2)
    released = []
    trainer(
        speakers, engine=engine, noise_multiplier=0.0, sampling_rate=1.0, utterances=2,
        clipping_norm=2.6, on_release=lambda step, update: released.append(flat(update)),
    ).step()  # fmt: skip
    total, norms = torch.zeros_like(released[0]), []
    for said in speakers.values():
        model = network()
        loss(model, collate(said)).backward()
        gradient = flat(p.grad for p in model.parameters())
        norms.append(float(gradient.norm()))
        total += gradient * min(1.0, 2.6 / norms[-1])
    assert min(norms) < 2.6 < max(norms)
    torch.testing.assert_close(released[0], total / 5, rtol=1e-4, atol=1e-7)


def test_the_denominator_does_not_follow_the_cohort():
    class Constant(SpeakerDP):
        def contribution(self, speaker):
            return [torch.ones_like(p) for p in self.model.parameters()]

    sums = []
    training = trainer(
        people(20), cls=Constant, noise_multiplier=0.0,
        on_release=lambda step, update: sums.append(float(update[0].flatten()[0])),
    )  # fmt: skip
    cohorts = [report["cohort"] for report in training.fit(12)]
    assert training.denominator == 10.0
    assert len(set(cohorts)) > 3
    assert sums == pytest.approx([cohort / 10.0 for cohort in cohorts])


@pytest.mark.parametrize("engine", ENGINES)
def test_an_empty_cohort_steps_with_noise_alone(engine):
    training = trainer(people(20), engine=engine, sampling_rate=1e-6)
    before = flat(training.model.parameters())
    report = training.step()
    assert report["cohort"] == 0
    assert report["loss"] is None
    assert report["norm"] is None
    assert training.steps_done == training.ledger.steps == 1
    moved = (flat(training.model.parameters()) - before) * training.denominator
    assert float(moved.std()) == pytest.approx(0.5, rel=0.2)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_gradient_that_is_not_finite_counts_as_zero(engine):
    speakers = people(6)
    options = {"engine": engine, "noise_multiplier": 0.0, "sampling_rate": 1.0}
    broken = [(torch.full((3, 10), math.nan), torch.tensor(0))] * 4
    updates = []
    for name in ("s03", "s04"):
        training = trainer(
            speakers | {name: broken}, **options,
            on_release=lambda step, update: updates.append(flat(update)),
        )  # fmt: skip
        assert training.step()["not_finite"] == 1
        assert flat(training.model.parameters()).isfinite().all()
        assert all(part.count_nonzero() == 0 for part in training.contribution(name))
    trainer(speakers, **options, on_release=lambda step, u: updates.append(flat(u))).step()
    without = trainer(speakers, **options)
    for update, name in zip(updates, ("s03", "s04"), strict=False):
        # Utterances are drawn by step: those of the first step are those of a new trainer.
        missing = flat(trainer(speakers, **options).contribution(name))
        torch.testing.assert_close(update * 6, updates[2] * 6 - missing, rtol=1e-4, atol=1e-5)
    assert without.step()["not_finite"] == 0


def test_the_ledger_is_charged_before_the_gradient_is_computed():
    charged = []

    def watched(model, batch):
        charged.append(training.ledger.steps)
        return loss(model, batch)

    training = trainer(people(10), loss=watched, sampling_rate=1.0)
    training.fit(2)
    assert charged == [1] * 10 + [2] * 10


def test_an_error_on_the_way_leaves_the_model_and_costs_one_step():
    failing = [True]

    def fragile(model, batch):
        if failing:
            raise MemoryError
        return loss(model, batch)

    training, other = trainer(people(10), loss=fragile), trainer(people(10))
    before = flat(training.model.parameters())
    with pytest.raises(MemoryError):
        training.step()
    assert torch.equal(flat(training.model.parameters()), before)
    failing.clear()
    assert training.step() == other.step()
    assert torch.equal(flat(training.model.parameters()), flat(other.model.parameters()))
    assert training.ledger.steps == 1


def test_the_limit_of_the_ledger_stops_it_and_leaves_the_model():
    # Much noise and a small delta: this is quick to account for.
    ledger = Ledger(None, unit="speaker", population=10, delta=1e-6, max_epsilon=0.15)
    training = trainer(people(10), noise_multiplier=60.0, sampling_rate=1.0, ledger=ledger)
    affordable = ledger.affordable(60.0, 1.0, 1000)
    assert 1 < affordable < 100
    with pytest.raises(BudgetExceededError):
        training.fit(1000)
    assert training.steps_done == ledger.steps == affordable
    before = flat(training.model.parameters())
    with pytest.raises(BudgetExceededError):
        training.step()
    assert torch.equal(flat(training.model.parameters()), before)
    assert ledger.epsilon() <= 0.15


@pytest.mark.parametrize("engine", ENGINES)
def test_contributions_can_be_overridden_and_releases_seen(engine):
    class Shifted(SpeakerDP):
        def contribution(self, speaker):
            if speaker == "canary":
                return [torch.full_like(p, 1e-3) for p in self.model.parameters()]
            return super().contribution(speaker)

    updates = []
    options = {"engine": engine, "noise_multiplier": 0.0, "sampling_rate": 1.0}
    speakers = people(5)
    for who in (speakers, speakers | {"canary": [None]}):
        training = trainer(
            who, cls=Shifted, on_release=lambda step, u: updates.append((step, u)), **options
        )
        before = flat(training.model.parameters())
        training.step()
        moved = before - flat(training.model.parameters())
        torch.testing.assert_close(flat(updates[-1][1]), moved, rtol=1e-3, atol=1e-6)
    assert [step for step, _ in updates] == [0, 0]
    difference = flat(updates[1][1]) * 6 - flat(updates[0][1]) * 5
    torch.testing.assert_close(difference, torch.full_like(difference, 1e-3), rtol=0, atol=1e-6)


@pytest.mark.parametrize("engine", ENGINES)
def test_frozen_parameters_are_left_alone(engine):
    model = network()
    model[0].weight.requires_grad_(False)
    model[0].weight.grad = torch.ones_like(model[0].weight)  # left over from something else
    before = [p.clone() for p in model.parameters()]
    trainer(people(10), model, engine=engine).fit(2)
    unchanged = [torch.equal(p, q) for p, q in zip(model.parameters(), before, strict=True)]
    assert unchanged == [True, False, False, False]


@pytest.mark.parametrize("engine", ENGINES)
def test_shared_parameters_count_once(engine):
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.one = nn.Linear(10, 10)
            self.two = nn.Linear(10, 10)
            self.two.weight = self.one.weight
            self.out = nn.Linear(30, 5)

        def forward(self, x):
            return self.out(self.two(self.one(x).tanh()).flatten(1))

    torch.manual_seed(0)
    model = Tied()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    training = trainer(people(3, utterances=1), model, engine=engine, utterances=1,
                       clipping_norm=1e6)  # fmt: skip
    found = flat(training.contribution("s01"))
    model.load_state_dict(state)
    loss(model, collate(people(3, utterances=1)["s01"])).backward()
    torch.testing.assert_close(found, flat(p.grad for p in model.parameters()))


def test_generators_of_the_caller_are_left_alone():
    training = trainer(people(10), network(nn.Dropout()))
    torch.manual_seed(9)
    before = torch.get_rng_state()
    training.step()
    assert torch.equal(torch.get_rng_state(), before)


def test_without_a_seed_every_training_is_another():
    runs = [trainer(people(10), seed=None) for _ in range(2)]
    for run in runs:
        run.step()
    assert not torch.equal(*(flat(run.model.parameters()) for run in runs))


def test_a_scheduler_goes_along():
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    trainer(people(4), model, optimizer=optimizer, scheduler=scheduler).fit(3)
    assert optimizer.param_groups[0]["lr"] == 0.125


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"noise_multiplier": -1.0}, "noise_multiplier= takes"),
        ({"noise_multiplier": math.nan}, "noise_multiplier= takes"),
        ({"sampling_rate": 0.0}, "sampling_rate= lies"),
        ({"sampling_rate": 1.5}, "sampling_rate= lies"),
        ({"clipping_norm": 0.0}, "clipping_norm= takes"),
        ({"clipping_norm": math.inf}, "clipping_norm= takes"),
        ({"utterances": 0}, "utterances= takes"),
        ({"utterances": 1.5}, "utterances= takes"),
        ({"seed": -1}, "seed= takes"),
        ({"speakers": {"a": [1], "b": []}}, "1 of 2 speakers have no utterances"),
        ({"ledger": Ledger(None, unit="example", population=10)}, "units of kind example"),
        ({"ledger": Ledger(None, unit="speaker", population=11)}, "for 11 units"),
        (
            {"noise_multiplier": 0.0,
             "ledger": Ledger(None, unit="speaker", population=10, max_epsilon=8.0)},
            "the ledger allows 8",
        ),
        ({"optimizer": torch.optim.SGD(nn.Linear(2, 2).parameters())}, "not in the model"),
        ({"model": network().requires_grad_(False)}, "requires a gradient"),
    ],
)  # fmt: skip
def test_what_is_refused(options, message):
    with pytest.raises(ConfigurationError, match=message):
        trainer(**{"speakers": people(10)} | options)


def test_an_unknown_engine_is_named():
    with pytest.raises(UnknownNameError, match="microbatch, vectorised"):
        trainer(people(10), engine="loop")
